import type { SchemaElement } from 'hyparquet'
import { parquetWriteBuffer } from 'hyparquet-writer'

/** Our column types as Parquet has them. DECIMAL is decimal(38,0): an integer of any size, as a bigint. */
const SCHEMA_OF = {
  STRING: { type: 'BYTE_ARRAY', converted_type: 'UTF8' },
  INT32: { type: 'INT32' },
  INT64: { type: 'INT64' },
  DOUBLE: { type: 'DOUBLE' },
  BOOLEAN: { type: 'BOOLEAN' },
  TIMESTAMP: { type: 'INT64', converted_type: 'TIMESTAMP_MILLIS' },
  DECIMAL: { type: 'FIXED_LEN_BYTE_ARRAY', type_length: 16, converted_type: 'DECIMAL', precision: 38, scale: 0 },
} as const satisfies Record<string, Partial<SchemaElement>>

export type ColumnType = keyof typeof SCHEMA_OF

/** A column of rows of type `Row`: INT64, TIMESTAMP (ms) and DECIMAL take bigints; null means "not measured". */
export interface Column<Row> {
  name: string
  type: ColumnType
  of(row: Row): string | number | bigint | boolean | null
}

const ROWS_PER_GROUP = 100_000

/** A Parquet file's bytes, compressed with Snappy, with statistics. The same rows give the same bytes. */
export function writeParquet<Row>(columns: readonly Column<Row>[], rows: readonly Row[]): Uint8Array {
  const bytes = parquetWriteBuffer({
    columnData: columns.map(({ name, of }) => ({ name, data: rows.map(of) })),
    schema: [
      { name: 'landcover', num_children: columns.length },
      ...columns.map(({ name, type }) => ({ name, repetition_type: 'OPTIONAL' as const, ...SCHEMA_OF[type] })),
    ],
    rowGroupSize: ROWS_PER_GROUP,
    createdBy: 'landcover',
  })
  return new Uint8Array(bytes)
}
