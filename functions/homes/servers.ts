import { existsSync } from 'node:fs'
import { type LogAddress, parseLogAddress } from './logs.ts'
import { logFile, type Settings, storeFile } from './state.ts'
import { parseStoreAddress, type StoreAddress } from './stores.ts'

/** The log and the store of a system as people write them; undefined for the files of the state folder. */
export interface Servers {
  log: string | undefined
  store: string | undefined
}

/**
 * The log and the store of a state folder's system: those that are asked for, or else those that it had before. They
 * do not change while the state lives, since its checkpoints, totals and archive are theirs; their hosts may.
 *
 * @throws Error when others are asked for than the state has
 */
export function serversOf(folder: string, settings: Settings, asked: Servers): Servers {
  const log = asked.log ?? settings.log
  const store = asked.store ?? settings.store
  const hadLog = settings.log ?? (existsSync(logFile(folder)) ? null : undefined)
  const hadStore = settings.store ?? (existsSync(storeFile(folder)) ? null : undefined)
  const isSame = <T>(had: string | null | undefined, now: string | undefined, parse: (text: string) => T) =>
    had === undefined || nameOf(had === null ? null : parse(had)) === nameOf(now === undefined ? null : parse(now))
  if (!isSame(hadLog, log, parseLogAddress)) throw new Error(belongsTo(folder, 'event log', hadLog, '--log'))
  if (!isSame(hadStore, store, parseStoreAddress)) throw new Error(belongsTo(folder, 'speed store', hadStore, '--store'))
  return { log, store }
}
