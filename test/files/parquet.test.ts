import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { parquetWriteBuffer } from 'hyparquet-writer'
import { describe, expect, it } from 'vitest'
import type { WireEvent } from '../../functions/core/event.ts'
import { type RowProblem, SourceError } from '../../functions/files/rows.ts'
import { CHECKSUMMED_PARQUET } from '../support/checksummed-parquet.ts'
import { copyToParquet } from '../support/events-parquet.ts'
import { readPath } from '../support/read-files.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'

const NOW_MS = Date.UTC(2026, 10, 1, 12)
const NOON = "'2026-10-01T12:00:00Z'"

/** A row with what an event needs. */
const EVENT = `(SELECT 'a' AS image_id, 'Forest' AS class_name, 0.5::DOUBLE AS ndvi_mean, ${NOON} AS timestamp)`

interface Read {
  events: WireEvent[]
  rows: number[]
  problems: RowProblem[]
  error: unknown
}

async function read(path: string, timeIsNow = false): Promise<Read> {
  const result: Read = { events: [], rows: [], problems: [], error: null }
  try {
    for await (const each of readPath(path, { now: () => NOW_MS, timeIsNow })) {
      if ('problem' in each) result.problems.push(each.problem)
      else if ('event' in each) {
        result.events.push(each.event())
        result.rows.push(each.row)
      }
    }
  } catch (error) {
    result.error = error
  }
  return result
}

/** Reads a file that holds the answer of a query. */
async function readQuery(query: string, ...options: string[]): Promise<Read> {
  return read(await copyToParquet(query, join(temporaryFolder(), 'a.parquet'), ...options))
}

const first = ({ events, problems, error }: Read) => {
  expect({ problems, error }).toEqual({ problems: [], error: null })
  return events[0] as WireEvent
}

describe('events in a Parquet file', () => {
  it('may have their columns in any order, with others beside them, and without some of them', async () => {
    const result = await readQuery(
      `SELECT 7 AS more, [1, 2] AS list, 812.5::DOUBLE AS red_mean, *, {a: 1} AS nested FROM ${EVENT}`,
    )
    expect(result.events).toMatchObject([
      { image_id: 'a', class_name: 'Forest', ndvi_mean: 0.5, red_mean: 812.5, timestamp: '2026-10-01T12:00:00.000Z' },
    ])
    expect(result.rows).toEqual([1])
  })

  it.each([
    ['TIMESTAMP', '2026-10-01T12:00:00.123Z'],
    ['TIMESTAMPTZ', '2026-10-01T12:00:00.123Z'],
    ['TIMESTAMP_S', '2026-10-01T12:00:00.000Z'],
    ['TIMESTAMP_MS', '2026-10-01T12:00:00.123Z'],
    ['TIMESTAMP_NS', '2026-10-01T12:00:00.123Z'],
    ['VARCHAR', '2026-10-01T12:00:00.123Z'],
    ['DATE', '2026-10-01T00:00:00.000Z'],
  ])('may have timestamps as %s', async (type, expected) => {
    const value = `CAST('2026-10-01 12:00:00.123456' AS ${type})`
    const { timestamp } = first(await readQuery(`SELECT * REPLACE (${value} AS timestamp) FROM ${EVENT}`))
    expect(timestamp).toBe(expected)
  })

  it('may have their times in a column of another name, if only one column has that type', async () => {
    const of = `SELECT * EXCLUDE (timestamp), TIMESTAMP '2026-10-01 12:00:00' AS "__index_level_0__" FROM ${EVENT}`
    expect(first(await readQuery(of)).timestamp).toBe('2026-10-01T12:00:00.000Z')
  })

  it('are refused where no column has their times', async () => {
    const { events, error } = await readQuery(
      `SELECT * EXCLUDE (timestamp), DATE '2026-10-01' AS a, DATE '2026-10-02' AS b FROM ${EVENT}`,
    )
    expect(events).toEqual([])
    expect(String(error)).toMatch(/no column timestamp; .*No time is invented: "a", "b" looks like one/)
  })

  it.each(['FLOAT', 'DOUBLE', 'TINYINT', 'INTEGER', 'BIGINT', 'UBIGINT', 'DECIMAL(9,2)', 'DECIMAL(38,10)', 'HUGEINT'])(
    'may have numbers as %s',
    async type => {
      expect(first(await readQuery(`SELECT *, CAST(100 AS ${type}) AS nir_mean FROM ${EVENT}`)).nir_mean).toBeCloseTo(
        100,
        9,
      )
    },
  )

  it.each(['NULL::DOUBLE', "'NaN'::DOUBLE", "'NaN'::FLOAT", 'NULL'])('take %s for "not measured"', async nothing => {
    const event = first(await readQuery(`SELECT *, ${nothing} AS nir_mean FROM ${EVENT}`))
    expect(event.nir_mean ?? null).toBe(null)
  })

  it('are distinguished from rows that are not events', async () => {
    const rows = [
      `('a', 'Forest', 0.5::DOUBLE, ${NOON})`,
      `('b', 'Forest', 1.5, ${NOON})`,
      `('c', 'Forest', 'NaN', ${NOON})`,
      `(NULL, 'Forest', 0.5, ${NOON})`,
      `('e', 'Forest', 0.5, 'yesterday')`,
      `('f', 'Forest', 0.5, NULL)`,
      `('g', 'Forest', 0.5, '2026-11-02T12:00:00Z')`,
      `('h', 'Forest', 0.5, ${NOON})`,
    ]
    const { events, problems } = await readQuery(
      `SELECT * FROM (VALUES ${rows.join()}) AS rows(image_id, class_name, ndvi_mean, timestamp)`,
    )
    expect(events.map(({ image_id }) => image_id)).toEqual(['a', 'h'])
    expect(problems.map(({ file, row, column, message }) => [file, row, column, message])).toEqual([
      ['a.parquet', 2, 'ndvi_mean', 'ndvi_mean must lie between -1 and 1: correct the cell, which holds "1.5"'],
      ['a.parquet', 3, 'ndvi_mean', 'ndvi_mean is missing: correct the cell, which holds "NaN"'],
      ['a.parquet', 4, 'image_id', 'image_id is missing: fill in the cell or remove the row'],
      ['a.parquet', 5, 'timestamp', expect.stringMatching(/date and time such as .* which holds "yesterday"$/)],
      ['a.parquet', 6, 'timestamp', 'timestamp is missing: fill in the cell or remove the row'],
      ['a.parquet', 7, 'timestamp', expect.stringMatching(/^timestamp lies more than 10 minutes after arrival/)],
    ])
  })

  it.each([
    ["'infinity'::TIMESTAMP", 'timestamp'],
    ["'1960-01-01'::TIMESTAMP", 'timestamp'],
    ["'\\xFC'::BLOB", 'class_name'],
    ["['Forest']", 'class_name'],
  ])('are refused with %s as %s', async (value, column) => {
    const result = await readQuery(`SELECT * REPLACE (${value} AS ${column}) FROM ${EVENT}`)
    expect(result.error).toBe(null)
    expect(result.problems).toEqual([expect.objectContaining({ row: 1, column })])
  })
})

describe('a Parquet file', () => {
  const many = (rows: number) =>
    `SELECT 'image-' || i AS image_id, 'Forest' AS class_name, CASE WHEN i % 3 = 0 THEN 0.5 ELSE -0.25 END::DOUBLE AS ndvi_mean,
      CASE WHEN i % 7 > 0 THEN i / 10 END::DOUBLE AS nir_mean, TIMESTAMP '2026-01-01' + to_seconds(i) AS timestamp
    FROM range(${rows}) AS r(i)`

  it.each([
    ['many row groups', 10_000, ['ROW_GROUP_SIZE 2048']],
    ['row groups that are read in pieces', 140_000, ['ROW_GROUP_SIZE 200000']],
    ['data pages of the second version', 10_000, ['PARQUET_VERSION V2']],
  ])('may have %s', async (_, count, options) => {
    const result = await readQuery(many(count), ...options)
    expect(result.error).toBe(null)
    expect(result.problems).toEqual([])
    expect(result.rows).toEqual(Array.from({ length: count }, (_, index) => index + 1))
    for (const [index, event] of result.events.entries()) {
      if (event.image_id !== `image-${index}` || (event.nir_mean ?? null) !== (index % 7 > 0 ? index / 10 : null)) {
        expect(event).toBe(`that of row ${index + 1}`)
      }
    }
    expect(result.events.at(-1)?.timestamp).toBe(new Date(Date.UTC(2026, 0, 1) + (count - 1) * 1_000).toISOString())
  })

  it.each(['snappy', 'zstd', 'gzip', 'brotli', 'lz4_raw', 'uncompressed'])('may be compressed as %s', async codec => {
    const { events, problems, error } = await readQuery(many(5_000), `CODEC ${codec}`)
    expect({ problems, error }).toEqual({ problems: [], error: null })
    expect(events.map(({ image_id }) => image_id)).toEqual(
      Array.from({ length: 5_000 }, (_, index) => `image-${index}`),
    )
  })

  it('may have small pages with an index, and pieces that begin in the middle of one', async () => {
    const ids = Array.from({ length: 140_000 }, (_, index) => `image-${index}`)
    const bytes = parquetWriteBuffer({
      columnData: [
        { name: 'image_id', data: ids, type: 'STRING', columnIndex: true, offsetIndex: true },
        { name: 'class_name', data: ids.map(() => 'Forest'), type: 'STRING', offsetIndex: true },
        { name: 'ndvi_mean', data: ids.map((_, index) => (index % 1_000) / 1e3), type: 'DOUBLE', offsetIndex: true },
      ],
      pageSize: 10_000,
      rowGroupSize: 140_000,
    })
    const file = join(temporaryFolder(), 'a.parquet')
    writeFileSync(file, Buffer.from(bytes))
    const { events, error } = await read(file, true)
    expect(error).toBe(null)
    expect(events.map(({ image_id }) => image_id)).toEqual(ids)
    expect(events[139_999]).toMatchObject({ ndvi_mean: 0.999 })
  })

  it('may be empty', async () => {
    expect(await readQuery(many(0))).toEqual({ events: [], rows: [], problems: [], error: null })
  })

  it.each([
    [
      'lacks a column',
      "SELECT 'a' AS image_id, 0.5 AS NDVI",
      [],
      /a\.parquet, row 1: no column class_name, timestamp; the header has "image_id", "NDVI"/,
    ],
  ])('is refused where it %s', async (_, query, options, message) => {
    const { events, error } = await readQuery(query, ...options)
    expect(events).toEqual([])
    expect(error).toBeInstanceOf(SourceError)
    expect(String(error)).toMatch(message)
  })

  it.each([
    ['is cut off', (bytes: Buffer) => bytes.subarray(0, -100)],
    ['lost its first half', (bytes: Buffer) => bytes.subarray(bytes.length / 2)],
    ['has damaged pages', (bytes: Buffer) => Buffer.from(bytes).fill(0xff, 10, 2_000)],
  ])('is refused where it %s', async (_, damage) => {
    const file = await copyToParquet(many(1_000), join(temporaryFolder(), 'a.parquet'), 'CODEC zstd')
    writeFileSync(file, damage(readFileSync(file)))
    const { error } = await read(file)
    expect(error).toBeInstanceOf(SourceError)
    expect(String(error)).toMatch(/cannot read \S+a\.parquet as Parquet: ./)
  })

  it('that is missing is named', async () => {
    expect(String((await read('no/such.parquet')).error)).toMatch(
      /cannot read no\/such\.parquet: give a CSV, JSON or Parquet file/,
    )
  })
})

describe.each(['1.0', '2.0'] as const)('pages of version %s with checksums', version => {
  const whole = () => Buffer.from(CHECKSUMMED_PARQUET[version], 'base64')

  function readBytes(bytes: Uint8Array): Promise<Read> {
    const path = join(temporaryFolder(), 'a.parquet')
    writeFileSync(path, bytes)
    return read(path)
  }

  it('are read when they are not damaged', async () => {
    const { events, error } = await readBytes(whole())
    expect(error).toBeNull()
    expect(events.map(({ image_id, class_name, ndvi_mean }) => `${image_id} ${class_name} ${ndvi_mean}`)).toEqual([
      'a Forest 0.5',
      'b River 0.25',
      'c Forest 0.5',
      'd River 0.125',
    ])
  })

  it.each([
    ['Forest', 'first', 'page 1 of column class_name in row group 1'],
    ['River', 'last', 'page 1 of column class_name in row group 2'],
    ['0.5', 'first', 'page 1 of column ndvi_mean in row group 1'],
    ['0.125', 'last', 'page 1 of column ndvi_mean in row group 2'],
    ['codes', 'first', 'page 2 of column class_name in row group 1'],
    ['codes', 'last', 'page 2 of column class_name in row group 2'],
  ])('refuse the whole file when one bit of %s (the %s) is changed', async (what, which, place) => {
    const bytes = whole()
    const value = Buffer.alloc(8)
    if (what.startsWith('0.')) value.writeDoubleLE(Number(what))
    const wanted = what === 'codes' ? Buffer.from([4, 1, 1, 3, 2]) : what.startsWith('0.') ? value : Buffer.from(what)
    const start = which === 'first' ? bytes.indexOf(wanted) : bytes.lastIndexOf(wanted)
    expect(start).toBeGreaterThan(0)
    const at = start + wanted.byteLength - 1
    bytes.writeUInt8(bytes.readUInt8(at) ^ 1, at)
    const { events, error } = await readBytes(bytes)
    expect(events).toEqual([])
    expect(error).toBeInstanceOf(SourceError)
    expect((error as Error).message).toContain(
      `a.parquet as Parquet: ${place} is damaged (its checksum does not match)`,
    )
  })
})
