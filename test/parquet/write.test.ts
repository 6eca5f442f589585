import { constants, zstdCompressSync } from 'node:zlib'
import { parquetMetadata } from 'hyparquet'
import { parquetWriteBuffer } from 'hyparquet-writer'
import { describe, expect, it } from 'vitest'
import { readParquet } from '../../functions/parquet/read.ts'
import { type Column, type ColumnType, writeParquet } from '../../functions/parquet/write.ts'

/** A value of each type, by a number from 0 on. Texts have characters whose order in UTF-16 is not that of UTF-8. */
const VALUES: Record<ColumnType, (index: number) => string | number | bigint | boolean | Uint8Array> = {
  STRING: index => ['a', 'Zoë', '\u{1F600}', '\uE000', 'SeaLake_'][index % 5] + String(index),
  BYTES: index => Uint8Array.of(index % 251, 3),
  INT32: index => index * 7 - 50_000,
  INT64: index => BigInt(index) * 99_999_999_999n - 5n,
  DOUBLE: index => index / 7 - 3,
  BOOLEAN: index => index % 3 === 0,
  TIMESTAMP: index => BigInt(index) * 1_000n,
  DECIMAL: index => BigInt(index) ** 3n - 9n,
}

/** Shapes of a column: the number of its value in a row, null for none. */
const SHAPES: Record<string, (row: number) => number | null> = {
  'different values': row => row,
  'one value': () => 3,
  'few values': row => row % 10,
  'no value': () => null,
  'different values and nulls': row => (row % 4 === 1 ? null : row),
  'few values and long runs of nulls': row => (row % 100 < 40 ? null : row % 10),
}

function columnOf(type: ColumnType, numberOf: (row: number) => number | null, nullable: boolean): Column<number> {
  return {
    ...{ name: 'some', type, ...(nullable && { nullable: true }) },
    of: row => {
      const index = numberOf(row)
      return index === null ? null : VALUES[type](index)
    },
  }
}

const ZSTD_LEVEL_1 = { params: { [constants.ZSTD_c_compressionLevel]: 1 } }

/** The same column as the library writes it. */
function byLibrary({ name, type, of }: Column<number>, rows: readonly number[], written: Uint8Array): Uint8Array {
  const { schema, key_value_metadata: kvMetadata = [] } = parquetMetadata(written.slice().buffer)
  const bytes = parquetWriteBuffer({
    columnData: [
      { name, data: rows.map(of), ...(type === 'DOUBLE' && { encoding: 'PLAIN' as const, statistics: false }) },
    ],
    ...{ schema, kvMetadata, codec: 'ZSTD', createdBy: 'landcover', rowGroupSize: 100_000, pageSize: 0 },
    compressors: { ZSTD: (page: Uint8Array) => zstdCompressSync(page, ZSTD_LEVEL_1) },
  })
  return new Uint8Array(bytes)
}

describe('a Parquet file', () => {
  it.each(Object.keys(VALUES) as ColumnType[])('has the same bytes as the library writes, with a column %s', type => {
    for (const [shape, numberOf] of Object.entries(SHAPES)) {
      for (const nullable of [true, false]) {
        for (const count of [1, 7, 8, 16, 17, 3_000]) {
          const rows = Array.from({ length: count }, (_, row) => row)
          if (!nullable && rows.some(row => numberOf(row) === null)) continue
          const column = columnOf(type, numberOf, nullable)
          const written = writeParquet([column], rows, { some: 'metadata' })
          const difference = Buffer.compare(written, byLibrary(column, rows, written))
          expect([shape, nullable, count, difference]).toEqual([shape, nullable, count, 0])
        }
      }
    }
  })

  it('contains each row once, in groups and blocks of rows', async () => {
    const rows = Array.from({ length: 200_001 }, (_, row) => row)
    const columns = [columnOf('INT32', row => row, false), { ...columnOf('DOUBLE', row => row, true), name: 'other' }]
    const written = await readParquet(writeParquet(columns, rows))
    expect(written.length).toBe(rows.length)
    const isRight = ({ some, other }: Record<string, unknown>, row: number) =>
      some === VALUES.INT32(row) && other === VALUES.DOUBLE(row)
    expect(written.findIndex((read, row) => !isRight(read, row))).toBe(-1)
  })

  it.each([
    ['INT32', 0.5],
    ['INT32', 2 ** 31],
    ['INT64', 2n ** 63n],
    ['INT64', 5],
    ['DOUBLE', '5'],
    ['STRING', 5],
    ['BOOLEAN', 'true'],
  ] as const)('is not written with a value that a column %s cannot have: %s', (type, value) => {
    expect(() => writeParquet([{ name: 'some', type, nullable: true, of: () => value }], [1])).toThrow()
  })

  it.each(Object.keys(VALUES) as ColumnType[])('is not written with a null in a required column %s', type => {
    const of = (row: number) => (row === 1 ? null : VALUES[type](row))
    expect(() => writeParquet([{ name: 'some', type, of }], [0, 1, 2])).toThrow()
  })
})
