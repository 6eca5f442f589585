import type { Cursor } from '../../core/cursor.ts'
import type { Slot } from '../../core/slot.ts'
import { dayOf } from '../../core/time.ts'
import type { UnusualImage } from '../../core/unusual-image.ts'
import { type SpeedRow, type SpeedStore, SpeedStoreUnavailableError } from '../../ports/speed-store.ts'
import { inParallel } from '../in-parallel.ts'
import {
  CURSOR_FORM,
  fromCells,
  SETTINGS_FORM,
  TOTALS_FORM,
  toCells,
  toCursor,
  toSpeedRow,
  toUnusualImage,
  UNUSUAL_IMAGE_FORM,
} from '../row-encoding/speed-rows.ts'
import {
  cursorTable,
  describeMissing,
  divideMissing,
  SETTINGS_ROW,
  settingsTable,
  TABLE_COLUMNS,
  TABLES,
  type TableColumn,
  totalsDaysTable,
  totalsTable,
  unusualImagesTable,
} from '../row-encoding/tables.ts'
import { type CassandraConnection, type CqlClient, connectCassandra } from './client.ts'
import { addColumnCql, createRowCql, createTableCql, insertCql, replaceRowCql } from './cql.ts'
import { cassandraQuarantine } from './quarantine.ts'
import { cassandraRedrives } from './redrives.ts'

/** Options of the speed store in a keyspace. */
export interface CassandraSpeedStoreOptions extends CassandraConnection {
  keyspace: string
  /** Creates the keyspace and its tables if they are missing. On AWS the stack creates them. */
  createSchema?: boolean
}

/** Maximum number of statements of one call that run in parallel. */
const IN_FLIGHT = 16
/** Maximum number of statements in one batch. Keyspaces accepts 30. */
const UNUSUAL_IMAGES_PER_WRITE = 20
/** Number of cursors in a page. A cursor with thousands of producers has hundreds of kilobytes. */
const CURSORS_PER_PAGE = 20
/** The end of the year 9999, ms: the last day whose name sorts. */
const END_OF_DAYS_MS = 253_402_300_799_999

/**
 * Opens the speed store in Cassandra or Keyspaces. Reads and writes are at LOCAL_QUORUM, compare-and-set uses
 * lightweight transactions.
 *
 * @throws Error when the keyspace name is invalid, or the servers refuse the log-in
 * @throws SpeedStoreUnavailableError when no server can be reached
 */
export async function openCassandraSpeedStore(options: CassandraSpeedStoreOptions): Promise<SpeedStore> {
  const { keyspace, createSchema = false, localDataCenter } = options
  if (!/^[a-z][a-z0-9_]{1,47}$/.test(keyspace)) {
    throw new Error(`'${keyspace}' is not a keyspace: write 2 to 48 of a-z, 0-9 and _, a letter first`)
  }
  const client = await connectCassandra(options)
  if (createSchema) {
    try {
      await define(client, keyspace, localDataCenter)
    } catch (error) {
      await client.close()
      throw error
    }
  }
  return {
    async unready() {
      const tables = options.keyspaces ? await unreadyTables(client, keyspace) : []
      return tables.length > 0 ? tables : (await missingColumns(client, keyspace)).map(describeMissing)
    },
    ...settings(client, keyspace),
    ...cursors(client, keyspace),
    ...totals(client, keyspace),
    ...unusualImages(client, keyspace),
    ...cassandraQuarantine(client, keyspace),
    ...cassandraRedrives(client, keyspace),
    close: () => client.close(),
  }
}

/** Creates the keyspace with three replicas, or as many as there are nodes. */
async function define(client: CqlClient, keyspace: string, dataCenter: string): Promise<void> {
  const copies = Math.min(await client.localNodes(), 3)
  await client.define(
    `CREATE KEYSPACE IF NOT EXISTS ${keyspace}
     WITH replication = {'class': 'NetworkTopologyStrategy', '${dataCenter}': ${copies}}`,
  )
  for (const table of TABLES) await client.define(createTableCql(keyspace, table))
  await addNewerColumns(client, keyspace)
}

/** Adds the new columns to the tables of an older format. */
async function addNewerColumns(client: CqlClient, keyspace: string): Promise<void> {
  const missing = await missingColumns(client, keyspace)
  if (missing.length === 0) return
  let format: number | undefined
  const stored = `SELECT format FROM ${keyspace}.store_settings WHERE name = ?`
  for await (const row of client.rows([stored, [SETTINGS_ROW]])) format = row.format as number
  for (const column of divideMissing(missing, format).newer) {
    await client.define(addColumnCql(keyspace, column)).catch(async error => {
      // Another process may have been first.
      const isMissing = (await missingColumns(client, keyspace)).some(
        ({ table, column: { name } }) => table === column.table && name === column.column.name,
      )
      if (isMissing) throw error
    })
  }
}

async function missingColumns(client: CqlClient, keyspace: string): Promise<TableColumn[]> {
  const cql = 'SELECT table_name, column_name FROM system_schema.columns WHERE keyspace_name = ?'
  const found = new Set<string>()
  for await (const row of client.rows([cql, [keyspace]])) found.add(`${row.table_name}.${row.column_name}`)
  return TABLE_COLUMNS.filter(({ table, column }) => !found.has(`${table}.${column.name}`))
}

/**
 * Waits until the tables are ready. Keyspaces creates and changes tables only after it has answered.
 *
 * @see https://docs.aws.amazon.com/keyspaces/latest/devguide/tables-create.html
 */
async function unreadyTables(client: CqlClient, keyspace: string): Promise<string[]> {
  const cql = 'SELECT table_name, status FROM system_schema_mcs.tables WHERE keyspace_name = ?'
  const statuses = new Map<unknown, unknown>()
  for await (const { table_name: name, status } of client.rows([cql, [keyspace]])) statuses.set(name, status)
  return TABLES.flatMap(({ name }) => {
    const status = statuses.get(name) ?? 'not there'
    return status === 'ACTIVE' ? [] : [`The table ${name} is ${status}.`]
  })
}

function settings(client: CqlClient, keyspace: string): Pick<SpeedStore, 'initSettings' | 'replaceSettings'> {
  const stored = `SELECT * FROM ${keyspace}.store_settings WHERE name = ?`
  const replaceSettings = `UPDATE ${keyspace}.store_settings SET format = ?, system_id = ?
    WHERE name = ? IF format = ? AND system_id = ?`
  return {
    async initSettings(asked) {
      const cells = { ...toCells(SETTINGS_FORM, asked), name: SETTINGS_ROW }
      if (await client.writeIf(createRowCql(keyspace, settingsTable, cells))) return asked
      for await (const row of client.rows([stored, [SETTINGS_ROW]])) return fromCells(SETTINGS_FORM, row)
      throw new SpeedStoreUnavailableError(`the settings of keyspace ${keyspace} were written and are not there`)
    },
    replaceSettings: ({ format, systemId }, from) =>
      client.writeIf([replaceSettings, [format, systemId, SETTINGS_ROW, from.format, from.systemId]]),
  }
}

function cursors(
  client: CqlClient,
  keyspace: string,
): Pick<SpeedStore, 'readCursor' | 'readCursors' | 'createCursor' | 'moveCursor'> {
  const readAll = `SELECT * FROM ${keyspace}.lane_cursor`
  const read = `${readAll} WHERE lane = ?`
  return {
    async readCursor(lane) {
      for await (const row of client.rows([read, [lane]])) return toCursor(row)
      return undefined
    },
    async readCursors() {
      const found: Cursor[] = []
      for await (const row of client.rows([readAll, []], CURSORS_PER_PAGE)) found.push(toCursor(row))
      return found
    },
    createCursor: cursor => client.writeIf(createRowCql(keyspace, cursorTable, toCells(CURSOR_FORM, cursor))),
    moveCursor: (cursor, from) =>
      client.writeIf(replaceRowCql(keyspace, cursorTable, toCells(CURSOR_FORM, cursor), { last_sequence: from })),
  }
}

function totals(client: CqlClient, keyspace: string): Pick<SpeedStore, 'readRow' | 'readRows' | 'writeRow'> {
  const sql = {
    days: `SELECT arrival_day FROM ${keyspace}.realtime_days
      WHERE lane = ? AND arrival_day >= ? AND arrival_day <= ?`,
    read: `SELECT * FROM ${keyspace}.realtime_ndvi_by_class
      WHERE lane = ? AND arrival_day = ? AND arrival_slot = ? AND window_start = ?`,
    readRange: `SELECT * FROM ${keyspace}.realtime_ndvi_by_class
      WHERE lane = ? AND arrival_day = ? AND arrival_slot >= ? AND arrival_slot < ?`,
  }
  /** Last day of each lane that this process has registered. */
  const knownDay = new Map<string, string>()

  /** Registers a day before its first row is written, because readers find the days through it. */
  async function makeKnown(lane: string, day: string): Promise<void> {
    if (knownDay.get(lane) === day) return
    await client.write([insertCql(keyspace, totalsDaysTable, { lane, arrival_day: day })])
    knownDay.set(lane, day)
  }

  return {
    async readRow({ lane, slot, windowStart }) {
      for await (const row of client.rows([sql.read, [lane, dayOf(slot), slot, windowStart]])) return toSpeedRow(row)
      return undefined
    },
    async readRows(lane, slots) {
      const from = withinDays(slots.from)
      const until = withinDays(slots.until)
      if (until <= from) return []
      const days: string[] = []
      for await (const row of client.rows([sql.days, [lane, dayOf(from), dayOf(until - 1)]])) {
        days.push(row.arrival_day as string)
      }
      const found = await inParallel(days, IN_FLIGHT, async day => {
        const rows: SpeedRow[] = []
        for await (const row of client.rows([sql.readRange, [lane, day, from, until]])) rows.push(toSpeedRow(row))
        return rows
      })
      return found.flat()
    },
    async writeRow(row, replacing) {
      const day = dayOf(row.slot)
      const cells = { ...toCells(TOTALS_FORM, row), arrival_day: day }
      if (replacing !== null) {
        return client.writeIf(replaceRowCql(keyspace, totalsTable, cells, { last_sequence: replacing }))
      }
      await makeKnown(row.lane, day)
      return client.writeIf(createRowCql(keyspace, totalsTable, cells))
    },
  }
}

function unusualImages(
  client: CqlClient,
  keyspace: string,
): Pick<SpeedStore, 'putUnusualImages' | 'readUnusualImages'> {
  const read = `SELECT * FROM ${keyspace}.anomaly_alerts WHERE class_name = ? AND day = ? AND event_ms <= ? LIMIT ?`
  const put = (image: UnusualImage) => insertCql(keyspace, unusualImagesTable, toCells(UNUSUAL_IMAGE_FORM, image))
  return {
    async putUnusualImages(all) {
      // All statements of a batch must belong to one partition.
      const partitions = Map.groupBy(all, ({ className, day }) => `${day} ${className}`)
      const writes: UnusualImage[][] = []
      for (const partition of partitions.values()) {
        for (let start = 0; start < partition.length; start += UNUSUAL_IMAGES_PER_WRITE) {
          writes.push(partition.slice(start, start + UNUSUAL_IMAGES_PER_WRITE))
        }
      }
      await inParallel(writes, IN_FLIGHT, write => client.write(write.map(put)))
    },
    async readUnusualImages({ className, day, upToMs, limit }) {
      const found: UnusualImage[] = []
      if (limit < 1) return found
      for await (const row of client.rows([read, [className, day, upToMs, limit]])) found.push(toUnusualImage(row))
      return found
    },
  }
}

function withinDays(slot: Slot): number {
  return Math.min(Math.max(slot, 0), END_OF_DAYS_MS)
}
