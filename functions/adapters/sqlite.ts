import { DatabaseSync } from 'node:sqlite'

/** How long a statement waits for another process's write before it fails. */
const BUSY_MS = 15_000

/**
 * Opens a database file that several processes may use at once and that survives their being killed.
 *
 * @param durability 'power-loss' syncs every commit to the disk; 'process-crash' leaves that to the system, so that a
 * power cut may take the newest commits (never part of one, never older ones without the newer)
 */
export function openDatabase(file: string, durability: 'power-loss' | 'process-crash'): DatabaseSync {
  const database = new DatabaseSync(file, { timeout: BUSY_MS })
  database.exec(`
    PRAGMA journal_mode = WAL;
    PRAGMA synchronous = ${durability === 'power-loss' ? 'FULL' : 'NORMAL'};
  `)
  return database
}

/** Does a write of a 'process-crash' database that, with all before it, must also survive a power cut. */
export function durably<T>(database: DatabaseSync, write: () => T): T {
  database.exec('PRAGMA synchronous = FULL')
  try {
    return write()
  } finally {
    database.exec('PRAGMA synchronous = NORMAL')
  }
}

/** Runs `work` as one transaction that no other writer interleaves with. */
export function transaction<T>(database: DatabaseSync, work: () => T): T {
  database.exec('BEGIN IMMEDIATE')
  try {
    const result = work()
    database.exec('COMMIT')
    return result
  } catch (error) {
    if (database.isTransaction) database.exec('ROLLBACK')
    throw error
  }
}
