import { existsSync } from 'node:fs'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { decodeEvent, type WireEvent } from '../../functions/core/event.ts'
import { type RowProblem, SourceError } from '../../functions/files/rows.ts'
import { readPath } from '../support/read-files.ts'

const NOW_MS = Date.UTC(2026, 10, 1, 12)
const NOW = '2026-11-01T12:00:00.000Z'
const HEADER =
  'image_id,class_name,ndvi_mean,ndvi_std,ndvi_min,ndvi_max,vegetation_index,' +
  'red_mean,green_mean,blue_mean,nir_mean,brightness_mean,timestamp'

/** The event that the rows of Forest_1 give, in one file or joined. */
const FOREST_1 = {
  image_id: 'Forest_1',
  class_name: 'Forest',
  ndvi_mean: 0.7,
  ndvi_std: 0.05,
  ndvi_min: 0.5,
  ndvi_max: 0.8,
  vegetation_index: 0.4,
  red_mean: 400,
  green_mean: 700,
  blue_mean: 800,
  nir_mean: 2500,
  brightness_mean: 633.333,
  timestamp: '2026-10-01T10:00:00.000Z',
}

let scratch: string
let made = 0
beforeAll(async () => {
  scratch = await mkdtemp(join(tmpdir(), 'landcover-csv-'))
})
afterAll(() => rm(scratch, { recursive: true }))

interface Read {
  events: WireEvent[]
  problems: RowProblem[]
  error: unknown
}

async function read(path: string): Promise<Read> {
  const result: Read = { events: [], problems: [], error: null }
  try {
    for await (const each of readPath(path, { now: () => NOW_MS, timeIsNow: true })) {
      if ('event' in each) result.events.push(each.event())
      else if ('problem' in each) result.problems.push(each.problem)
    }
  } catch (error) {
    result.error = error
  }
  return result
}

async function readFlat(content: string | Buffer): Promise<Read> {
  const path = join(scratch, `flat-${made++}.csv`)
  await writeFile(path, content)
  return read(path)
}

const FOLDER = {
  'images.csv': 'image_id,class_id,timestamp\nForest_1,1,2026-10-01T10:00:00Z\nRiver_1,8,2026-10-01T10:00:01Z\n',
  'classes.csv': 'class_id,class_name\n1,Forest\n8,River\n',
  'ndvi_stats.csv':
    'image_id,ndvi_mean,ndvi_std,ndvi_min,ndvi_max,vegetation_index\n' +
    'Forest_1,0.7,0.05,0.5,0.8,0.4\nRiver_1,0.2,0.3,-0.4,0.6,\n',
  'spectral_data.csv':
    'image_id,red_mean,green_mean,blue_mean,nir_mean,brightness_mean\n' +
    'Forest_1,400,700,800,2500,633.333\nRiver_1,700,900,1000,1800,866.667\n',
}

async function readFolder(changes: Partial<Record<keyof typeof FOLDER, string | null>>): Promise<Read> {
  const folder = join(scratch, `folder-${made++}`)
  await mkdir(folder)
  for (const [name, content] of Object.entries({ ...FOLDER, ...changes })) {
    if (content !== null) await writeFile(join(folder, name), content)
  }
  return read(folder)
}

const ids = ({ events }: Read) => events.map(event => event.image_id)
const places = ({ problems }: Read) => problems.map(({ file, row, column }) => [file, row, column])

describe('a flat file', () => {
  it('gives each row as an event', async () => {
    const { events, problems, error } = await readFlat(
      `${HEADER}\nForest_1,Forest,0.7,0.05,.5,8e-1,+0.4,400,700,800,2500,633.333,2026-10-01T10:00:00Z\n`,
    )
    expect([problems, error]).toEqual([[], null])
    expect(events).toEqual([FOREST_1])
  })

  it('needs only three columns, in any order, and takes the time of reading', async () => {
    const { events, problems } = await readFlat('ndvi_mean,wind,image_id,class_name\n0.7,9.5,a,Forest\n')
    expect(problems).toEqual([])
    expect(events).toEqual([
      expect.objectContaining({ image_id: 'a', ndvi_mean: 0.7, ndvi_std: null, nir_mean: null, timestamp: NOW }),
    ])
    expect(Object.keys(events[0] as WireEvent).sort()).toEqual(HEADER.split(',').sort())
  })

  it('takes empty cells as not measured', async () => {
    const { events } = await readFlat(`${HEADER}\na,Forest,0.7,,,,,,,,,,2026-10-01T10:00:00Z\n`)
    expect(events).toEqual([expect.objectContaining({ ndvi_min: null, vegetation_index: null, red_mean: null })])
  })

  it.each([
    ['a byte order mark', '\ufeffimage_id,class_name,ndvi_mean\na,Forest,0.1\n'],
    ['Windows line ends', 'image_id,class_name,ndvi_mean\r\na,Forest,0.1\r\n'],
    ['line ends of both kinds', 'image_id,class_name,ndvi_mean\r\na,Forest,0.1\n'],
    ['no line end at its end', 'image_id,class_name,ndvi_mean\na,Forest,0.1'],
    ['blank lines', '\nimage_id,class_name,ndvi_mean\n\n\na,Forest,0.1\n\n'],
    ['quoted cells', '"image_id","class_name","ndvi_mean"\n"a","Forest","0.1"\n'],
  ])('is read with %s', async (_, content) => {
    const { events, problems, error } = await readFlat(content)
    expect([problems, error]).toEqual([[], null])
    expect(events).toEqual([expect.objectContaining({ image_id: 'a', class_name: 'Forest', ndvi_mean: 0.1 })])
  })

  it('gives no event when there is only a header', async () => {
    expect(await readFlat(`${HEADER}\n`)).toEqual({ events: [], problems: [], error: null })
  })

  it.each([
    ['ndvi_mean', ''],
    ['ndvi_mean', 'abc'],
    ['ndvi_mean', '1e999'],
    ['ndvi_mean', 'NaN'],
    ['ndvi_mean', 'Infinity'],
    ['ndvi_mean', '0x10'],
    ['ndvi_mean', '0b1'],
    ['ndvi_mean', '0_5'],
    ['ndvi_mean', '"0,5"'],
    ['ndvi_mean', '.'],
    ['ndvi_mean', '1.2.3'],
    ['ndvi_mean', '1.01'],
    ['image_id', ''],
    ['image_id', 'x'.repeat(300)],
    ['class_name', ''],
    ['timestamp', ''],
    ['timestamp', 'yesterday'],
    ['timestamp', '2026-02-30T00:00:00Z'],
    ['timestamp', '2026-11-02T00:00:00Z'],
  ])('names file, row and column of a bad cell: %s %j', async (column, cell) => {
    const good = ['a', 'Forest', '0.7', '0.05', '0.5', '0.8', '0.4', '400', '700', '800', '2500', '633', NOW]
    const bad = good.with(HEADER.split(',').indexOf(column), cell)
    const result = await readFlat([HEADER, good, bad, good, ''].join('\n'))
    expect(result.events).toHaveLength(2)
    expect(result.error).toBeNull()
    expect(result.problems).toEqual([
      { file: expect.stringMatching(/^flat-\d+\.csv$/), row: 3, column, message: expect.stringContaining(column) },
    ])
  })

  it('gives an event that the core accepts, or one problem, for any content of a cell', async () => {
    const cell = fc.oneof(fc.string({ unit: 'grapheme' }), fc.double().map(String), fc.constantFrom('', '-0', '1e-400'))
    await fc.assert(
      fc.asyncProperty(fc.array(fc.tuple(cell, cell, cell, cell), { minLength: 1, maxLength: 5 }), async rows => {
        const quote = (text: string) => `"${text.replaceAll('"', '""')}"`
        const lines = rows.map(cells => cells.map(quote).join(','))
        const result = await readFlat(['image_id,class_name,ndvi_mean,red_mean', ...lines].join('\n'))
        // A column of which most is not NDVI is refused as a whole.
        if (result.error !== null) expect(String(result.error)).toContain('another scale')
        const filled = rows.filter(cells => cells.some(each => each.trim() !== ''))
        expect(result.events.length + result.problems.length).toBe(filled.length)
        for (const event of result.events) {
          decodeEvent(event, NOW_MS)
          expect(rows.some(([id, , mean]) => id === event.image_id && Number(mean) === event.ndvi_mean)).toBe(true)
        }
      }),
      { numRuns: 300 },
    )
  })

  it('continues after a row with too few or too many cells', async () => {
    const result = await readFlat(
      'image_id,class_name,ndvi_mean\na,Forest,0.1\nb,Forest\nc,Forest,0.1,5\nd,Forest,0.2\n',
    )
    expect(ids(result)).toEqual(['a', 'd'])
    expect(result.problems).toMatchObject([
      { row: 3, column: null, message: expect.stringContaining('2 cells, the header 3') },
      { row: 4, column: null, message: expect.stringContaining('4 cells, the header 3') },
    ])
  })

  it('continues after a quote within an unquoted cell, and reports it once', async () => {
    const result = await readFlat(
      'image_id,class_name,ndvi_mean\na,Forest,0.1\nb"x"y,Forest,0.1\nc"x,Forest,0.1\nd,Forest,0.2\n',
    )
    expect(ids(result)).toEqual(['a', 'd'])
    expect(result.problems).toMatchObject([
      { row: 3, column: null, message: expect.stringContaining('quote') },
      { row: 4, column: null },
    ])
  })

  it.each([
    ['is never closed', '"b,Forest,0.1\nc,Forest,0.1\n', /row 3.* never closed/],
    [
      'is never closed in a long file',
      `"b,Forest,0.1\n${'c,Forest,0.1\n'.repeat(1_300_000)}`,
      /row 3.*16000000 characters/,
    ],
    ['is closed within the cell', '"b"x,Forest,0.1\nc,Forest,0.1\n', /row 3.*closing quote/],
    ['is closed within the cell after another defect', 'b"x,"For"est,0.1\nc,Forest,0.1\n', /row 3.*closing quote/],
  ])('gives the rows before a quote that %s, then stops with its row', async (_, rest, message) => {
    const result = await readFlat(`image_id,class_name,ndvi_mean\na,Forest,0.1\n${rest}`)
    expect(ids(result)).toEqual(['a'])
    expect(result.error).toBeInstanceOf(SourceError)
    expect(String(result.error)).toMatch(message)
  })

  it.each([
    ['\n', 'a\nb'],
    ['\r\n', 'a\r\nb'],
  ])('counts lines within quotes (%j), so that later rows have the line numbers of an editor', async (end, id) => {
    const result = await readFlat(
      ['image_id,class_name,ndvi_mean', `"${id}",Forest,0.1`, `"${id}",Forest,x`, 'c,Forest,y', ''].join(end),
    )
    expect(ids(result)).toEqual([id])
    expect(result.problems.map(({ row }) => row)).toEqual([4, 6])
  })

  it('refuses text that is not UTF-8, which would give different images one id', async () => {
    const result = await readFlat(Buffer.from('image_id,class_name,ndvi_mean\nM\xfcnchen,Forest,0.1\n', 'latin1'))
    expect(places(result)).toEqual([[expect.any(String), 2, 'image_id']])
    expect(result.events).toEqual([])
  })

  it.each([
    ['is empty', '', /is empty/],
    ['has blank lines only', '\n\n', /is empty/],
    ['lacks a required column', 'image_id,ndvi_mean\na,0.1\n', /row 1: no column class_name/],
    ['has a column twice', 'image_id,class_name,ndvi_mean,ndvi_mean\na,Forest,0.1,0.2\n', /ndvi_mean is there twice/],
    ['has a broken header', 'image"_id,class_name,ndvi_mean\na,Forest,0.1\n', /row 1: the header has a quote/],
  ])('is refused where it %s', async (_, content, message) => {
    const result = await readFlat(content)
    expect(result).toMatchObject({ events: [], problems: [], error: expect.any(SourceError) })
    expect(String(result.error)).toMatch(message)
  })

  it('is streamed: the first row arrives before the last one was read, and the reader may stop', async () => {
    const path = join(scratch, 'long.csv')
    await writeFile(path, `image_id,class_name,ndvi_mean\n${'a,Forest,0.1\n'.repeat(200_000)}"never closed`)
    for await (const each of readPath(path, { now: () => NOW_MS, timeIsNow: true })) {
      expect('event' in each && each.event()).toMatchObject({ image_id: 'a' })
      break
    }
  })
})

describe('a folder', () => {
  it('is joined on image and class', async () => {
    const { events, problems, error } = await readFolder({})
    expect([problems, error]).toEqual([[], null])
    expect(events).toEqual([
      FOREST_1,
      expect.objectContaining({ image_id: 'River_1', class_name: 'River', vegetation_index: null }),
    ])
  })

  it('takes the time of reading without a timestamp column', async () => {
    const { events } = await readFolder({ 'images.csv': 'image_id,class_id\nForest_1,1\n' })
    expect(events).toEqual([expect.objectContaining({ timestamp: NOW })])
  })

  it('reports images without a match, and the file', async () => {
    const result = await readFolder({
      'images.csv': 'image_id,class_id\nForest_1,1\nForest_2,1\nRiver_1,9\n,1\nRiver_1,\nRiver_1,8\n',
      'spectral_data.csv': 'image_id,red_mean\nForest_1,400\n',
    })
    expect(ids(result)).toEqual(['Forest_1'])
    expect(places(result)).toEqual([
      ['images.csv', 3, 'image_id'],
      ['images.csv', 4, 'class_id'],
      ['images.csv', 5, 'image_id'],
      ['images.csv', 6, 'class_id'],
      ['images.csv', 7, 'image_id'],
    ])
    expect(result.problems[0]?.message).toContain('"Forest_2" is not in ndvi_stats.csv nor in spectral_data.csv')
    expect(result.problems[1]?.message).toContain('"9" is not in classes.csv')
    expect(result.problems[4]?.message).toContain('"River_1" is not in spectral_data.csv')
  })

  it('reports a bad cell of a side file once, even if no image or two images refer to its row', async () => {
    const result = await readFolder({
      'images.csv': 'image_id,class_id\nForest_1,1\nForest_1,1\nRiver_1,8\n',
      'ndvi_stats.csv': 'image_id,ndvi_mean\nForest_1,abc\nRiver_1,0.2\nnobody,1.5\nnobody_either,0.5\n',
    })
    expect(ids(result)).toEqual(['River_1'])
    expect(places(result)).toEqual([
      ['ndvi_stats.csv', 2, 'ndvi_mean'],
      ['ndvi_stats.csv', 4, 'ndvi_mean'],
    ])
  })

  it.each([
    ['classes.csv', 'class_id,class_name\n1,Forest\n8,\n', 3, 'class_name'],
    ['classes.csv', 'class_id,class_name\n1,Forest\n8,River\n,Sea\n', 4, 'class_id'],
    ['ndvi_stats.csv', 'image_id,ndvi_mean\nForest_1,1.2\nRiver_1,0.1\n', 2, 'ndvi_mean'],
    ['images.csv', 'image_id,class_id,timestamp\nForest_1,1,never\nRiver_1,8,2026-10-01T10:00Z\n', 2, 'timestamp'],
  ] as const)('reports a bad cell of %s with its place in that file', async (file, content, row, column) => {
    const result = await readFolder({ [file]: content })
    expect(places(result)).toEqual([[file, row, column]])
    expect(result.error).toBeNull()
  })

  it('uses the first of two equal keys, and reports the second', async () => {
    const result = await readFolder({
      'classes.csv': 'class_id,class_name\n1,Forest\n8,River\n1,SeaLake\n',
      'ndvi_stats.csv': 'image_id,ndvi_mean\nForest_1,0.1\nForest_1,0.9\nRiver_1,0.2\n',
    })
    expect(result.events).toMatchObject([{ class_name: 'Forest', ndvi_mean: 0.1 }, { class_name: 'River' }])
    expect(places(result)).toEqual([
      ['classes.csv', 4, 'class_id'],
      ['ndvi_stats.csv', 3, 'image_id'],
    ])
    expect(result.problems[1]?.message).toContain('row 2')
  })

  it('accepts keys that are also names of object members', async () => {
    const result = await readFolder({ 'images.csv': 'image_id,class_id\n__proto__,1\nconstructor,toString\n' })
    expect(places(result)).toEqual([
      ['images.csv', 2, 'image_id'],
      ['images.csv', 3, 'class_id'],
    ])
  })

  it.each([
    ['lacks a file', { 'spectral_data.csv': null, 'classes.csv': null }, /lacks classes.csv, spectral_data.csv: put/],
    ['has an empty file', { 'classes.csv': '' }, /classes.csv is empty/],
    [
      'has a file without a required column',
      { 'images.csv': 'image_id\na\n' },
      /images.csv, row 1: no column class_id/,
    ],
  ])('is refused where it %s', async (_, changes, message) => {
    const result = await readFolder(changes)
    expect(result.events).toEqual([])
    expect(result.error).toBeInstanceOf(SourceError)
    expect(String(result.error)).toMatch(message)
  })
})

describe('a path', () => {
  it('that does not exist is refused, with the path to give instead', async () => {
    const { error } = await read(join(scratch, 'nowhere.csv'))
    expect(error).toBeInstanceOf(SourceError)
    expect(String(error)).toMatch(/nowhere\.csv: give a CSV, JSON or Parquet file, or a folder/)
  })
})

describe('the statistics of 200 real tiles', () => {
  const data = process.env.LANDCOVER_DATA ?? fileURLToPath(new URL('../../../shared/data', import.meta.url))
  const path = join(data, 'eurosat-200-stats.csv')

  it('are read completely, 20 of each class', async context => {
    if (!existsSync(path)) context.skip('the real data is not here: set LANDCOVER_DATA to its folder')
    const { events, problems, error } = await read(path)
    expect([problems, error]).toEqual([[], null])
    expect(events).toHaveLength(200)
    expect(Object.values(Object.groupBy(events, event => event.class_name)).map(each => each?.length)).toEqual(
      new Array(10).fill(20),
    )
    expect(events[0]).toMatchObject({
      image_id: 'AnnualCrop_1',
      ndvi_mean: 0.188847,
      nir_mean: 1748.955,
      timestamp: NOW,
    })
    expect(events.every(event => event.vegetation_index === null && event.brightness_mean === null)).toBe(true)
  })
})
