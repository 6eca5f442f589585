import { join } from 'node:path'
import { DuckDBInstance } from '@duckdb/node-api'
import fc from 'fast-check'
import { afterAll, expect, it } from 'vitest'
import { openDuckDbBatchQuery } from '../../functions/adapters/sql/duckdb-batch-query.ts'
import { ARCHIVE_TABLE_COLUMNS } from '../../functions/archive/table.ts'
import { AGGREGATES } from '../../functions/batch/aggregates-table.ts'
import { DAYS } from '../../functions/batch/days-table.ts'
import { runBackfill, runBatch } from '../../functions/batch/run.ts'
import { viewReader } from '../../functions/batch/view-reader.ts'
import { byName } from '../../functions/core/text-order.ts'
import { DAY_MS, dayOf, formatTimestamp, HOUR_MS } from '../../functions/core/time.ts'
import { addTotals, emptyTotals, statisticsOf } from '../../functions/core/totals.ts'
import type { ObjectStore } from '../../functions/ports/object-store.ts'
import { batchClassStats } from '../../functions/serving/batch-answers.ts'
import type { ClassStatsRow } from '../../functions/serving/schemas.ts'
import { wireEvent } from '../support/factories.ts'
import { openOneLane } from '../support/one-lane.ts'
import { BATCH_SQL } from '../support/pipeline.ts'

const duckdb = await DuckDBInstance.create(':memory:')
afterAll(() => duckdb.closeSync())

/** Rows of `landcover_aggregates` as DuckDB reads them from the files; undefined before the first file. */
async function tableRows(folder: string): Promise<ClassStatsRow[] | undefined> {
  const connection = await duckdb.connect()
  try {
    const files = join(folder, 'objects', 'landcover_aggregates', '*.parquet')
    await connection.run(`create temp view ${AGGREGATES.all} as select * from read_parquet('${files}')`)
    const rows = (await connection.runAndReadAll(`${AGGREGATES.sql} order by class_name`)).getRowObjectsJS()
    return rows.map(row => ({
      class_name: row.class_name as string,
      count: Number(row.image_count),
      ndvi_avg: row.ndvi_avg as number | null,
      ndvi_stddev: row.ndvi_stddev as number | null,
      ndvi_min: row.ndvi_global_min as number | null,
      ndvi_max: row.ndvi_global_max as number | null,
      red_avg: row.red_avg as number | null,
      nir_avg: row.nir_avg as number | null,
      brightness_avg: row.brightness_avg as number | null,
    }))
  } catch (error) {
    if (String(error).includes('No files found')) return undefined
    throw error
  } finally {
    connection.closeSync()
  }
}

/** Rows of `landcover_days` as DuckDB reads them from the files: day, class, images, mean and deviation of NDVI. */
async function dayRows(folder: string): Promise<unknown[]> {
  const connection = await duckdb.connect()
  try {
    const files = join(folder, 'objects', DAYS.prefix, '*.parquet')
    await connection.run(`create temp view ${DAYS.all} as select * from read_parquet('${files}')`)
    const rows = (await connection.runAndReadAll(`${DAYS.sql} order by event_day, class_name`)).getRowObjectsJS()
    return rows.map(row => [row.event_day, row.class_name, Number(row.image_count), row.ndvi_avg, row.ndvi_stddev])
  } catch (error) {
    if (String(error).includes('No files found')) return []
    throw error
  } finally {
    connection.closeSync()
  }
}

/** Expected days: the rows of all parts of the current view, added up by day and class. */
async function daysOfView(views: ReturnType<typeof viewReader>): Promise<unknown[]> {
  const view = await views.current()
  const rows = view ? await views.days(view, '0000-01-01', '9999-12-31') : []
  const alike = Map.groupBy(rows, ({ day, className }) => `${day} ${className}`)
  return [...alike].sort(byName).map(([, same]) => {
    const totals = same.map(({ history }) => history.totals).reduce(addTotals, emptyTotals())
    const { ndviMean, ndviStddev } = statisticsOf(totals)
    return [same[0]?.day, same[0]?.className, totals.count, ndviMean, ndviStddev]
  })
}

/** Revision, cut and time of publication that the rows of a table name, oldest first. */
async function revisions(folder: string, prefix: string): Promise<unknown[]> {
  const connection = await duckdb.connect()
  try {
    const files = join(folder, 'objects', prefix, '*.parquet')
    const columns = 'revision, epoch_ms(cut) as cut, epoch_ms(published_at) as published_at'
    const rows = await connection.runAndReadAll(
      `select distinct ${columns} from read_parquet('${files}') order by revision`,
    )
    return rows.getRowObjectsJS().map(row => [row.revision, row.cut, row.published_at].map(Number))
  } finally {
    connection.closeSync()
  }
}

class Crash extends Error {}

/** Object store of a process that is killed after some writes. */
function crashingAfter(objects: ObjectStore, writes: number): ObjectStore {
  let left = writes
  const counted = <Args extends unknown[], Answer>(write: (...args: Args) => Promise<Answer>) => {
    return async (...args: Args): Promise<Answer> => {
      if (left-- <= 0) throw new Crash('killed')
      return write(...args)
    }
  }
  return {
    ...objects,
    get: key => objects.get(key),
    list: (prefix, after) => objects.list(prefix, after),
    put: counted((key: string, bytes: Uint8Array) => objects.put(key, bytes)),
    putIfAbsent: counted((key: string, bytes: Uint8Array) => objects.putIfAbsent(key, bytes)),
    delete: counted((key: string) => objects.delete(key)),
  }
}

type Step =
  | { kind: 'images'; classes: string[]; ndvi: number[] }
  | { kind: 'run' }
  | { kind: 'crash'; writes: number }
  | { kind: 'race' }
  | { kind: 'backfill' }

const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constant('images' as const),
      classes: fc.array(fc.constantFrom('Forest', 'River', 'Highway'), { minLength: 1, maxLength: 4 }),
      ndvi: fc.array(fc.double({ min: -1, max: 1, noNaN: true }), { minLength: 4, maxLength: 4 }),
    }),
  },
  { weight: 2, arbitrary: fc.constant({ kind: 'run' as const }) },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('crash' as const), writes: fc.nat(6) }) },
  { weight: 1, arbitrary: fc.constant({ kind: 'race' as const }) },
  { weight: 1, arbitrary: fc.constant({ kind: 'backfill' as const }) },
)

async function play(steps: readonly Step[]): Promise<void> {
  const opened = await openOneLane({ slotMs: HOUR_MS })
  const { pipeline, clock, append, heartbeat, speed, archive } = opened
  const query = await openDuckDbBatchQuery(join(pipeline.folder, 'objects', 'archive'), ARCHIVE_TABLE_COLUMNS)
  const layer = (objects: ObjectStore) => ({
    ...{ objects, query, store: pipeline.store, lanes: pipeline.serving.lanes },
    ...{ slotMs: HOUR_MS, sql: BATCH_SQL, now: () => clock.nowMs },
  })
  const deliver = async (records: Parameters<typeof speed>[0]) => {
    await speed(records)
    await archive(records)
  }
  const nextSlot = async () => {
    clock.nowMs += HOUR_MS
    await deliver([heartbeat()])
  }
  const startMs = clock.nowMs
  const isEqual = async () => {
    const views = viewReader(pipeline.objects)
    const rows = await batchClassStats({ views })
    expect((await tableRows(pipeline.folder)) ?? []).toEqual(rows)
    expect(await dayRows(pipeline.folder)).toEqual(await daysOfView(views))
  }
  let image = 0
  try {
    for (const each of steps) {
      if (each.kind === 'images') {
        const events = each.classes.map((class_name, at) =>
          wireEvent({
            class_name,
            image_id: `image-${image++}`,
            ndvi_mean: each.ndvi[at] as number,
            // Some images are of the days before, also of the month before.
            timestamp: formatTimestamp(clock.nowMs - (image % 5) * 9 * DAY_MS),
          }),
        )
        await deliver([append(events.map(event => JSON.stringify(event)).join('\n'))])
        continue
      }
      await nextSlot()
      if (each.kind === 'crash') {
        const killed = runBatch(layer(crashingAfter(pipeline.objects, each.writes)))
        await killed.catch(error => expect(error).toBeInstanceOf(Crash))
        // Between a crash and the next run the table may be the view before; it is always that of a published view.
        await runBatch(layer(pipeline.objects))
      } else if (each.kind === 'race') {
        await Promise.all([runBatch(layer(pipeline.objects)), runBatch(layer(pipeline.objects))])
      } else if (each.kind === 'backfill') {
        await runBackfill(layer(pipeline.objects), dayOf(startMs), dayOf(clock.nowMs))
      } else {
        await runBatch(layer(pipeline.objects))
      }
      await isEqual()
    }
  } finally {
    await query.close()
  }
}

it('the tables landcover_aggregates and landcover_days equal the batch view after every run, crash, race and backfill', async () => {
  const histories = fc.array(step, { minLength: 3, maxLength: 14 })
  await fc.assert(fc.asyncProperty(histories, play), { numRuns: 25, endOnFailure: false })
})

it('a crash between a view and its file is repaired by the next run, also if that run has nothing to count', async () => {
  await play([
    { kind: 'images', classes: ['Forest'], ndvi: [0.5, 0, 0, 0] },
    ...Array.from({ length: 7 }, (_, writes): Step[] => [
      { kind: 'images', classes: ['River'], ndvi: [0.1, 0, 0, 0] },
      { kind: 'crash', writes },
    ]).flat(),
  ])
})

it('each revision has a file that names it and never changes, for as long as its view is kept', async () => {
  const { pipeline, clock, append, heartbeat, speed, archive } = await openOneLane({ slotMs: HOUR_MS })
  const seen: Uint8Array[] = []
  const views: number[][] = []
  for (let revision = 1; revision <= 3; revision++) {
    const event = wireEvent({ image_id: `image-${revision}`, timestamp: formatTimestamp(clock.nowMs) })
    for (const records of [[append(JSON.stringify(event))], [heartbeat()]]) {
      await speed(records)
      await archive(records)
      clock.nowMs += HOUR_MS
    }
    const beat = [heartbeat()]
    await speed(beat)
    await archive(beat)
    const { view } = await pipeline.runBatch()
    expect(view?.revision).toBe(revision)
    if (view) views.push([revision, view.cut, Date.parse(view.publishedAt)])
    seen.push((await pipeline.objects.get(AGGREGATES.keyOf(revision))) as Uint8Array)
  }
  for (const [at, bytes] of seen.entries()) expect(await pipeline.objects.get(AGGREGATES.keyOf(at + 1))).toEqual(bytes)
  for (const { prefix } of [AGGREGATES, DAYS]) expect(await revisions(pipeline.folder, prefix)).toEqual(views)
  await pipeline.objects.delete('views/000000000001.json')
  await pipeline.runBatch()
  expect(await pipeline.objects.get(AGGREGATES.keyOf(1))).toBeUndefined()
  expect(await pipeline.objects.get(AGGREGATES.keyOf(2))).toEqual(seen[1])
  expect(await pipeline.objects.get(DAYS.keyOf(1))).toBeUndefined()
  expect(await pipeline.objects.get(DAYS.keyOf(2))).toBeDefined()
})
