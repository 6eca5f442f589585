import { SPEED_RETENTION_MS } from '../../core/retention.ts'
import { SECOND_MS } from '../../core/time.ts'

/**
 * The tables of the speed store, once, as data: Cassandra's CREATE TABLE statements and the Keyspaces resources of the
 * deployed stack are both made from it. Keyspaces sets the limits: names of two characters or more, no secondary
 * index, no materialized view, rows below 1 MB.
 */

export type ColumnType = 'text' | 'bigint' | 'int' | 'double' | 'blob'

export interface Column {
  name: string
  type: ColumnType
  /** The first format that has the column; not set: every one. Older stores get it when they are opened. */
  since?: number
}

/**
 * The format of the speed store, in its settings. It rises whenever tables, columns or the text in them change:
 *
 * 1. the first
 * 2. store_settings.system_id and lane_cursor.lost_records
 * 3. lane_cursor.last_loss_ms
 */
export const STORE_FORMAT = 3

/** The oldest format that is taken over. */
export const OLDEST_STORE_FORMAT = 1

export interface ClusteringColumn extends Column {
  order: 'ASC' | 'DESC'
}

export interface Table {
  name: string
  partitionKey: readonly Column[]
  clustering: readonly ClusteringColumn[]
  columns: readonly Column[]
  /** How long a row lives after it was last written, s; null: for ever. */
  ttlSeconds: number | null
}

const ROW_TTL_SECONDS = SPEED_RETENTION_MS / SECOND_MS

/** The line number under which an entry of a whole record is quarantined. */
export const WHOLE_RECORD = -1

/** The name of the one row of store_settings. */
export const SETTINGS_ROW = 'speed-store'

/** What all rows depend on, settled by the first who opened the store. */
const storeSettings: Table = {
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

/** How far each lane is applied. A partition per lane, so that lanes never contend; few enough to be read in a scan. */
const laneCursor: Table = {
  name: 'lane_cursor',
  partitionKey: [{ name: 'lane', type: 'text' }],
  clustering: [],
  columns: [
    { name: 'last_sequence', type: 'text' },
    { name: 'producers', type: 'text' },
    { name: 'last_arrival_ms', type: 'bigint' },
    { name: 'last_event_ms', type: 'bigint' },
    { name: 'quarantined', type: 'bigint' },
    { name: 'last_heartbeat_delay_ms', type: 'bigint' },
    { name: 'lost_records', type: 'bigint', since: 2 },
    { name: 'last_loss_ms', type: 'bigint', since: 3 },
  ],
  ttlSeconds: null,
}

/**
 * Totals per (lane, arrival slot, window). The partition is what a lane received on a day (slots never straddle
 * midnight): a range of slots is one slice of one or two partitions, and a partition is complete after a day. The
 * lane alone would collect weeks in one partition; a partition per slot would take a statement for every hour of the
 * range. Compare-and-set contends per partition, which costs nothing: a lane has one writer, a row at a time.
 */
const totals: Table = {
  name: 'realtime_ndvi_by_class',
  partitionKey: [
    { name: 'lane', type: 'text' },
    { name: 'arrival_day', type: 'text' },
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
 * The days on which a lane has totals, written before the first of them: so a range of slots may be open (before the
 * first batch view it starts at the epoch) and still reads only partitions that exist. An entry is written once and
 * must outlive rows that are written up to the log's retention later: hence twice their time.
 */
const totalsDays: Table = {
  name: 'realtime_days',
  partitionKey: [{ name: 'lane', type: 'text' }],
  clustering: [{ name: 'arrival_day', type: 'text', order: 'ASC' }],
  columns: [],
  ttlSeconds: 2 * ROW_TTL_SECONDS,
}

const alerts: Table = {
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
    { name: 'ndvi_min', type: 'int' },
    { name: 'ndvi_max', type: 'int' },
    { name: 'rule', type: 'text' },
    { name: 'score', type: 'double' },
    { name: 'baseline_version', type: 'bigint' },
  ],
  ttlSeconds: ROW_TTL_SECONDS,
}

/**
 * What was refused, for ever. A partition per hour of arrival: a producer gone wrong can fill a lane with refused
 * records at the log's full rate. `bytes` holds the first `bytes_length` at most; the rest is in quarantine_bytes.
 */
const quarantine: Table = {
  name: 'quarantine',
  partitionKey: [
    { name: 'lane', type: 'text' },
    { name: 'arrival_hour', type: 'text' },
  ],
  clustering: [
    { name: 'sequence', type: 'text', order: 'ASC' },
    { name: 'line', type: 'int', order: 'ASC' },
  ],
  columns: [
    { name: 'arrival_ms', type: 'bigint' },
    { name: 'reason', type: 'text' },
    { name: 'detail', type: 'text' },
    { name: 'bytes_length', type: 'int' },
    { name: 'bytes', type: 'blob' },
  ],
  ttlSeconds: null,
}

/** The hours in which something of a lane was quarantined, written before the first entry of the hour. */
const quarantineHours: Table = {
  name: 'quarantine_hours',
  partitionKey: [{ name: 'lane', type: 'text' }],
  clustering: [{ name: 'arrival_hour', type: 'text', order: 'ASC' }],
  columns: [],
  ttlSeconds: null,
}

/** The later pieces of quarantined bytes that are too long for one row; written before their entry. */
const quarantineBytes: Table = {
  name: 'quarantine_bytes',
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
 * Which entries a redrive has taken on, for ever: each a partition of its own, so that claims never contend. Written by
 * lightweight transactions only, whose clock is not the clients'.
 */
const quarantineRedrives: Table = {
  name: 'quarantine_redrives',
  partitionKey: [{ name: 'producer', type: 'text' }],
  clustering: [],
  columns: [
    { name: 'entry_lane', type: 'text' },
    { name: 'entry_sequence', type: 'text' },
    { name: 'entry_line', type: 'int' },
    { name: 'claimed_ms', type: 'bigint' },
    { name: 'log_identity', type: 'text' },
    { name: 'lane', type: 'text' },
    { name: 'appended_ms', type: 'bigint' },
  ],
  ttlSeconds: null,
}

export const TABLES: readonly Table[] = [
  storeSettings,
  laneCursor,
  totals,
  totalsDays,
  alerts,
  quarantine,
  quarantineHours,
  quarantineBytes,
  quarantineRedrives,
]

/** A column with the table that it belongs to. */
export interface TableColumn {
  table: string
  column: Column
}

/** Every column of every table. */
export const TABLE_COLUMNS: readonly TableColumn[] = TABLES.flatMap(({ name, partitionKey, clustering, columns }) =>
  [...partitionKey, ...clustering, ...columns].map(column => ({ table: name, column })),
)

/**
 * Divides the columns that a store lacks into those that are newer than the store, which it gets, and those that were
 * there and are gone.
 *
 * @param format of the store's settings; undefined before they are settled
 */
export function divideMissing(
  missing: readonly TableColumn[],
  format: number = OLDEST_STORE_FORMAT,
): { newer: TableColumn[]; gone: TableColumn[] } {
  const isNewer = ({ column }: TableColumn) => (column.since ?? OLDEST_STORE_FORMAT) > format
  return { newer: missing.filter(isNewer), gone: missing.filter(each => !isNewer(each)) }
}

export function describeMissing({ table, column }: TableColumn): string {
  return `The table ${table} lacks the column ${column.name}.`
}

/** The statement that gives a table of an older format a column. */
export function addColumnCql(keyspace: string, { table, column }: TableColumn): string {
  return `ALTER TABLE ${keyspace}.${table} ADD ${column.name} ${column.type}`
}

/** The CREATE TABLE statement of a table, harmless where it exists. */
export function createTableCql(keyspace: string, table: Table): string {
  const { name, partitionKey, clustering, columns, ttlSeconds } = table
  const definitions = [...partitionKey, ...clustering, ...columns].map(column => `${column.name} ${column.type}`)
  const partition = `(${partitionKey.map(column => column.name).join(', ')})`
  const key = [partition, ...clustering.map(column => column.name)].join(', ')
  const order = clustering.map(column => `${column.name} ${column.order}`).join(', ')
  const options = [
    ...(order ? [`CLUSTERING ORDER BY (${order})`] : []),
    ...(ttlSeconds === null ? [] : [`default_time_to_live = ${ttlSeconds}`]),
  ]
  const properties = options.length > 0 ? ` WITH ${options.join(' AND ')}` : ''
  return `CREATE TABLE IF NOT EXISTS ${keyspace}.${name} (${definitions.join(', ')}, PRIMARY KEY (${key}))${properties}`
}
