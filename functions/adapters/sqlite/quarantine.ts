import { DatabaseSync } from 'node:sqlite'
import { HOUR_MS } from '../../core/time.ts'
import type { QuarantineEntry, QuarantinePlace, SpeedStore } from '../../ports/speed-store.ts'
import { claimToCells, fromCells, QUARANTINE_FORM, toCells, toRedriveState } from '../row-encoding/speed-rows.ts'
import { columnsOf, quarantineTable, redrivesTable, WHOLE_RECORD } from '../row-encoding/tables.ts'
import { durably, isOne, OPEN_BUSY_MS, transaction, whenFree } from './database.ts'
import { createRowSql } from './table-sql.ts'

/** Statement that creates the index for reading in order. It has no effect if the index exists. */
export const QUARANTINE_INDEX = `
  CREATE INDEX IF NOT EXISTS quarantine_in_order ON quarantine (lane, arrival_ms / ${HOUR_MS}, sequence, line);
`

/** Hour, position and line that are less than those of every quarantine entry. */
const BEFORE_ALL_PLACES = [-1, '', WHOLE_RECORD]

/** Hour, position and line that are greater than those of every quarantine entry. */
const BEHIND_ALL_PLACES = [Number.MAX_SAFE_INTEGER, '', WHOLE_RECORD]

/** Quarantine in SQLite. */
export function sqliteQuarantine(
  database: DatabaseSync,
): Pick<SpeedStore, 'quarantine' | 'readQuarantine' | 'readNewestQuarantine'> {
  const put = database.prepare(createRowSql(quarantineTable))
  const read = database.prepare(
    `SELECT * FROM quarantine WHERE lane = ? AND (arrival_ms / ${HOUR_MS}, sequence, line) > (?, ?, ?)
     ORDER BY arrival_ms / ${HOUR_MS}, sequence, line LIMIT ?`,
  )
  // A part of no bytes is null in SQLite.
  const readNewest = database.prepare(
    `SELECT lane, sequence, line, arrival_ms, reason, detail, length(bytes) AS length,
       coalesce(substr(bytes, 1, ?), x'') AS bytes
     FROM quarantine WHERE lane = ? AND (arrival_ms / ${HOUR_MS}, sequence, line) < (?, ?, ?)
     ORDER BY arrival_ms / ${HOUR_MS} DESC, sequence DESC, line DESC LIMIT ?`,
  )
  return {
    async quarantine(entries) {
      if (entries.length === 0) return
      const keep = ({ bytes, ...entry }: QuarantineEntry) => put.run({ ...toCells(QUARANTINE_FORM, entry), bytes })
      await whenFree(database, () => transaction(database, () => entries.forEach(keep)))
    },
    async readQuarantine({ lane, after, limit }) {
      const place = after ? cellsOf(after) : BEFORE_ALL_PLACES
      const rows = await whenFree(database, () => read.all(lane, ...place, limit))
      return rows.map(row => ({ ...fromCells(QUARANTINE_FORM, row), bytes: row.bytes as Uint8Array }))
    },
    async readNewestQuarantine({ lane, before, limit, mostBytes }) {
      const place = before ? cellsOf(before) : BEHIND_ALL_PLACES
      const rows = await whenFree(database, () => readNewest.all(mostBytes, lane, ...place, limit))
      return rows.map(row => ({
        ...fromCells(QUARANTINE_FORM, row),
        bytes: row.bytes as Uint8Array,
        length: row.length as number,
      }))
    },
  }
}

function cellsOf({ arrivalMs, position, line }: QuarantinePlace): (string | number)[] {
  return [Math.floor(arrivalMs / HOUR_MS), position, line ?? WHOLE_RECORD]
}

/** Claims of redrives in SQLite. */
export function sqliteRedrives(
  database: DatabaseSync,
): Pick<SpeedStore, 'claimRedrive' | 'markRedriven' | 'readRedrives'> {
  const create = database.prepare(createRowSql(redrivesTable))
  const mark = database.prepare('UPDATE quarantine_redrives SET appended_ms = ? WHERE producer = ?')
  const read = database.prepare('SELECT * FROM quarantine_redrives WHERE producer = ?')
  return {
    async claimRedrive(claim) {
      const cells = { ...claimToCells(claim), appended_ms: null }
      // After a power cut the log still has what was appended under the claim. If the claim were lost, a later run
      // would append it again.
      return isOne(await whenFree(database, () => durably(database, () => create.run(cells))))
    },
    async markRedriven(producer, appendedMs) {
      return isOne(await whenFree(database, () => durably(database, () => mark.run(appendedMs, producer))))
    },
    async readRedrives(producers) {
      const rows = await whenFree(database, () => producers.map(producer => read.get(producer)))
      return rows.filter(row => row !== undefined).map(toRedriveState)
    },
  }
}

/**
 * Adds the claims of a store's file that a copy of it lacks. They get no mark, because the copy of the log may end before
 * their records.
 *
 * @param to the copy, which nobody else uses
 */
export function copyMissingClaims(from: string, to: string): void {
  const names = columnsOf(redrivesTable).map(({ name }) => name)
  const values = names.map(name => (name === 'appended_ms' ? 'NULL' : name))
  const copy = new DatabaseSync(to, { timeout: OPEN_BUSY_MS })
  try {
    copy.prepare('ATTACH ? AS original').run(from)
    copy.exec(
      `INSERT OR IGNORE INTO quarantine_redrives (${names.join(', ')}) SELECT ${values.join(', ')} FROM original.quarantine_redrives`,
    )
  } finally {
    copy.close()
  }
}
