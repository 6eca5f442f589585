import type { DatabaseSync } from 'node:sqlite'
import { type DatabaseOptions, isBusy, openDatabase, openReadOnly, UnwritableError, whenFree } from './database.ts'

/** Time between attempts to open a file for writing again, ms. */
const REOPEN_MS = 1_000

/** Connection to a database file, with its prepared statements. */
export interface Connection<Statements> {
  /** Runs `work` on the prepared statements as soon as no other process holds the lock: see whenFree. */
  run<T>(work: (sql: Statements, database: DatabaseSync) => T | Promise<T>): Promise<T>
  /** Returns the prepared statements, for what does not change while the file is open. */
  statements(): Statements
  close(): void
}

interface Opened<Statements> {
  database: DatabaseSync
  sql: Statements
  /** Reason why the file can only be read. */
  refusal: UnwritableError | undefined
}

/**
 * Opens a database file like openDatabase. A file whose disk refuses writes is opened for reading: writes fail with the
 * reason. It is opened again for writing as soon as the disk allows that.
 *
 * @param elapsedMs monotonic clock, ms
 * @throws UnwritableError when it cannot be read either, or is not complete
 */
export function openConnection<Statements>(
  options: DatabaseOptions,
  prepare: (database: DatabaseSync) => Statements,
  elapsedMs = () => performance.now(),
): Connection<Statements> {
  const opened = (database: DatabaseSync, refusal?: UnwritableError): Opened<Statements> => ({
    database,
    sql: prepare(database),
    refusal,
  })
  let triedMs = elapsedMs()
  let current = openAny()

  function openAny(): Opened<Statements> {
    try {
      return opened(openDatabase(options))
    } catch (error) {
      if (!(error instanceof UnwritableError)) throw error
      try {
        return opened(openReadOnly(options), error)
      } catch {
        throw error
      }
    }
  }

  /** Opens the file for writing if it was opened for reading only. Another process may have changed it since then. */
  function reopen(): void {
    if (!current.refusal || elapsedMs() - triedMs < REOPEN_MS) return
    triedMs = elapsedMs()
    try {
      const writable = opened(openDatabase({ ...options, waitMs: 0 }))
      current.database.close()
      current = writable
    } catch (error) {
      if (error instanceof UnwritableError) current.refusal = error
      else if (!isBusy(error)) throw error
    }
  }

  return {
    async run<T>(work: (sql: Statements, database: DatabaseSync) => T | Promise<T>): Promise<T> {
      try {
        return await whenFree<T | Promise<T>>(current.database, () => {
          reopen()
          return work(current.sql, current.database)
        })
      } catch (error) {
        throw error instanceof UnwritableError && current.refusal ? current.refusal : error
      }
    },
    statements: () => current.sql,
    close: () => current.database.close(),
  }
}
