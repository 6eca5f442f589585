import { openSqliteCheckpoints } from '../../adapters/sqlite/checkpoints.ts'
import type { Checkpoints } from '../../ports/checkpoints.ts'
import type { Environment } from '../config/environment.ts'
import { describeLog } from '../config/log-address.ts'
import { describeStore } from '../config/store-address.ts'
import { ensureCompatibleStore } from '../store-compatibility.ts'
import type { Endpoints } from './endpoints.ts'
import { type OpenedLog, openLog } from './log.ts'
import { acceptLostRecords, refuseLogBehind } from './log-behind.ts'
import type { Settings } from './settings.ts'
import { checkpointsFile } from './state.ts'
import { describeEmptying, type OpenedStore, openStore } from './store.ts'

/** Log, store and checkpoints of a system. They belong together. */
export interface LogAndStore extends OpenedLog, OpenedStore {
  checkpoints: Checkpoints
  /** Descriptions of lost records that were accepted, one line each. */
  lost: readonly string[]
  close(): Promise<void>
}

/**
 * Opens the log and the store of a system, and refuses those that do not belong together.
 *
 * @throws Error in one line when one cannot be reached or used, the store is another system's, or the log has lost
 *   records that were read
 */
export async function openLogAndStore(
  folder: string,
  { slotMs, systemId }: Settings,
  servers: Endpoints,
  environment: Environment,
  acceptsLostRecords: boolean,
): Promise<LogAndStore> {
  const closers: (() => Promise<void>)[] = []
  const close = async () => void (await Promise.all(closers.map(each => each())))
  try {
    const openedLog = await openLog(servers.log, environment)
    const { log } = openedLog
    closers.push(() => log.close())
    const openedStore = await openStore(servers.store, environment)
    const { store } = openedStore
    closers.push(() => store.close())
    const storeFile = servers.store.kind === 'embedded' ? servers.store.file : undefined
    await ensureCompatibleStore(store, {
      name: storeFile ?? describeStore(servers.store),
      slotMs,
      systemId,
      logIdentity: log.identity,
      emptying: describeEmptying(servers.store),
    })
    // In the store's own file, after a power cut no checkpoint can be newer than what was applied.
    const checkpoints = openSqliteCheckpoints(storeFile ?? checkpointsFile(folder))
    closers.push(() => checkpoints.close())
    const logName = servers.log.kind === 'embedded' ? servers.log.file : describeLog(servers.log)
    const progress = { cursors: await store.readCursors(), checkpoints }
    if (!acceptsLostRecords) await refuseLogBehind(openedLog, logName, progress)
    const lost = acceptsLostRecords ? await acceptLostRecords(openedLog, logName, progress) : []
    return { ...openedLog, ...openedStore, checkpoints, lost, close }
  } catch (error) {
    await close()
    throw error
  }
}
