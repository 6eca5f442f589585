import { existsSync } from 'node:fs'
import { openSqliteCheckpoints } from '../../adapters/sqlite/checkpoints.ts'
import { openSqliteSpeedStore } from '../../adapters/sqlite/speed-store.ts'
import { describeLog } from '../config/log-address.ts'
import type { Endpoints } from './endpoints.ts'
import type { OpenedLog } from './log.ts'
import { refuseLogBehind } from './log-behind.ts'
import { checkpointsFile } from './state.ts'

/**
 * Refuses the log of a state folder that has lost records that were read, for processes that only append. A store on a
 * server is not read: the checkpoints in the folder are as far as the store, except for the last moment.
 *
 * @throws Error like refuseLogBehind
 */
export async function refuseOwnLogBehind(folder: string, { log, store }: Endpoints, opened: OpenedLog): Promise<void> {
  const file = store.kind === 'embedded' ? store.file : checkpointsFile(folder)
  if (!existsSync(file)) return
  const speedStore = store.kind === 'embedded' ? openSqliteSpeedStore(file) : undefined
  const checkpoints = openSqliteCheckpoints(file)
  try {
    const name = log.kind === 'embedded' ? log.file : describeLog(log)
    await refuseLogBehind(opened, name, { cursors: (await speedStore?.readCursors()) ?? [], checkpoints })
  } finally {
    await Promise.all([speedStore?.close(), checkpoints.close()])
  }
}
