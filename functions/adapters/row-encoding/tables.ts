import { SPEED_RETENTION_MS } from '../../core/retention.ts'
import { SECOND_MS } from '../../core/time.ts'

/**
 * Tables of the speed store, declared once, as data. The statements for Cassandra and SQLite and the Keyspaces resources
 * of the deployed stack come from here. Keyspaces sets the limits: names of two characters or more, no secondary index,
 * no materialized view, rows below 1 MB.
 */

/** Type of a column, by its name in CQL. */
export type ColumnType = 'text' | 'bigint' | 'int' | 'double' | 'blob'

/** Column of a table. */
export interface Column {
  name: string
  type: ColumnType
  /** True when a cell may be null. A column with `since` is nullable too: rows of older formats have no cell. */
  nullable?: true
  /** 'cassandra': the column or table only divides rows into partitions of limited size, which SQLite does not need. */
  only?: 'cassandra'
  /**
   * First format with the column; absent for columns that every format has. Older stores get the column when they are
   * opened.
   */
  since?: number
}

/**
 * Format number of the speed store, stored in its settings. It increases when tables, columns or the text in them
 * change:
 *
 * 1. the first format
 * 2. store_settings.system_id and lane_cursor.lost_records
 * 3. lane_cursor.last_loss_ms
 */
export const STORE_FORMAT = 3

/** Oldest format that can be upgraded. */
export const OLDEST_STORE_FORMAT = 1

/** Column that orders the rows of a partition. */
export interface ClusteringColumn extends Column {
  order: 'ASC' | 'DESC'
}

/** Table of the speed store. */
export interface Table {
  name: string
  partitionKey: readonly Column[]
  clustering: readonly ClusteringColumn[]
  columns: readonly Column[]
  only?: 'cassandra'
  /** Time for which a row is kept after its last write, s; null for rows that never expire. */
  ttlSeconds: number | null
}

const ROW_TTL_SECONDS = SPEED_RETENTION_MS / SECOND_MS

/** Line number of entries for a whole record. */
export const WHOLE_RECORD = -1

/** Name of the single row of store_settings. */
export const SETTINGS_ROW = 'speed-store'

/** Settings on which all rows depend. The first process that opens the store writes them. */
export const settingsTable: Table = {
  name: 'store_settings',
  partitionKey: [{ name: 'name', type: 'text' }],
  clustering: [],
  columns: [
    { name: 'format', type: 'int' },
    { name: 'slot_ms', type: 'bigint' },
    { name: 'system_id', type: 'text', since: 2 },
  ],
  ttlSeconds: null,
}

/**
 * Cursors: how far each lane is applied. One partition for each lane, so that lanes never contend. They are few enough
 * for a scan.
 */
export const cursorTable: Table = {
  name: 'lane_cursor',
  partitionKey: [{ name: 'lane', type: 'text' }],
  clustering: [],
  columns: [
    { name: 'last_sequence', type: 'text' },
    { name: 'producers', type: 'text' },
    { name: 'last_arrival_ms', type: 'bigint', nullable: true },
    { name: 'last_event_ms', type: 'bigint', nullable: true },
    { name: 'quarantined', type: 'bigint' },
    { name: 'last_heartbeat_delay_ms', type: 'bigint', nullable: true },
    { name: 'lost_records', type: 'bigint', since: 2 },
    { name: 'last_loss_ms', type: 'bigint', since: 3 },
  ],
  ttlSeconds: null,
}

/**
 * Totals by lane, arrival slot and window. A partition contains what a lane received on one day (slots never span
 * midnight). So a range of slots is one slice of one or two partitions, and a partition is complete after a day. A
 * partition for each lane would grow for weeks; a partition for each slot would need a statement for every hour of the
 * range. Compare-and-set contends within a partition, which costs nothing: a lane has one writer, which writes one row
 * at a time.
 */
export const totalsTable: Table = {
  name: 'realtime_ndvi_by_class',
  partitionKey: [
    { name: 'lane', type: 'text' },
    { name: 'arrival_day', type: 'text', only: 'cassandra' },
  ],
  clustering: [
    { name: 'arrival_slot', type: 'bigint', order: 'ASC' },
    { name: 'window_start', type: 'bigint', order: 'ASC' },
  ],
  columns: [
    { name: 'last_sequence', type: 'text' },
    { name: 'totals', type: 'text' },
  ],
  ttlSeconds: ROW_TTL_SECONDS,
}

/**
 * Days on which a lane has totals, written before the first of them. So a range of slots may be open (before the first
 * batch view it starts at the epoch) and still reads only existing partitions. An entry is written once and must be
 * kept longer than rows that are written up to the log's retention later, so it is kept twice as long.
 */
export const totalsDaysTable: Table = {
  name: 'realtime_days',
  only: 'cassandra',
  partitionKey: [{ name: 'lane', type: 'text' }],
  clustering: [{ name: 'arrival_day', type: 'text', order: 'ASC' }],
  columns: [],
  ttlSeconds: 2 * ROW_TTL_SECONDS,
}

export const unusualImagesTable: Table = {
  name: 'anomaly_alerts',
  partitionKey: [
    { name: 'class_name', type: 'text' },
    { name: 'day', type: 'text' },
  ],
  clustering: [
    { name: 'event_ms', type: 'bigint', order: 'DESC' },
    { name: 'image_id', type: 'text', order: 'DESC' },
  ],
  columns: [
    { name: 'ndvi_mean', type: 'int' },
    { name: 'ndvi_min', type: 'int', nullable: true },
    { name: 'ndvi_max', type: 'int', nullable: true },
    { name: 'rule', type: 'text' },
    { name: 'score', type: 'double' },
    { name: 'baseline_version', type: 'bigint' },
  ],
  ttlSeconds: ROW_TTL_SECONDS,
}

/**
 * Quarantine, kept without end. One partition for each hour of arrival: a faulty producer can fill a lane with bad
 * records at the full rate of the log. `bytes` contains at most the first part of the bytes, whose total length is
 * `bytes_length`; the rest is in quarantine_bytes.
 */
export const quarantineTable: Table = {
  name: 'quarantine',
  partitionKey: [
    { name: 'lane', type: 'text' },
    { name: 'arrival_hour', type: 'text', only: 'cassandra' },
  ],
  clustering: [
    { name: 'sequence', type: 'text', order: 'ASC' },
    { name: 'line', type: 'int', order: 'ASC' },
  ],
  columns: [
    { name: 'arrival_ms', type: 'bigint' },
    { name: 'reason', type: 'text' },
    { name: 'detail', type: 'text' },
    { name: 'bytes_length', type: 'int', only: 'cassandra' },
    { name: 'bytes', type: 'blob' },
  ],
  ttlSeconds: null,
}

/** Hours in which entries of a lane were quarantined, written before the first entry of the hour. */
export const quarantineHoursTable: Table = {
  name: 'quarantine_hours',
  only: 'cassandra',
  partitionKey: [{ name: 'lane', type: 'text' }],
  clustering: [{ name: 'arrival_hour', type: 'text', order: 'ASC' }],
  columns: [],
  ttlSeconds: null,
}

/** Further pieces of quarantined bytes that are too long for one row, written before their entry. */
export const quarantineBytesTable: Table = {
  name: 'quarantine_bytes',
  only: 'cassandra',
  partitionKey: [
    { name: 'lane', type: 'text' },
    { name: 'sequence', type: 'text' },
    { name: 'line', type: 'int' },
  ],
  clustering: [{ name: 'piece', type: 'int', order: 'ASC' }],
  columns: [{ name: 'bytes', type: 'blob' }],
  ttlSeconds: null,
}

/**
 * Claims of redrives, kept without end. One partition for each claim, so that claims never contend. Only lightweight
 * transactions write them; their clock is not that of the clients.
 */
export const redrivesTable: Table = {
  name: 'quarantine_redrives',
  partitionKey: [{ name: 'producer', type: 'text' }],
  clustering: [],
  columns: [
    { name: 'entry_lane', type: 'text' },
    { name: 'entry_sequence', type: 'text' },
    { name: 'entry_line', type: 'int' },
    { name: 'claimed_ms', type: 'bigint' },
    { name: 'log_identity', type: 'text' },
    { name: 'lane', type: 'text', nullable: true },
    { name: 'appended_ms', type: 'bigint', nullable: true },
  ],
  ttlSeconds: null,
}

/** All tables. */
export const TABLES: readonly Table[] = [
  settingsTable,
  cursorTable,
  totalsTable,
  totalsDaysTable,
  unusualImagesTable,
  quarantineTable,
  quarantineHoursTable,
  quarantineBytesTable,
  redrivesTable,
]

/** Column with its table. */
export interface TableColumn {
  table: string
  column: Column
}

/** Lists the columns of a table, those of its key first. */
export function columnsOf({ partitionKey, clustering, columns }: Table): Column[] {
  return [...partitionKey, ...clustering, ...columns]
}

/** Lists all columns of all tables. */
export const TABLE_COLUMNS: readonly TableColumn[] = TABLES.flatMap(table =>
  columnsOf(table).map(column => ({ table: table.name, column })),
)

/**
 * Divides the columns that a store lacks into columns that are newer than the store, which it gets, and columns that
 * have been removed from it.
 *
 * @param format from the store's settings; undefined before there are settings
 */
export function divideMissing(
  missing: readonly TableColumn[],
  format: number = OLDEST_STORE_FORMAT,
): { newer: TableColumn[]; gone: TableColumn[] } {
  const isNewer = ({ column }: TableColumn) => (column.since ?? OLDEST_STORE_FORMAT) > format
  return { newer: missing.filter(isNewer), gone: missing.filter(each => !isNewer(each)) }
}

/** Says in a sentence which column a table lacks. */
export function describeMissing({ table, column }: TableColumn): string {
  return `The table ${table} lacks the column ${column.name}.`
}
