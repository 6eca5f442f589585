import { openStage } from '../runtime/aws/stage.ts'
import { endpointsOf } from '../runtime/config/endpoints.ts'
import { readEnvironment } from '../runtime/config/environment.ts'
import { type LocalRuntime, openLocalRuntime } from '../runtime/local/runtime.ts'
import type { Settings } from '../runtime/local/settings.ts'
import { readState } from '../runtime/local/state.ts'
import type { Flag } from './command.ts'
import { requestedEndpoints } from './endpoint-flags.ts'

export const STATE_FLAG = {
  state: { type: 'string', value: 'DIR', default: '.landcover/state', help: 'Folder that holds all state' },
} as const satisfies Record<string, Flag>

/** Flags of commands that work on a stage as well. */
export const RUNTIME_FLAGS = {
  ...STATE_FLAG,
  stage: { type: 'string', value: 'NAME', help: 'A stage on AWS, as it was deployed, instead of a state folder' },
} as const satisfies Record<string, Flag>

/** What commands work on: the system of a state folder, or a stage on AWS. */
type Runtime = Pick<LocalRuntime, 'openLog' | 'store' | 'objects' | 'views' | 'batch' | 'runBatch' | 'classes'>

/** Opens the stage that the flags name, or else the system of their state folder, for as long as the work takes. */
export async function withRuntime<Result>(
  { state, stage: name }: { state: string; stage?: string | undefined },
  work: (runtime: Runtime, settings: Pick<Settings, 'slotMs'>) => Promise<Result>,
): Promise<Result> {
  if (name === undefined) return withState(state, work)
  const stage = await openStage(name)
  try {
    return await work(stage, stage)
  } finally {
    await stage.close()
  }
}

/** Opens the system of a state folder, beside the process that runs it or alone, for as long as the work takes. */
export async function withState<Result>(
  state: string,
  work: (runtime: LocalRuntime, settings: Settings) => Promise<Result>,
): Promise<Result> {
  const settings = readState(state)
  const environment = readEnvironment(process.env)
  const servers = endpointsOf(state, settings, requestedEndpoints({}, environment))
  const runtime = await openLocalRuntime(state, settings, servers, environment, line => process.stderr.write(line))
  try {
    return await work(runtime, settings)
  } finally {
    await runtime.close()
  }
}
