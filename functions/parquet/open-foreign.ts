import { brotliDecompressSync } from 'node:zlib'
import { asyncBufferFromFile, parquetScan, parquetSchema, type SchemaElement } from 'hyparquet'
import { compressors as allCompressors } from 'hyparquet-compressors'
import { refuseChangedPages } from './page-checksums.ts'
import { compressors } from './read.ts'

/** Every codec but LZO. Where Node has a codec itself, that is faster than the library's. */
export const foreignCompressors = {
  ...allCompressors,
  ...compressors,
  BROTLI: (bytes: Uint8Array) => brotliDecompressSync(bytes),
}

/** Number of rows that are read at once: a row group of DuckDB, or an eighth of one of pandas. */
const ROWS_AT_ONCE = 131_072

/**
 * Maximum number of rows in a row group. Each piece reads its column from the start, so a larger row group would take
 * hours.
 */
const MAX_GROUP_ROWS = 16_777_216

/** Parquet file that may be larger than the memory. */
export interface ParquetFile {
  /** Names of the outermost columns. */
  columns: string[]
  rowCount: number
  /** Indexes of the columns with dates or timestamps. */
  timeColumns: number[]
  /**
   * All rows in order, some at once: for each of these columns its values. Whole numbers of 64 bits are bigints, dates
   * and timestamps Dates; what is missing is null or undefined.
   *
   * Every page with a checksum is compared with it before the first rows are given.
   *
   * @throws Error when the file is damaged, compressed with LZO, or has row groups of more than MAX_GROUP_ROWS
   */
  pieces(columns: readonly string[]): AsyncGenerator<{ count: number; columns: ArrayLike<unknown>[] }>
}

/** @throws Error when it cannot be read, or is not a Parquet file */
export async function openParquet(path: string): Promise<ParquetFile> {
  const file = await asyncBufferFromFile(path)
  const scan = await parquetScan({ file, compressors: foreignCompressors })
  const outermost = parquetSchema(scan.metadata).children.map(({ element }) => element)
  return {
    columns: outermost.map(({ name }) => name),
    rowCount: Number(scan.metadata.num_rows),
    timeColumns: outermost.flatMap((element, index) => (isTime(element) ? [index] : [])),
    async *pieces(columns) {
      await refuseChangedPages(file, scan.metadata, columns)
      for (const { rowStart, rowEnd } of scan.ranges) {
        if (rowEnd - rowStart > MAX_GROUP_ROWS) {
          throw new Error(
            `it has a row group of ${rowEnd - rowStart} rows: write it with row groups of about 100000 rows each`,
          )
        }
        for (let start = rowStart; start < rowEnd; start += ROWS_AT_ONCE) {
          const piece = { rowStart: start, rowEnd: Math.min(start + ROWS_AT_ONCE, rowEnd) }
          const values: ArrayLike<unknown>[] = []
          // Columns are read one after the other, because the compressed bytes of a column are completely in memory.
          for (const column of columns) values.push(await scan.readColumn({ column, ...piece }))
          yield { count: piece.rowEnd - piece.rowStart, columns: values }
        }
      }
    },
  }
}

function isTime({ type, converted_type: converted, logical_type: logical }: SchemaElement): boolean {
  const isMarked = converted === 'DATE' || converted?.startsWith('TIMESTAMP') || logical?.type === 'TIMESTAMP'
  return type === 'INT96' || isMarked === true || logical?.type === 'DATE'
}
