import { openStage } from '../runtime/aws/stage.ts'
import { readEnvironment } from '../runtime/config/environment.ts'
import { endpointsOf } from '../runtime/local/endpoints.ts'
import { type LocalRuntime, openLocalRuntime } from '../runtime/local/runtime.ts'
import { readState } from '../runtime/local/state.ts'
import type { Runtime } from '../runtime/runtime.ts'
import type { Flag } from './command.ts'
import { requestedEndpoints } from './endpoint-flags.ts'

export const STATE_FLAG = {
  state: { type: 'string', value: 'DIR', default: '.landcover/state', help: 'Folder that holds all state' },
} as const satisfies Record<string, Flag>

/** Flags of commands that work on a state folder or on a stage. */
export const RUNTIME_FLAGS = {
  ...STATE_FLAG,
  stage: { type: 'string', value: 'NAME', help: 'Stage on AWS, instead of a state folder' },
} as const satisfies Record<string, Flag>

/** The system that the flags name. */
export interface RuntimeChoice {
  state: string
  stage?: string | undefined
}

/** Opens the stage that the flags name, or else the system of their state folder, runs the work, and closes it. */
export async function withRuntime<Result>(
  { state, stage: name }: RuntimeChoice,
  work: (runtime: Runtime) => Promise<Result>,
): Promise<Result> {
  return name === undefined ? withState(state, work) : closing(await openStage(name), work)
}

/** Opens the system of a state folder, runs the work, and closes it. The system may be running in another process. */
export async function withState<Result>(
  state: string,
  work: (runtime: LocalRuntime) => Promise<Result>,
): Promise<Result> {
  const settings = readState(state)
  const environment = readEnvironment(process.env)
  const endpoints = endpointsOf(state, settings, requestedEndpoints({}, environment))
  const runtime = await openLocalRuntime(state, settings, endpoints, environment, line => process.stderr.write(line))
  return closing(runtime, work)
}

async function closing<R extends Runtime, Result>(runtime: R, work: (runtime: R) => Promise<Result>): Promise<Result> {
  try {
    return await work(runtime)
  } finally {
    await runtime.close()
  }
}
