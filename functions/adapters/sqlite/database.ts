import { accessSync, constants, existsSync, statSync } from 'node:fs'
import { backup, DatabaseSync, type StatementResultingChanges } from 'node:sqlite'
import { setTimeout as sleep } from 'node:timers/promises'
import { pathToFileURL } from 'node:url'

/** Time that opening a file waits for other processes. At that time this process answers no requests yet. */
export const OPEN_BUSY_MS = 15_000

/** Time that a statement waits for another process before it fails. A request can run several statements in a row. */
const LOCK_WAIT_MS = 5_000
const FIRST_PAUSE_MS = 1
/** Longest pause between attempts. They must be frequent: a busy writer leaves the lock free only for moments. */
const LONGEST_PAUSE_MS = 20

/** Primary result code. Extended codes have it in their low byte (sqlite.org/rescode.html). */
const SQLITE_BUSY = 5
/** Primary result codes of writes that the disk refuses, with a message for people. */
const REFUSALS = new Map([
  [8, 'is read-only: check whether its disk is mounted read-only, and who owns the file'],
  [10, 'had a disk error: check whether the disk is full or damaged'],
  [13, 'has no space left on its disk: free some space'],
  [14, 'cannot be opened: check whether its disk is full or mounted read-only, and who owns the folder'],
])
const SQLITE_READONLY = 8
/** Primary result codes of a file whose content is damaged: CORRUPT and NOTADB. */
const DAMAGES = [11, 26]

/** Error of a file whose disk refuses writes. The message names the file and says what to check. */
export class UnwritableError extends Error {}

/** Options of opening a SQLite file. */
export interface DatabaseOptions {
  file: string
  /**
   * 'power-loss' syncs every commit to the disk. 'process-crash' leaves that to the operating system, so a power cut
   * may remove the newest commits. It never removes a part of a commit, or an older commit without the newer ones.
   */
  durability: 'power-loss' | 'process-crash'
  /** Creates missing tables. Writes nothing when none is missing: a complete file can be read without its lock. */
  define(database: DatabaseSync): void
  /** Time that opening waits for other processes, ms. */
  waitMs?: number
}

/**
 * Opens a database file that several processes may use at once, and that survives when they are killed. After that, no
 * statement waits for a lock: it fails, and `whenFree` runs it again.
 *
 * @throws UnwritableError when the disk refuses to open it for writing
 */
export function openDatabase({ file, durability, define, waitMs = OPEN_BUSY_MS }: DatabaseOptions): DatabaseSync {
  let database: DatabaseSync | undefined
  try {
    // SQLite would open such a file read-only, and it would stay so when it is writable again.
    for (const name of [file, `${file}-wal`, `${file}-shm`]) if (existsSync(name)) accessSync(name, constants.W_OK)
    database = new DatabaseSync(file, { timeout: waitMs })
    database.exec(`
      PRAGMA journal_mode = WAL;
      PRAGMA synchronous = ${durability === 'power-loss' ? 'FULL' : 'NORMAL'};
    `)
    define(database)
    database.exec('PRAGMA busy_timeout = 0')
    return database
  } catch (error) {
    database?.close()
    throw refusalOf(file, error) ?? damageOf(file, error) ?? error
  }
}

/**
 * Opens an existing database file whose disk refuses writes. It needs no other file beside it, which could not be
 * created either.
 */
export function openReadOnly({ file, define }: DatabaseOptions): DatabaseSync {
  const wal = statSync(`${file}-wal`, { throwIfNoEntry: false })
  const immutable = pathToFileURL(file)
  immutable.searchParams.set('immutable', '1')
  const database = new DatabaseSync(wal?.isFile() && wal.size > 0 ? file : immutable, { readOnly: true })
  try {
    define(database)
    return database
  } catch (error) {
    database.close()
    throw damageOf(file, error) ?? error
  }
}

/**
 * Runs `work` as soon as no other process holds the lock. The wait is asynchronous: a process that is stopped inside
 * its transaction must not block processes that answer requests.
 *
 * @param work must change nothing when it throws, because it runs again
 * @param waitMs maximum time to wait
 * @throws Error that names the file when it is still locked after that time, when its disk refuses the work, or when it is
 *   damaged
 */
export async function whenFree<T>(database: DatabaseSync, work: () => T, waitMs = LOCK_WAIT_MS): Promise<T> {
  const file = String(database.location())
  const startMs = performance.now()
  for (let longestMs = FIRST_PAUSE_MS; ; longestMs = Math.min(longestMs * 2, LONGEST_PAUSE_MS)) {
    try {
      return work()
    } catch (cause) {
      const refusal = refusalOf(file, cause)
      if (refusal) throw refusal
      if (!isBusy(cause)) throw damageOf(file, cause) ?? cause
      if (performance.now() - startMs >= waitMs) {
        throw new Error(
          `another process has kept ${file} locked for ${waitMs / 1000} s: look for a process that is stopped (Ctrl-Z), and continue it (fg) or end it`,
          { cause },
        )
      }
    }
    // A random pause, so that several waiting processes do not try at the same moments.
    await sleep(longestMs * (0.5 + Math.random() / 2))
  }
}

/** Returns true when the error says that another process holds a lock. */
export function isBusy(error: unknown): boolean {
  return resultCodeOf(error) === SQLITE_BUSY
}

/** Returns the error for people when the disk refuses a write, or SQLite reports that. */
function refusalOf(file: string, cause: unknown): UnwritableError | undefined {
  const isReadOnly = ['EACCES', 'EPERM', 'EROFS'].includes((cause as NodeJS.ErrnoException).code ?? '')
  const refusal = REFUSALS.get(isReadOnly ? SQLITE_READONLY : resultCodeOf(cause))
  if (refusal === undefined) return undefined
  return new UnwritableError(`${file} ${refusal} (${(cause as Error).message})`, { cause })
}

/** Returns the error for people when the content of a file is damaged. */
function damageOf(file: string, cause: unknown): Error | undefined {
  if (!DAMAGES.includes(resultCodeOf(cause))) return undefined
  return new Error(
    `${file} is damaged (${(cause as Error).message}): stop all programs that use it, and restore a backup: npm run restore`,
    { cause },
  )
}

/** Returns the primary result code of an error; 0 when it does not come from SQLite. */
function resultCodeOf(error: unknown): number {
  return ((error as { errcode?: number }).errcode ?? 0) & 0xff
}

/** Pages that one step of a backup copies: more than any file has, since other processes may write between steps. */
const ALL_PAGES = 2 ** 31 - 1

/** Copies a database file as it is at one moment, while other processes may write to it. */
export async function backupSqlite(file: string, target: string): Promise<void> {
  const database = new DatabaseSync(file, { readOnly: true, timeout: OPEN_BUSY_MS })
  try {
    await backup(database, target, { rate: ALL_PAGES })
  } finally {
    database.close()
  }
}

/** Runs a write to a 'process-crash' database that must survive a power cut, together with all writes before it. */
export function durably<T>(database: DatabaseSync, write: () => T): T {
  database.exec('PRAGMA synchronous = FULL')
  try {
    return write()
  } finally {
    database.exec('PRAGMA synchronous = NORMAL')
  }
}

/** Kind of file, for messages, and its newest format. */
export interface FileForm {
  name: string
  file: string
  format: number
}

/**
 * Returns the format that a file states (its user_version); 1 when it states none.
 *
 * @throws Error when the format is newer than this version of landcover knows
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

/** Returns true when a statement changed one row. */
export function isOne({ changes }: StatementResultingChanges): boolean {
  return changes === 1
}
