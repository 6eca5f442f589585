import type { TableColumn } from '../archive/table.ts'
import type { History } from '../core/history.ts'
import { byName } from '../core/text-order.ts'
import { statisticsOf } from '../core/totals.ts'
import { hiveType } from '../parquet/hive-type.ts'
import { type Column, writeParquet } from '../parquet/write.ts'
import { CLASS_COLUMNS, type ClassRow } from './class-columns.ts'
import type { View } from './view.ts'

/** The batch view as tables for SQL: one file for each revision, and a SQL view of the newest one. */

export const AGGREGATES_PREFIX = 'landcover_aggregates/'
/** Table of all revisions that are kept. */
export const ALL_AGGREGATES_TABLE = 'landcover_aggregates_all'
/** SQL view of the newest revision, under the name of the original's table. */
export const AGGREGATES_TABLE = 'landcover_aggregates'

interface Row extends ClassRow {
  view: View
}

const COLUMNS: Column<Row>[] = [
  ...CLASS_COLUMNS,
  { name: 'revision', type: 'INT64', of: ({ view }) => BigInt(view.revision) },
  // Events of arrival slots before it are counted.
  { name: 'cut', type: 'TIMESTAMP', of: ({ view }) => BigInt(view.cut) },
  { name: 'published_at', type: 'TIMESTAMP', of: ({ view }) => BigInt(Date.parse(view.publishedAt)) },
]

/** Columns of both tables. */
export const AGGREGATES_COLUMNS: readonly TableColumn[] = COLUMNS.map(({ name, type }) => ({
  name,
  type: hiveType(type),
}))

/** Query of the SQL view. It is the same text in Athena, Trino and DuckDB. */
export const AGGREGATES_SQL = `select ${COLUMNS.map(({ name }) => name).join(', ')} from ${ALL_AGGREGATES_TABLE} where revision = (select max(revision) from ${ALL_AGGREGATES_TABLE})`

/** Key of a view's file in the table of aggregates. Keys sort like revisions. */
export function aggregatesKey(revision: number): string {
  return `${AGGREGATES_PREFIX}${String(revision).padStart(12, '0')}.parquet`
}

/** @returns the revision of a file; null for other objects below the prefix */
export function aggregatesRevision(key: string): number | null {
  const [, digits] = new RegExp(`^${AGGREGATES_PREFIX}(\\d{12})\\.parquet$`).exec(key) ?? []
  return digits === undefined ? null : Number(digits)
}

/** Parquet file of a view: a row for each class. */
export function encodeAggregates(view: View, classes: ReadonlyMap<string, History>): Uint8Array {
  const rows = [...classes].sort(byName)
  return writeParquet(
    COLUMNS,
    rows.map(([className, { totals }]) => ({ view, className, statistics: statisticsOf(totals) })),
  )
}
