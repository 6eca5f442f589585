import { existsSync } from 'node:fs'
import { describeLog, type LogAddress, parseLogAddress } from '../config/log-address.ts'
import { describeStore, parseStoreAddress, type StoreAddress } from '../config/store-address.ts'
import type { Settings } from './settings.ts'
import { changeState, logFile, storeFile } from './state.ts'

/** Addresses of the log and the store of a system. */
export interface Endpoints {
  log: LogAddress
  store: StoreAddress
}

/** Addresses as people write them; undefined when not given. */
export interface RequestedEndpoints {
  log: string | undefined
  store: string | undefined
}

/**
 * Returns the log and the store of a state folder's system: the requested ones, or those that it has, or files of the
 * folder.
 *
 * @throws Error when it has others than requested. Its checkpoints, totals and archive belong to them, so only their
 *   hosts may change.
 */
export function endpointsOf(folder: string, settings: Settings, asked: RequestedEndpoints): Endpoints {
  const ownLog: LogAddress = { kind: 'embedded', file: logFile(folder) }
  const ownStore: StoreAddress = { kind: 'embedded', file: storeFile(folder) }
  const hadLog = settings.log === undefined ? existing(ownLog) : parseLogAddress(settings.log)
  const hadStore = settings.store === undefined ? existing(ownStore) : parseStoreAddress(settings.store)
  const log = asked.log === undefined ? (hadLog ?? ownLog) : parseLogAddress(asked.log)
  const store = asked.store === undefined ? (hadStore ?? ownStore) : parseStoreAddress(asked.store)
  const refuseChange = (what: string, flag: string, had: string, now: string) => {
    if (had === now) return
    throw new Error(
      `the state in ${folder} has ${had} as its ${what}, not ${now}: leave ${flag} out, choose another folder with --state, or start again with --fresh`,
    )
  }
  if (hadLog) refuseChange('event log', '--log', describeLog(hadLog), describeLog(log))
  if (hadStore) refuseChange('speed store', '--store', describeStore(hadStore), describeStore(store))
  return { log, store }
}

function existing<T extends { file: string }>(own: T): T | undefined {
  return existsSync(own.file) ? own : undefined
}

/** Stores the addresses of a system's log and store in its settings, for commands that name only the state folder. */
export async function storeEndpoints(folder: string, settings: Settings, asked: RequestedEndpoints): Promise<void> {
  const { log = settings.log, store = settings.store } = asked
  if (log === settings.log && store === settings.store) return
  await changeState(folder, { ...settings, ...(log !== undefined && { log }), ...(store !== undefined && { store }) })
}
