import { backup, DatabaseSync } from 'node:sqlite'
import { setTimeout as sleep } from 'node:timers/promises'

/** How long the opening of a file waits for other processes; nothing of this process answers anybody yet. */
const OPEN_BUSY_MS = 15_000

/** How long a statement waits for another process before it fails. A request waits for several of them in a row. */
const LOCK_WAIT_MS = 5_000
const FIRST_PAUSE_MS = 1
/** A writer that appends without end leaves the lock free for moments only: those who wait must look often. */
const LONGEST_PAUSE_MS = 20

/** Primary result codes; extended ones have them in their low byte (sqlite.org/rescode.html). */
const SQLITE_BUSY = 5
/** What the disk has against a write, in words for people. */
const REFUSALS = new Map([
  [8, 'can be read only: see whether its disk is mounted read-only, and whose the file is'],
  [10, 'met an error of its disk: see whether that is full or damaged'],
  [13, 'has no room on its disk: make some'],
])

export interface DatabaseOptions {
  file: string
  /**
   * 'power-loss' syncs every commit to the disk; 'process-crash' leaves that to the system, so that a power cut may
   * take the newest commits (never part of one, never older ones without the newer)
   */
  durability: 'power-loss' | 'process-crash'
  /** Makes what is missing; writes nothing where nothing is, since a file that is whole can be read without its lock. */
  define(database: DatabaseSync): void
}

/**
 * Opens a database file that several processes may use at once and that survives their being killed. From then on no
 * statement waits for a lock by itself: it fails, and `whenFree` runs it again.
 */
export function openDatabase({ file, durability, define }: DatabaseOptions): DatabaseSync {
  const database = new DatabaseSync(file, { timeout: OPEN_BUSY_MS })
  database.exec(`
    PRAGMA journal_mode = WAL;
    PRAGMA synchronous = ${durability === 'power-loss' ? 'FULL' : 'NORMAL'};
  `)
  define(database)
  database.exec('PRAGMA busy_timeout = 0')
  return database
}

/**
 * Runs `work` as soon as no lock of another process refuses it. The wait is asynchronous: a process that stands still
 * inside its transaction must not stop those that answer.
 *
 * @param work changes nothing where it throws: it runs again
 * @param waitMs how long to wait at most
 * @throws Error that names the file when it is still locked after that, or when its disk refuses the work
 */
export async function whenFree<T>(database: DatabaseSync, work: () => T, waitMs = LOCK_WAIT_MS): Promise<T> {
  const startMs = performance.now()
  for (let longestMs = FIRST_PAUSE_MS; ; longestMs = Math.min(longestMs * 2, LONGEST_PAUSE_MS)) {
    try {
      return work()
    } catch (cause) {
      const code = resultCodeOf(cause)
      const refusal = REFUSALS.get(code)
      if (refusal) throw new Error(`${database.location()} ${refusal} (${(cause as Error).message})`, { cause })
      if (code !== SQLITE_BUSY) throw cause
      if (performance.now() - startMs >= waitMs) {
        throw new Error(
          `another process has kept ${database.location()} locked for ${waitMs / 1000} s: look for one that is stopped (Ctrl-Z) and let it go on (fg), or end it`,
          { cause },
        )
      }
    }
    // At random, so that several who wait do not look at the same moments.
    await sleep(longestMs * (0.5 + Math.random() / 2))
  }
}

/** 0 for what is no error of SQLite. */
function resultCodeOf(error: unknown): number {
  return ((error as { errcode?: number }).errcode ?? 0) & 0xff
}

/** Of a backup's step: more than any file has, since a step sees one moment and others may write between two. */
const ALL_PAGES = 2 ** 31 - 1

/** Copies a database file as it is at one moment, while others may write to it. */
export async function backupSqlite(file: string, target: string): Promise<void> {
  const database = new DatabaseSync(file, { readOnly: true, timeout: OPEN_BUSY_MS })
  try {
    await backup(database, target, { rate: ALL_PAGES })
  } finally {
    database.close()
  }
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

/** What a file's form is called, and its newest format. */
export interface FileForm {
  name: string
  file: string
  format: number
}

/**
 * The format of a file as it states it (its user_version); 1 where it states none.
 *
 * @throws Error when it is a format to come
 */
export function formatOf(database: DatabaseSync, { name, file, format }: FileForm): number {
  const { user_version: stated } = database.prepare('PRAGMA user_version').get() as { user_version: number }
  if (stated <= format) return Math.max(stated, 1)
  throw new Error(
    `${name} ${file} has format ${stated}, this landcover reads 1 to ${format}: run the landcover that wrote it, or choose another folder with --state. Nothing was changed`,
  )
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
