import { constants, zstdCompressSync } from 'node:zlib'
import type { SchemaElement } from 'hyparquet'
import { parquetWriteBuffer } from 'hyparquet-writer'

/** Column types and their Parquet forms. DECIMAL is decimal(38,0): an integer of any size, as a bigint. */
const SCHEMA_OF = {
  STRING: { type: 'BYTE_ARRAY', converted_type: 'UTF8' },
  BYTES: { type: 'BYTE_ARRAY' },
  INT32: { type: 'INT32' },
  INT64: { type: 'INT64' },
  DOUBLE: { type: 'DOUBLE' },
  BOOLEAN: { type: 'BOOLEAN' },
  TIMESTAMP: { type: 'INT64', converted_type: 'TIMESTAMP_MILLIS' },
  DECIMAL: { type: 'FIXED_LEN_BYTE_ARRAY', type_length: 16, converted_type: 'DECIMAL', precision: 38, scale: 0 },
} as const satisfies Record<string, Partial<SchemaElement>>

/** Type of a column that can be written. */
export type ColumnType = keyof typeof SCHEMA_OF

/** Column of rows of type `Row`. INT64, TIMESTAMP (ms) and DECIMAL take bigints. */
export interface Column<Row> {
  name: string
  type: ColumnType
  /** True when a value may be null: "not measured". */
  nullable?: true
  of(row: Row): string | number | bigint | boolean | Uint8Array | null
}

const ROWS_PER_GROUP = 100_000

/** Compression level. Measured: it is the fastest, and higher levels hardly reduce the size of such numbers. */
const ZSTD_LEVEL_1 = { params: { [constants.ZSTD_c_compressionLevel]: 1 } }
const compressors = { ZSTD: (bytes: Uint8Array) => zstdCompressSync(bytes, ZSTD_LEVEL_1) }

/**
 * Settings for doubles. They rarely repeat and lie in their whole range, so a dictionary and statistics would cost time
 * without use.
 */
const FOR_DOUBLES = { encoding: 'PLAIN', statistics: false } as const

/**
 * A Parquet file's bytes, compressed with zstd, with statistics. The same rows give the same bytes.
 *
 * @param metadata key-value pairs of the file
 */
export function writeParquet<Row>(
  columns: readonly Column<Row>[],
  rows: readonly Row[],
  metadata: Readonly<Record<string, string>> = {},
): Uint8Array {
  const bytes = parquetWriteBuffer({
    columnData: columns.map(({ name, type, of }) => ({
      name,
      data: rows.map(of),
      ...(type === 'DOUBLE' && FOR_DOUBLES),
    })),
    schema: [
      { name: 'landcover', num_children: columns.length },
      ...columns.map(({ name, type, nullable }) => ({
        name,
        repetition_type: nullable ? ('OPTIONAL' as const) : ('REQUIRED' as const),
        ...SCHEMA_OF[type],
      })),
    ],
    codec: 'ZSTD',
    compressors,
    rowGroupSize: ROWS_PER_GROUP,
    kvMetadata: Object.entries(metadata).map(([key, value]) => ({ key, value })),
    createdBy: 'landcover',
  })
  return new Uint8Array(bytes)
}
