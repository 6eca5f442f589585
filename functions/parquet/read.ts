import { setImmediate } from 'node:timers/promises'
import { gunzipSync, zstdDecompressSync } from 'node:zlib'
import { type ParquetScan, parquetMetadata, parquetScan, parquetSchema } from 'hyparquet'

/** Compressions that are read, in addition to Snappy, which hyparquet has itself. */
export const compressors = {
  ZSTD: (bytes: Uint8Array) => zstdDecompressSync(bytes),
  GZIP: (bytes: Uint8Array) => gunzipSync(bytes),
}

/** Number of rows of a column from which reading it holds up other work noticeably: some milliseconds. */
const MANY_ROWS = 1_000

type RowRange = ParquetScan['ranges'][number]

/** Condition on the rows of a file. */
export interface RowFilter {
  /** Columns with text that it goes by. */
  columns: readonly string[]
  /** @param texts of these columns */
  isWanted(...texts: string[]): boolean
}

/**
 * Reads the rows of a Parquet file. decimal(38,0) columns are bigints. hyparquet converts them to numbers, which hold
 * 15 digits, so it gets a schema in which they are plain bytes. Other work gets a turn after each column of many rows: a
 * file of 15,000 rows takes half a second.
 *
 * @param filter condition; rows that do not meet it cost little
 */
export async function readParquet(bytes: Uint8Array, filter?: RowFilter): Promise<Record<string, unknown>[]> {
  const file = bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength) as ArrayBuffer
  const metadata = parquetMetadata(file)
  const decimals = new Set<string>()
  for (const element of metadata.schema) {
    if (element.converted_type !== 'DECIMAL') continue
    decimals.add(element.name)
    delete element.converted_type
    delete element.logical_type
  }
  const scan = await parquetScan({ file, metadata, compressors })
  const names = parquetSchema(metadata).children.map(({ element }) => element.name)
  const rows: Record<string, unknown>[] = []
  for (const range of scan.ranges) {
    const wanted = await wantedRows(scan, range, filter)
    const inRange = wanted.map((): Record<string, unknown> => ({}))
    if (wanted.length === 0) continue
    for (const name of names) {
      const values = await scan.readColumn({ column: name, ...range })
      for (const [place, row] of inRange.entries()) {
        const value = values[wanted[place] as number] ?? null
        row[name] = decimals.has(name) && value instanceof Uint8Array ? signedBigEndian(value) : value
      }
      if (wanted.length >= MANY_ROWS) await setImmediate()
    }
    for (const row of inRange) rows.push(row)
  }
  return rows
}

/** Places of the rows of a range that meet a condition. */
async function wantedRows(scan: ParquetScan, range: RowRange, filter: RowFilter | undefined): Promise<number[]> {
  const all = Array.from({ length: range.rowEnd - range.rowStart }, (_, place) => place)
  if (!filter) return all
  const columns: ArrayLike<unknown>[] = []
  for (const column of filter.columns) columns.push(await scan.readColumn({ column, ...range }))
  return all.filter(place => filter.isWanted(...columns.map(values => values[place] as string)))
}

const WORD_BYTES = 8

function signedBigEndian(bytes: Uint8Array): bigint {
  if (bytes.length !== 2 * WORD_BYTES) throw new Error(`a decimal has ${bytes.length} bytes`)
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
  const [high, low] = [view.getBigInt64(0), view.getBigUint64(WORD_BYTES)]
  return high === 0n ? low : (high << 64n) | low
}
