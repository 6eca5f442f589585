import { readEnvironment } from '../homes/environment.ts'
import { type LocalHome, openLocalHome } from '../homes/local.ts'
import { serversOf } from '../homes/servers.ts'
import { readState, type Settings } from '../homes/state.ts'
import type { Flag } from './command.ts'
import { askedServers } from './servers.ts'

export const STATE_FLAG = {
  state: { type: 'string', value: 'DIR', default: '.landcover/state', help: 'Folder that holds all state' },
} as const satisfies Record<string, Flag>

/** Opens the system of a state folder, beside the process that runs it or alone, for as long as the work takes. */
export async function withHome<Result>(
  state: string,
  work: (home: LocalHome, settings: Settings) => Promise<Result>,
): Promise<Result> {
  const settings = readState(state)
  const environment = readEnvironment(process.env)
  const servers = serversOf(state, settings, askedServers({}, environment))
  const home = await openLocalHome(state, settings, servers, environment, line => process.stderr.write(line))
  try {
    return await work(home, settings)
  } finally {
    await home.close()
  }
}
