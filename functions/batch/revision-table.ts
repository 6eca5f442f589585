import type { TableColumn } from '../archive/table.ts'
import { hiveType } from '../parquet/hive-type.ts'
import { type Column, writeParquet } from '../parquet/write.ts'
import type { ObjectStore } from '../ports/object-store.ts'
import { revisionName, type View } from './view.ts'

/** Table for SQL with one file for each revision of the batch view, and a SQL view of the newest revision. */
export interface RevisionTable<Row> {
  /** Prefix of the keys of the files. */
  prefix: string
  /** Name of the table of all revisions that are kept. */
  all: string
  /** Name of the SQL view of the newest revision. */
  newest: string
  /** Columns of both. */
  columns: readonly TableColumn[]
  /** Query of the SQL view. It is the same text in Athena, Trino and DuckDB. */
  sql: string
  /** Key of the file of a revision. Keys sort like revisions. */
  keyOf(revision: number): string
  /** Lists the revisions that have a file, the oldest first. */
  written(objects: ObjectStore): Promise<number[]>
  /** Deletes the files of these revisions that are older than the oldest one that is kept; undefined deletes none. */
  deleteBefore(objects: ObjectStore, written: readonly number[], oldest: number | undefined): Promise<void>
  /** Parquet file of a revision. */
  encode(view: View, rows: readonly Row[]): Uint8Array
}

/** Columns that say from which revision a row is. */
const OF_VIEW: readonly Column<View>[] = [
  { name: 'revision', type: 'INT64', of: ({ revision }) => BigInt(revision) },
  // Events of arrival slots before it are counted.
  { name: 'cut', type: 'TIMESTAMP', of: ({ cut }) => BigInt(cut) },
  { name: 'published_at', type: 'TIMESTAMP', of: ({ publishedAt }) => BigInt(Date.parse(publishedAt)) },
]

/**
 * Defines a table.
 *
 * @param newest name of its SQL view
 * @param ofRow its columns, without those of the revision
 */
export function revisionTable<Row>(newest: string, ofRow: readonly Column<Row>[]): RevisionTable<Row> {
  const columns: Column<{ row: Row; view: View }>[] = [
    ...ofRow.map(({ of, ...column }) => ({ ...column, of: ({ row }: { row: Row }) => of(row) })),
    ...OF_VIEW.map(({ of, ...column }) => ({ ...column, of: ({ view }: { view: View }) => of(view) })),
  ]
  const prefix = `${newest}/`
  const all = `${newest}_all`
  const file = new RegExp(`^${prefix}(\\d{12})\\.parquet$`)
  const keyOf = (revision: number) => `${prefix}${revisionName(revision)}.parquet`
  return {
    prefix,
    all,
    newest,
    columns: columns.map(({ name, type }) => ({ name, type: hiveType(type) })),
    sql: `select ${columns.map(({ name }) => name).join(', ')} from ${all} where revision = (select max(revision) from ${all})`,
    keyOf,
    async written(objects) {
      const keys = await Array.fromAsync(objects.list(prefix))
      return keys.flatMap(key => file.exec(key)?.[1] ?? []).map(Number)
    },
    async deleteBefore(objects, written, oldest) {
      if (oldest === undefined) return
      for (const revision of written) if (revision < oldest) await objects.delete(keyOf(revision))
    },
    encode: (view, rows) =>
      writeParquet(
        columns,
        rows.map(row => ({ row, view })),
      ),
  }
}
