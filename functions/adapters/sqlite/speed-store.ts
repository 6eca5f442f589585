import { DatabaseSync, type SQLInputValue, type StatementResultingChanges } from 'node:sqlite'
import type { Alert } from '../../core/alert.ts'
import type { Cursor } from '../../core/cursor.ts'
import { dayOf, HOUR_MS } from '../../core/time.ts'
import type { QuarantineEntry, SpeedStore, StoreSettings } from '../../ports/speed-store.ts'
import {
  describeMissing,
  divideMissing,
  SETTINGS_ROW,
  TABLE_COLUMNS,
  type TableColumn,
  WHOLE_RECORD,
} from '../cassandra/tables.ts'
import { producersToText, totalsToText } from '../row-encoding/row-encoding.ts'
import {
  toAlert,
  toCursor,
  toQuarantineEntry,
  toRedriveState,
  toSpeedRow,
  toStoreSettings,
} from '../row-encoding/speed-rows.ts'
import { durably, openDatabase, transaction, whenFree } from './database.ts'

const SCHEMA = `
  CREATE TABLE IF NOT EXISTS store_settings (
    name TEXT PRIMARY KEY,
    format INTEGER NOT NULL,
    slot_ms INTEGER NOT NULL,
    system_id TEXT
  ) WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS lane_cursor (
    lane TEXT PRIMARY KEY,
    last_sequence TEXT NOT NULL,
    producers TEXT NOT NULL,
    last_arrival_ms INTEGER,
    last_event_ms INTEGER,
    quarantined INTEGER NOT NULL,
    last_heartbeat_delay_ms INTEGER,
    lost_records INTEGER,
    last_loss_ms INTEGER
  ) WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS realtime_ndvi_by_class (
    lane TEXT NOT NULL,
    arrival_slot INTEGER NOT NULL,
    window_start INTEGER NOT NULL,
    last_sequence TEXT NOT NULL,
    totals TEXT NOT NULL,
    PRIMARY KEY (lane, arrival_slot, window_start)
  ) WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS anomaly_alerts (
    class_name TEXT NOT NULL,
    day TEXT NOT NULL,
    event_ms INTEGER NOT NULL,
    image_id TEXT NOT NULL,
    ndvi_mean INTEGER NOT NULL,
    ndvi_min INTEGER,
    ndvi_max INTEGER,
    rule TEXT NOT NULL,
    score REAL NOT NULL,
    baseline_version INTEGER NOT NULL,
    PRIMARY KEY (class_name, day, event_ms, image_id)
  ) WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS quarantine (
    lane TEXT NOT NULL,
    sequence TEXT NOT NULL,
    line INTEGER NOT NULL,
    arrival_ms INTEGER NOT NULL,
    reason TEXT NOT NULL,
    detail TEXT NOT NULL,
    bytes BLOB NOT NULL,
    PRIMARY KEY (lane, sequence, line)
  ) WITHOUT ROWID;
  CREATE INDEX IF NOT EXISTS quarantine_in_order ON quarantine (lane, arrival_ms / ${HOUR_MS}, sequence, line);
  CREATE TABLE IF NOT EXISTS quarantine_redrives (
    producer TEXT PRIMARY KEY,
    entry_lane TEXT NOT NULL,
    entry_sequence TEXT NOT NULL,
    entry_line INTEGER NOT NULL,
    claimed_ms INTEGER NOT NULL,
    log_identity TEXT NOT NULL,
    lane TEXT,
    appended_ms INTEGER
  ) WITHOUT ROWID;
`

/** Hour, position and line that are less than those of every quarantine entry. */
const BEFORE_ALL_PLACES = [-1, '', WHOLE_RECORD]

/** Opens the embedded speed store: a SQLite file. @throws Error when the file lacks a column of its format */
export function openSqliteSpeedStore(file: string): SpeedStore & {
  /** Deletes rows and alerts that are so old that neither people nor the batch layer can need them. */
  expire(before: number): Promise<void>
} {
  const define = (opened: DatabaseSync) => defineTables(opened, file)
  const database = openDatabase({ file, durability: 'process-crash', define })
  const free = <T>(work: () => T) => whenFree(database, work)
  const sql = {
    initSettings: database.prepare('INSERT INTO store_settings VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING'),
    replaceSettings: database.prepare(
      'UPDATE store_settings SET format = ?, system_id = ? WHERE name = ? AND format = ? AND system_id IS ?',
    ),
    stored: database.prepare('SELECT * FROM store_settings WHERE name = ?'),
    readCursor: database.prepare('SELECT * FROM lane_cursor WHERE lane = ?'),
    readCursors: database.prepare('SELECT * FROM lane_cursor ORDER BY lane'),
    createCursor: database.prepare('INSERT INTO lane_cursor VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING'),
    moveCursor: database.prepare(
      `UPDATE lane_cursor SET last_sequence = ?, producers = ?, last_arrival_ms = ?, last_event_ms = ?,
         quarantined = ?, last_heartbeat_delay_ms = ?, lost_records = ?, last_loss_ms = ?
       WHERE lane = ? AND last_sequence = ?`,
    ),
    readRow: database.prepare(
      'SELECT * FROM realtime_ndvi_by_class WHERE lane = ? AND arrival_slot = ? AND window_start = ?',
    ),
    readRows: database.prepare(
      'SELECT * FROM realtime_ndvi_by_class WHERE lane = ? AND arrival_slot >= ? AND arrival_slot < ?',
    ),
    createRow: database.prepare('INSERT INTO realtime_ndvi_by_class VALUES (?, ?, ?, ?, ?) ON CONFLICT DO NOTHING'),
    replaceRow: database.prepare(
      `UPDATE realtime_ndvi_by_class SET last_sequence = ?, totals = ?
       WHERE lane = ? AND arrival_slot = ? AND window_start = ? AND last_sequence = ?`,
    ),
    putAlert: database.prepare(
      'INSERT INTO anomaly_alerts VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING',
    ),
    readAlerts: database.prepare(
      `SELECT * FROM anomaly_alerts WHERE class_name = ? AND day = ? AND event_ms <= ?
       ORDER BY event_ms DESC, image_id DESC LIMIT ?`,
    ),
    quarantine: database.prepare('INSERT INTO quarantine VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING'),
    readQuarantine: database.prepare(
      `SELECT * FROM quarantine WHERE lane = ? AND (arrival_ms / ${HOUR_MS}, sequence, line) > (?, ?, ?)
       ORDER BY arrival_ms / ${HOUR_MS}, sequence, line LIMIT ?`,
    ),
    claimRedrive: database.prepare(
      'INSERT INTO quarantine_redrives VALUES (?, ?, ?, ?, ?, ?, ?, NULL) ON CONFLICT DO NOTHING',
    ),
    markRedriven: database.prepare('UPDATE quarantine_redrives SET appended_ms = ? WHERE producer = ?'),
    readRedrive: database.prepare('SELECT * FROM quarantine_redrives WHERE producer = ?'),
    expireRows: database.prepare('DELETE FROM realtime_ndvi_by_class WHERE arrival_slot < ?'),
    expireAlerts: database.prepare('DELETE FROM anomaly_alerts WHERE day < ?'),
  }

  return {
    unready: async () => [],
    initSettings: ({ format, slotMs, systemId }) =>
      free(() => {
        // Nothing is written when the row exists: a store on a full or read-only disk can still be read.
        if (!sql.stored.get(SETTINGS_ROW)) sql.initSettings.run(SETTINGS_ROW, format, slotMs, systemId)
        return toStoreSettings(sql.stored.get(SETTINGS_ROW) as object)
      }),
    async replaceSettings({ format, systemId }, from) {
      return isOne(
        await free(() => sql.replaceSettings.run(format, systemId, SETTINGS_ROW, from.format, from.systemId)),
      )
    },
    async readCursor(lane) {
      const row = await free(() => sql.readCursor.get(lane))
      return row && toCursor(row)
    },
    async readCursors() {
      return (await free(() => sql.readCursors.all())).map(toCursor)
    },
    async createCursor(cursor) {
      return isOne(await free(() => sql.createCursor.run(cursor.lane, ...cursorValues(cursor))))
    },
    async moveCursor(cursor, from) {
      return isOne(await free(() => sql.moveCursor.run(...cursorValues(cursor), cursor.lane, from)))
    },
    async readRow({ lane, slot, windowStart }) {
      const row = await free(() => sql.readRow.get(lane, slot, windowStart))
      return row && toSpeedRow(row)
    },
    async readRows(lane, { from, until }) {
      return (await free(() => sql.readRows.all(lane, from, until))).map(toSpeedRow)
    },
    async writeRow({ lane, slot, windowStart, lastPosition, totals }, replacing) {
      const text = totalsToText(totals)
      return isOne(
        await free(() =>
          replacing === null
            ? sql.createRow.run(lane, slot, windowStart, lastPosition, text)
            : sql.replaceRow.run(lastPosition, text, lane, slot, windowStart, replacing),
        ),
      )
    },
    async putAlerts(alerts) {
      if (alerts.length === 0) return
      const put = ({ className, day, eventMs, imageId, ndviMean, ndviMin, ndviMax, ...judged }: Alert) => {
        const { rule, score, baselineVersion } = judged
        sql.putAlert.run(className, day, eventMs, imageId, ndviMean, ndviMin, ndviMax, rule, score, baselineVersion)
      }
      await free(() => transaction(database, () => alerts.forEach(put)))
    },
    async readAlerts({ className, day, upToMs, limit }) {
      return (await free(() => sql.readAlerts.all(className, day, upToMs, limit))).map(toAlert)
    },
    async quarantine(entries) {
      if (entries.length === 0) return
      const keep = ({ lane, position, index, arrivalMs, reason, detail, bytes }: QuarantineEntry) =>
        sql.quarantine.run(lane, position, index ?? WHOLE_RECORD, arrivalMs, reason, detail, bytes)
      await free(() => transaction(database, () => entries.forEach(keep)))
    },
    async readQuarantine({ lane, after, limit }) {
      const behind = after
        ? [Math.floor(after.arrivalMs / HOUR_MS), after.position, after.index ?? WHOLE_RECORD]
        : BEFORE_ALL_PLACES
      const rows = await free(() => sql.readQuarantine.all(lane, ...behind, limit))
      return rows.map(row => toQuarantineEntry(row, row.bytes as Uint8Array))
    },
    async claimRedrive({ producer, entry, claimedMs, log, lane }) {
      const place = [entry.lane, entry.position, entry.index ?? WHOLE_RECORD]
      const claim = () => sql.claimRedrive.run(producer, ...place, claimedMs, log, lane)
      // After a power cut the log still has what was appended under the claim. If the claim were lost, a later run
      // would append it again.
      return isOne(await free(() => durably(database, claim)))
    },
    async markRedriven(producer, appendedMs) {
      return isOne(await free(() => durably(database, () => sql.markRedriven.run(appendedMs, producer))))
    },
    async readRedrives(producers) {
      const rows = await free(() => producers.map(producer => sql.readRedrive.get(producer)))
      return rows.filter(row => row !== undefined).map(toRedriveState)
    },
    async expire(before) {
      await free(() => sql.expireRows.run(before))
      await free(() => sql.expireAlerts.run(dayOf(before)))
    },
    async close() {
      database.close()
    },
  }
}

/** Reads the settings of a speed store's file without changing it. Undefined when it has none, or is damaged. */
export function readSqliteStoreSettings(file: string): StoreSettings | undefined {
  let database: DatabaseSync | undefined
  try {
    database = new DatabaseSync(file, { readOnly: true })
    const row = database.prepare('SELECT * FROM store_settings WHERE name = ?').get(SETTINGS_ROW)
    return row && toStoreSettings({ system_id: null, ...row })
  } catch {
    return undefined
  } finally {
    database?.close()
  }
}

/** Creates missing tables, and adds new columns to the tables of an older format. */
function defineTables(database: DatabaseSync, file: string): void {
  database.exec(SCHEMA)
  if (newColumns(database, file).length === 0) return
  transaction(database, () => {
    for (const { table, column } of newColumns(database, file)) {
      database.exec(`ALTER TABLE ${table} ADD COLUMN ${column.name} ${SQLITE_TYPES[column.type]}`)
    }
  })
}

/** Returns the columns that the file's format lacks by design. @throws Error when a column of its format is missing */
function newColumns(database: DatabaseSync, file: string): readonly TableColumn[] {
  const stored = database.prepare('SELECT format FROM store_settings WHERE name = ?').get(SETTINGS_ROW)
  const { newer, gone } = divideMissing(missingColumns(database), stored?.format as number | undefined)
  if (gone.length === 0) return newer
  throw new Error(
    `the speed store ${file} is damaged. ${gone.map(describeMissing).join(' ')} Move the file away, and rebuild it from the archive: npm run replay`,
  )
}

const SQLITE_TYPES = { text: 'TEXT', bigint: 'INTEGER', int: 'INTEGER', double: 'REAL', blob: 'BLOB' } as const

/** Returns the columns of the schema that the database's tables lack. */
function missingColumns(database: DatabaseSync): TableColumn[] {
  const wanted = new DatabaseSync(':memory:')
  wanted.exec(SCHEMA)
  const has = (among: DatabaseSync, { table, column }: TableColumn) =>
    among.prepare('SELECT 1 FROM pragma_table_info(?) WHERE name = ?').get(table, column.name) !== undefined
  const missing = TABLE_COLUMNS.filter(column => has(wanted, column) && !has(database, column))
  wanted.close()
  return missing
}

function isOne({ changes }: StatementResultingChanges): boolean {
  return changes === 1
}

/** Returns the values of all columns except the lane, in the order of the columns. */
function cursorValues(cursor: Cursor): SQLInputValue[] {
  const { lastPosition, producers, lastArrivalMs, lastEventMs, quarantined } = cursor
  const { lastHeartbeatDelayMs, lostRecords, lastLossMs } = cursor
  const text = producersToText(producers)
  return [lastPosition, text, lastArrivalMs, lastEventMs, quarantined, lastHeartbeatDelayMs, lostRecords, lastLossMs]
}
