import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, it } from 'vitest'
import { HOUR_MS } from '../../functions/core/time.ts'
import { importSource } from '../../functions/files/bulk-import.ts'
import { parseClassList } from '../../functions/files/classes-csv.ts'
import { findSources, type Source } from '../../functions/files/sources.ts'
import { batchClassStats } from '../../functions/serving/batch-answers.ts'
import type { ClassStatsRow } from '../../functions/serving/schemas.ts'
import { eventually, publishedBy, runProduce, startSystem, totalCount } from '../support/landcover.ts'
import { openOneLane } from '../support/one-lane.ts'
import { REAL_TILES } from '../support/real-tiles.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'

const CLASS_LIST = fileURLToPath(new URL('../../data/classes.csv', import.meta.url))

const ABSENT =
  !existsSync(REAL_TILES) && 'the real tiles are not there: set LANDCOVER_DATA to the folder of eurosat-200-stats.csv'

it('200 real tiles: each class has 20 images, and the mean and standard deviation of the CSV', async ({ skip }) => {
  if (ABSENT) skip(ABSENT)
  const state = join(temporaryFolder(), 'state')
  const system = await startSystem(state)
  const produced = await runProduce(['--data', REAL_TILES, '--now', '--state', state, '--delay', '0']).finished
  expect(produced.stderr).toMatch(/^eurosat-200-stats\.csv: not used: columns "epsg", .*"nan_px"\n$/)
  expect(publishedBy(produced)).toBe(200)
  expectAsInCsv(await eventually(system.classStats, answer => totalCount(answer) === 200))
  expect((await system.health()).quarantine.count).toBe(0)
})

it('200 imported real tiles: the batch view gives the same statistics', async ({ skip }) => {
  if (ABSENT) skip(ABSENT)
  const classes = parseClassList(readFileSync(CLASS_LIST, 'utf8'))
  const { pipeline, clock } = await openOneLane({ slotMs: HOUR_MS, classes })
  const bulk = { objects: pipeline.objects, slotMs: HOUR_MS, classes, now: () => clock.nowMs }
  const [source] = (await findSources(REAL_TILES)).sources
  const onRejected = (...why: unknown[]) => expect(why).toEqual([])
  expect(await importSource({ ...bulk, onRejected, timeIsNow: true }, source as Source)).toMatchObject({
    events: 200,
  })
  expect(await pipeline.runBatch()).toMatchObject({ published: true })
  expectAsInCsv(await batchClassStats(pipeline.serving))
})

function expectAsInCsv(rows: readonly ClassStatsRow[]): void {
  const expected = straightFromCsv()
  expect(expected.size).toBe(10)
  expect(rows.map(({ class_name }) => class_name)).toEqual([...expected.keys()].sort())
  for (const row of rows) {
    const { ndvi, lowest, highest, red, nir } = expected.get(row.class_name) as Tiles
    expect(row.count).toBe(20)
    expect(ndvi).toHaveLength(20)
    expect(row.ndvi_avg).toBeCloseTo(meanOf(ndvi), 6)
    expect(row.ndvi_stddev).toBeCloseTo(sampleSdOf(ndvi), 6)
    expect(row.ndvi_min).toBeCloseTo(Math.min(...lowest), 6)
    expect(row.ndvi_max).toBeCloseTo(Math.max(...highest), 6)
    expect(row.red_avg).toBeCloseTo(meanOf(red), 6)
    expect(row.nir_avg).toBeCloseTo(meanOf(nir), 6)
  }
}

interface Tiles {
  ndvi: number[]
  lowest: number[]
  highest: number[]
  red: number[]
  nir: number[]
}

/** Rows of a CSV file without quotes. */
function straightFromCsv(): Map<string, Tiles> {
  const [header = [], ...rows] = readFileSync(REAL_TILES, 'utf8')
    .trim()
    .split('\n')
    .map(line => line.trimEnd().split(','))
  const byClass = Map.groupBy(rows, row => row[header.indexOf('class_name')] as string)
  return new Map(
    Array.from(byClass, ([name, tiles]) => {
      const column = (of: string) => tiles.map(row => Number(row[header.indexOf(of)]))
      return [
        name,
        {
          ndvi: column('ndvi_mean'),
          lowest: column('ndvi_min'),
          highest: column('ndvi_max'),
          red: column('red_mean'),
          nir: column('nir_mean'),
        },
      ]
    }),
  )
}

function meanOf(values: number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length
}

function sampleSdOf(values: number[]): number {
  const mean = meanOf(values)
  return Math.sqrt(values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / (values.length - 1))
}
