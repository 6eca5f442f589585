import { constants, zstdCompressSync } from 'node:zlib'
import type { SchemaElement } from 'hyparquet'
import { ByteWriter, ParquetWriter } from 'hyparquet-writer'
import { type Compression, writeColumnChunk } from './column-chunk.ts'

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

/** Rows whose values are taken together, column by column: they fit into the processor's cache. */
const ROWS_PER_BLOCK = 1_000

/** Compression level. Measured: it is the fastest, and higher levels hardly reduce the size of such numbers. */
const ZSTD_LEVEL_1 = { params: { [constants.ZSTD_c_compressionLevel]: 1 } }
const COMPRESSION: Compression = { codec: 'ZSTD', compress: bytes => zstdCompressSync(bytes, ZSTD_LEVEL_1) }

/**
 * A Parquet file's bytes, compressed with zstd, with statistics. The same rows give the same bytes.
 *
 * @param metadata key-value pairs of the file
 * @throws Error when a value is not of its column's type
 */
export function writeParquet<Row>(
  columns: readonly Column<Row>[],
  rows: readonly Row[],
  metadata: Readonly<Record<string, string>> = {},
): Uint8Array {
  const writer = new ByteWriter()
  const elements = columns.map(({ name, type, nullable }): SchemaElement => {
    return { name, repetition_type: nullable ? 'OPTIONAL' : 'REQUIRED', ...SCHEMA_OF[type] }
  })
  const file = new ParquetWriter({
    writer,
    schema: [{ name: 'landcover', num_children: columns.length }, ...elements],
    kvMetadata: Object.entries(metadata).map(([key, value]) => ({ key, value })),
    createdBy: 'landcover',
  })
  for (let first = 0; first < rows.length; first += ROWS_PER_GROUP) {
    const group = rows.slice(first, first + ROWS_PER_GROUP)
    const start = writer.offset
    const data = valuesOf(columns, group)
    const chunks = elements.map((element, index) =>
      writeColumnChunk(writer, { element, values: data[index] as unknown[] }, COMPRESSION),
    )
    const bytes = chunks.reduce((sum, { meta_data }) => sum + (meta_data?.total_uncompressed_size ?? 0n), 0n)
    file.row_groups.push({
      columns: chunks,
      total_byte_size: bytes,
      num_rows: BigInt(group.length),
      total_compressed_size: BigInt(writer.offset - start),
    })
  }
  file.num_rows = BigInt(rows.length)
  // A writer in memory has nothing to wait for.
  void file.finish()
  return new Uint8Array(writer.getBuffer())
}

function valuesOf<Row>(columns: readonly Column<Row>[], rows: readonly Row[]): unknown[][] {
  const data = columns.map(() => new Array<unknown>(rows.length))
  for (let first = 0; first < rows.length; first += ROWS_PER_BLOCK) {
    const end = Math.min(first + ROWS_PER_BLOCK, rows.length)
    for (const [index, { of }] of columns.entries()) {
      const values = data[index] as unknown[]
      for (let row = first; row < end; row++) values[row] = of(rows[row] as Row)
    }
  }
  return data
}
