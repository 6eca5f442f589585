import type { TableColumn } from '../archive/table.ts'
import { statisticsOf, type Totals } from '../core/totals.ts'
import { hiveType } from '../parquet/hive-type.ts'
import { type Column, writeParquet } from '../parquet/write.ts'
import { CLASS_COLUMNS } from './class-columns.ts'
import type { View } from './view.ts'

/** The days of the batch view as tables for SQL: one file for each revision, and a SQL view of the newest one. */

export const DAYS_PREFIX = 'landcover_days/'
/** Table of all revisions that are kept. */
export const ALL_DAYS_TABLE = 'landcover_days_all'
/** SQL view of the newest revision. */
export const DAYS_TABLE = 'landcover_days'

type Value = string | number | bigint | null

/** Row of the table without the columns of its view: event day, class, and the columns of CLASS_COLUMNS. */
export type DayRow = Record<string, Value>

const OF_DAY: Column<DayRow>[] = [
  { name: 'event_day', type: 'STRING', of: row => row.event_day as string },
  ...CLASS_COLUMNS.map(({ of: _, ...column }): Column<DayRow> => ({ ...column, of: row => row[column.name] ?? null })),
]

const COLUMNS: Column<{ row: DayRow; view: View }>[] = [
  ...OF_DAY.map(({ of, ...column }) => ({ ...column, of: ({ row }: { row: DayRow }) => of(row) })),
  { name: 'revision', type: 'INT64', of: ({ view }) => BigInt(view.revision) },
  { name: 'cut', type: 'TIMESTAMP', of: ({ view }) => BigInt(view.cut) },
  { name: 'published_at', type: 'TIMESTAMP', of: ({ view }) => BigInt(Date.parse(view.publishedAt)) },
]

/** Columns of both tables. */
export const DAYS_COLUMNS: readonly TableColumn[] = COLUMNS.map(({ name, type }) => ({ name, type: hiveType(type) }))

/** Query of the SQL view. It is the same text in Athena, Trino and DuckDB. */
export const DAYS_SQL = `select ${COLUMNS.map(({ name }) => name).join(', ')} from ${ALL_DAYS_TABLE} where revision = (select max(revision) from ${ALL_DAYS_TABLE})`

/** Key of the file of a revision. Keys sort like revisions. */
export function daysKey(revision: number): string {
  return `${DAYS_PREFIX}${String(revision).padStart(12, '0')}.parquet`
}

/** @returns the revision of a file; null for other objects below the prefix */
export function daysRevision(key: string): number | null {
  const [, digits] = new RegExp(`^${DAYS_PREFIX}(\\d{12})\\.parquet$`).exec(key) ?? []
  return digits === undefined ? null : Number(digits)
}

/** Row of an event day and a class, from its totals. */
export function dayRow(event_day: string, className: string, totals: Totals): DayRow {
  const of = { className, statistics: statisticsOf(totals) }
  const columns = CLASS_COLUMNS.map(column => [column.name, column.of(of) as Value])
  return { event_day, ...Object.fromEntries(columns) }
}

/** Parquet file of a view's days, in the order of the rows. */
export function encodeDayRows(view: View, rows: readonly DayRow[]): Uint8Array {
  return writeParquet(
    COLUMNS,
    rows.map(row => ({ row, view })),
  )
}
