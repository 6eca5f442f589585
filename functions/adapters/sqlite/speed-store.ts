import { DatabaseSync } from 'node:sqlite'
import { dayOf } from '../../core/time.ts'
import type { SpeedStore, StoreSettings } from '../../ports/speed-store.ts'
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
  type TableColumn,
  totalsTable,
  unusualImagesTable,
} from '../row-encoding/tables.ts'
import { openConnection } from './connection.ts'
import { isOne, transaction, whenFree } from './database.ts'
import { QUARANTINE_INDEX, sqliteQuarantine, sqliteRedrives } from './quarantine.ts'
import { addColumnSql, createRowSql, createTablesSql, REPLACED, replaceRowSql, SQLITE_COLUMNS } from './table-sql.ts'

/** Opens the embedded speed store: a SQLite file. @throws Error when the file lacks a column of its format */
export function openSqliteSpeedStore(file: string): SpeedStore & {
  /** Deletes rows and unusual images that are so old that neither people nor the batch layer can need them. */
  expire(before: number): Promise<void>
} {
  const define = (opened: DatabaseSync) => defineTables(opened, file)
  const connection = openConnection({ file, durability: 'process-crash', define }, operationsOn)
  type Operations = ReturnType<typeof operationsOn>
  const throughConnection = (name: keyof Operations) => [
    name,
    (...parameters: never[]) =>
      connection.run(operations => (operations[name] as (...each: never[]) => Promise<unknown>)(...parameters)),
  ]
  const names = Object.keys(connection.statements()) as (keyof Operations)[]
  return {
    ...(Object.fromEntries(names.map(throughConnection)) as Operations),
    unready: async () => [],
    async close() {
      connection.close()
    },
  }
}

/** Returns the operations on an open database. */
function operationsOn(database: DatabaseSync) {
  const expireRows = database.prepare('DELETE FROM realtime_ndvi_by_class WHERE arrival_slot < ?')
  const expireUnusualImages = database.prepare('DELETE FROM anomaly_alerts WHERE day < ?')
  return {
    ...settings(database),
    ...cursors(database),
    ...totals(database),
    ...unusualImages(database),
    ...sqliteQuarantine(database),
    ...sqliteRedrives(database),
    async expire(before: number) {
      await whenFree(database, () => expireRows.run(before))
      await whenFree(database, () => expireUnusualImages.run(dayOf(before)))
    },
  }
}

const READ_SETTINGS = 'SELECT * FROM store_settings WHERE name = ?'

function settings(database: DatabaseSync): Pick<SpeedStore, 'initSettings' | 'replaceSettings'> {
  const create = database.prepare(createRowSql(settingsTable))
  const replace = database.prepare(
    'UPDATE store_settings SET format = ?, system_id = ? WHERE name = ? AND format = ? AND system_id IS ?',
  )
  const read = database.prepare(READ_SETTINGS)
  return {
    initSettings: asked =>
      whenFree(database, () => {
        // Nothing is written when the row exists: a store on a full or read-only disk can still be read.
        if (!read.get(SETTINGS_ROW)) create.run({ ...toCells(SETTINGS_FORM, asked), name: SETTINGS_ROW })
        return fromCells(SETTINGS_FORM, read.get(SETTINGS_ROW) as object)
      }),
    async replaceSettings({ format, systemId }, from) {
      const values = [format, systemId, SETTINGS_ROW, from.format, from.systemId]
      return isOne(await whenFree(database, () => replace.run(...values)))
    },
  }
}

function cursors(
  database: DatabaseSync,
): Pick<SpeedStore, 'readCursor' | 'readCursors' | 'createCursor' | 'moveCursor'> {
  const read = database.prepare('SELECT * FROM lane_cursor WHERE lane = ?')
  const readAll = database.prepare('SELECT * FROM lane_cursor ORDER BY lane')
  const create = database.prepare(createRowSql(cursorTable))
  const replace = database.prepare(replaceRowSql(cursorTable))
  return {
    async readCursor(lane) {
      const row = await whenFree(database, () => read.get(lane))
      return row && toCursor(row)
    },
    async readCursors() {
      return (await whenFree(database, () => readAll.all())).map(toCursor)
    },
    async createCursor(cursor) {
      return isOne(await whenFree(database, () => create.run(toCells(CURSOR_FORM, cursor))))
    },
    async moveCursor(cursor, from) {
      const cells = { ...toCells(CURSOR_FORM, cursor), [REPLACED]: from }
      return isOne(await whenFree(database, () => replace.run(cells)))
    },
  }
}

function totals(database: DatabaseSync): Pick<SpeedStore, 'readRow' | 'readRows' | 'writeRow'> {
  const read = database.prepare(
    'SELECT * FROM realtime_ndvi_by_class WHERE lane = ? AND arrival_slot = ? AND window_start = ?',
  )
  const readRange = database.prepare(
    'SELECT * FROM realtime_ndvi_by_class WHERE lane = ? AND arrival_slot >= ? AND arrival_slot < ?',
  )
  const create = database.prepare(createRowSql(totalsTable))
  const replace = database.prepare(replaceRowSql(totalsTable))
  return {
    async readRow({ lane, slot, windowStart }) {
      const row = await whenFree(database, () => read.get(lane, slot, windowStart))
      return row && toSpeedRow(row)
    },
    async readRows(lane, { from, until }) {
      return (await whenFree(database, () => readRange.all(lane, from, until))).map(toSpeedRow)
    },
    async writeRow(row, replacing) {
      const cells = toCells(TOTALS_FORM, row)
      const write = () => (replacing === null ? create.run(cells) : replace.run({ ...cells, [REPLACED]: replacing }))
      return isOne(await whenFree(database, write))
    },
  }
}

function unusualImages(database: DatabaseSync): Pick<SpeedStore, 'putUnusualImages' | 'readUnusualImages'> {
  const create = database.prepare(createRowSql(unusualImagesTable))
  const read = database.prepare(
    `SELECT * FROM anomaly_alerts WHERE class_name = ? AND day = ? AND event_ms <= ?
     ORDER BY event_ms DESC, image_id DESC LIMIT ?`,
  )
  return {
    async putUnusualImages(all) {
      if (all.length === 0) return
      const rows = all.map(image => toCells(UNUSUAL_IMAGE_FORM, image))
      await whenFree(database, () => transaction(database, () => rows.forEach(cells => void create.run(cells))))
    },
    async readUnusualImages({ className, day, upToMs, limit }) {
      return (await whenFree(database, () => read.all(className, day, upToMs, limit))).map(toUnusualImage)
    },
  }
}

/** Reads the settings of a speed store's file without changing it. Undefined when it has none, or is damaged. */
export function readSqliteStoreSettings(file: string): StoreSettings | undefined {
  let database: DatabaseSync | undefined
  try {
    database = new DatabaseSync(file, { readOnly: true })
    const row = database.prepare(READ_SETTINGS).get(SETTINGS_ROW)
    return row && fromCells(SETTINGS_FORM, { system_id: null, ...row })
  } catch {
    return undefined
  } finally {
    database?.close()
  }
}

/** Creates missing tables, and adds new columns to the tables of an older format. */
function defineTables(database: DatabaseSync, file: string): void {
  database.exec(createTablesSql())
  database.exec(QUARANTINE_INDEX)
  if (newColumns(database, file).length === 0) return
  transaction(database, () => {
    for (const column of newColumns(database, file)) database.exec(addColumnSql(column))
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

/** Returns the declared columns that the database's tables lack. */
function missingColumns(database: DatabaseSync): TableColumn[] {
  const find = database.prepare('SELECT 1 FROM pragma_table_info(?) WHERE name = ?')
  return SQLITE_COLUMNS.filter(({ table, column }) => find.get(table, column.name) === undefined)
}
