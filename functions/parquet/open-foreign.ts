import { brotliDecompressSync } from 'node:zlib'
import { asyncBufferFromFile, parquetScan, parquetSchema, type SchemaElement, type SchemaTree } from 'hyparquet'
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
  /** Names of the columns; those of fields of structures have the structure's name and a dot before them. */
  columns: string[]
  rowCount: number
  /** Indexes of the columns with dates or timestamps. */
  timeColumns: number[]
  /** Columns with times of day, by their indexes: the number of their values in a second. */
  clockColumns: ReadonlyMap<number, number>
  /**
   * All rows in order, some at once: for each of these columns its values. Whole numbers of 64 bits are bigints, dates
   * and timestamps Dates; missing values are null or undefined.
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
  const leaves = parquetSchema(scan.metadata).children.flatMap(child => leavesOf(child, []))
  const pathOf = new Map(leaves.map(({ path }) => [path.join('.'), path]))
  return {
    columns: leaves.map(({ path }) => path.join('.')),
    rowCount: Number(scan.metadata.num_rows),
    timeColumns: leaves.flatMap(({ element }, index) => (isTime(element) ? [index] : [])),
    clockColumns: new Map(
      leaves.flatMap(({ element }, index) => {
        const perSecond = clockUnit(element)
        return perSecond === undefined ? [] : [[index, perSecond] as const]
      }),
    ),
    async *pieces(columns) {
      const paths = columns.map(column => pathOf.get(column) ?? [column])
      const outermost = [...new Set(paths.map(([column]) => column as string))]
      await refuseChangedPages(file, scan.metadata, outermost)
      for (const { rowStart, rowEnd } of scan.ranges) {
        if (rowEnd - rowStart > MAX_GROUP_ROWS) {
          throw new Error(
            `it has a row group of ${rowEnd - rowStart} rows: write it with row groups of about 100000 rows each`,
          )
        }
        for (let start = rowStart; start < rowEnd; start += ROWS_AT_ONCE) {
          const piece = { rowStart: start, rowEnd: Math.min(start + ROWS_AT_ONCE, rowEnd) }
          const read = new Map<string, ArrayLike<unknown>>()
          // Columns are read one after the other, because the compressed bytes of a column are completely in memory.
          for (const column of outermost) read.set(column, await scan.readColumn({ column, ...piece }))
          const values = paths.map(([column, ...fields]) =>
            fieldsOf(read.get(column as string) as ArrayLike<unknown>, fields),
          )
          yield { count: piece.rowEnd - piece.rowStart, columns: values }
        }
      }
    },
  }
}

interface Leaf {
  path: readonly string[]
  element: SchemaElement
}

/** The columns that a part of a schema stands for: fields of structures, or itself. Lists and maps are one column. */
function leavesOf({ element, children }: SchemaTree, above: readonly string[]): Leaf[] {
  const path = [...above, element.name]
  const isMarked = element.converted_type !== undefined || element.logical_type !== undefined
  const isStructure = children.length > 0 && !isMarked && element.repetition_type !== 'REPEATED'
  return isStructure ? children.flatMap(child => leavesOf(child, path)) : [{ path, element }]
}

function fieldsOf(values: ArrayLike<unknown>, fields: readonly string[]): ArrayLike<unknown> {
  if (fields.length === 0) return values
  return Array.from(values, value =>
    fields.reduce<unknown>((inner, field) => (inner as Record<string, unknown> | null | undefined)?.[field], value),
  )
}

function isTime({ type, converted_type: converted, logical_type: logical }: SchemaElement): boolean {
  const isMarked = converted === 'DATE' || converted?.startsWith('TIMESTAMP') || logical?.type === 'TIMESTAMP'
  return type === 'INT96' || isMarked === true || logical?.type === 'DATE'
}

const PER_SECOND = { MILLIS: 1e3, MICROS: 1e6, NANOS: 1e9 } as const

function clockUnit({ converted_type: converted, logical_type: logical }: SchemaElement): number | undefined {
  if (logical?.type === 'TIME') return PER_SECOND[logical.unit]
  return converted === 'TIME_MILLIS' ? PER_SECOND.MILLIS : converted === 'TIME_MICROS' ? PER_SECOND.MICROS : undefined
}
