import { expect, it } from 'vitest'
import { type DayHistory, integer, mergeClasses } from '../../functions/batch/day-history.ts'
import { decodeClasses, decodeDays, encodeClasses, encodeDays } from '../../functions/batch/history-files.ts'
import { addHistories, emptyHistory } from '../../functions/core/history.ts'
import { readParquet } from '../../functions/parquet/read.ts'
import { imageEvent } from '../support/factories.ts'
import { historyOf } from '../support/histories.ts'

const FOREST = historyOf([
  imageEvent({
    ndviMean: 250_000,
    ndviMin: 100_000,
    ndviMax: 300_000,
    red: 2_000,
    green: 3_000,
    blue: 4_000,
    nir: 5_000,
    brightness: 6_000,
  }),
  imageEvent({
    ndviMean: 750_000,
    ndviMin: 200_000,
    ndviMax: 900_000,
    red: 4_000,
    green: null,
    blue: 4_000,
    nir: 7_000,
    brightness: 8_000,
  }),
])
const NOTHING = emptyHistory()

const ROW: DayHistory = { arrivalDay: '2026-11-23', day: '2026-11-22', className: 'Forest', history: FOREST }

/** Names, values and types that are stored for people and other engines. They are a contract. */
const COLUMNS_OF_FOREST = {
  class_name: 'Forest',
  ndvi_avg: 0.5,
  ndvi_stddev: 0.35355339059327373,
  ndvi_global_min: 0.1,
  ndvi_global_max: 0.9,
  red_avg: 3,
  nir_avg: 6,
  brightness_avg: 7,
  image_count: 2n,
  late_count: 0n,
  ndvi_sum: 1_000_000n,
  ndvi_square_sum: 625_000_000_000n,
  ndvi_min: 100_000,
  ndvi_max: 900_000,
  red_count: 2n,
  red_sum: 6_000n,
  red_square_sum: 20_000_000n,
  red_ndvi_sum: 1_000_000n,
  red_ndvi_square_sum: 625_000_000_000n,
  red_ndvi_product_sum: 3_500_000_000n,
  green_count: 1n,
  green_sum: 3_000n,
  green_square_sum: 9_000_000n,
  green_ndvi_sum: 250_000n,
  green_ndvi_square_sum: 62_500_000_000n,
  green_ndvi_product_sum: 750_000_000n,
}

it('a view’s files hold the columns that people read and those that the view is made of', async () => {
  const [days] = await readParquet(encodeDays([ROW]))
  expect(days).toMatchObject({ arrival_day: '2026-11-23', event_day: '2026-11-22', ...COLUMNS_OF_FOREST })
  const [classes] = await readParquet(encodeClasses(new Map([['Forest', FOREST]])))
  expect(classes).toMatchObject(COLUMNS_OF_FOREST)
  expect(Object.keys(days ?? {})).toEqual(['arrival_day', 'event_day', ...Object.keys(classes ?? {})])
  expect(Object.keys(classes ?? {})).toHaveLength(14 + 5 * 6 + 4)
  expect(Object.keys(classes ?? {}).slice(-4)).toEqual([
    'day_sum',
    'day_square_sum',
    'day_ndvi_product_sum',
    'ndvi_histogram',
  ])
  expect(JSON.parse(classes?.ndvi_histogram as string)).toEqual([...FOREST.histogram].sort(([a], [b]) => a - b))
})

it('what was written is read back, including values that were not measured', async () => {
  const days = [ROW, { ...ROW, className: 'River', history: NOTHING }]
  expect(await decodeDays(encodeDays(days))).toEqual(days)
  const classes = new Map([
    ['River', NOTHING],
    ['Forest', FOREST],
    ['Alp', FOREST],
  ])
  const read = await decodeClasses(encodeClasses(classes))
  expect(read).toEqual(classes)
  expect([...read.keys()]).toEqual(['Alp', 'Forest', 'River'])
})

it('a histogram is written in order, for any order of its input', async () => {
  const history = {
    ...FOREST,
    histogram: new Map([
      [9, 1],
      [-3, 2],
      [10, 1],
    ]),
  }
  const [row] = await readParquet(encodeDays([{ ...ROW, history }]))
  expect(row?.ndvi_histogram).toBe('[[-3,2],[9,1],[10,1]]')
})

it('classes are added, and a class on one side only is kept', () => {
  const merged = mergeClasses(
    new Map([['Forest', FOREST]]),
    new Map([
      ['Forest', FOREST],
      ['River', NOTHING],
    ]),
  )
  expect(merged).toEqual(
    new Map([
      ['Forest', addHistories(FOREST, FOREST)],
      ['River', NOTHING],
    ]),
  )
})

it('an integer column holds an integer or null, and an error names anything else', () => {
  expect([7, 7n, null].map(value => integer({ n: value }, 'n'))).toEqual([7n, 7n, null])
  for (const value of [0.5, '7', undefined, Number.MAX_SAFE_INTEGER + 1]) {
    expect(() => integer({ n: value }, 'n')).toThrow('column n must hold an integer')
  }
})
