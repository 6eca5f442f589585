import { join } from 'node:path'
import { type DuckDBConnection, DuckDBInstance } from '@duckdb/node-api'
import { expect, it, onTestFinished } from 'vitest'
import { AGGREGATES } from '../../functions/batch/aggregates-table.ts'
import { dayOf, formatTimestamp, HOUR_MS, MINUTE_MS } from '../../functions/core/time.ts'
import { LOG_QUERIES } from '../../infra/constructs/log-queries.ts'
import { SAVED_QUERIES } from '../../infra/constructs/saved-queries.ts'
import { wireEvent } from '../support/factories.ts'
import { openOneLane } from '../support/one-lane.ts'

/** Four images, of which each delivery came twice, counted by two batch runs, as tables of DuckDB. */
async function countedImages(): Promise<{ connection: DuckDBConnection; today: string }> {
  const { pipeline, clock, append, heartbeat, speed, archive } = await openOneLane({ slotMs: HOUR_MS })
  const send = async (image_id: string, class_name: string, ndvi_mean: number, ageMs = 0) => {
    const timestamp = formatTimestamp(clock.nowMs - ageMs)
    const records = [append(JSON.stringify(wireEvent({ class_name, ndvi_mean, image_id, timestamp })))]
    await speed(records)
    for (let time = 0; time < 2; time++) await archive(records)
  }
  const countHour = async () => {
    for (let hour = 0; hour < 2; hour++) {
      clock.nowMs += HOUR_MS
      const records = [heartbeat()]
      await speed(records)
      await archive(records)
    }
    await pipeline.runBatch()
  }
  await send('a', 'Forest', 0.5)
  await send('b', 'Forest', 0.7)
  await countHour()
  await send('c', 'Forest', 0.3)
  await send('d', 'River', -0.2, 30 * MINUTE_MS)
  await countHour()
  const duckdb = await DuckDBInstance.create(':memory:')
  const connection = await duckdb.connect()
  onTestFinished(() => {
    connection.closeSync()
    duckdb.closeSync()
  })
  const objects = join(pipeline.folder, 'objects')
  await connection.run(`create view landcover_archive as select * from read_parquet('${objects}/archive/*/*.parquet',
    hive_partitioning = true, hive_types = {'arrival_slot': varchar}, union_by_name = true)`)
  const files = `${objects}/${AGGREGATES.prefix}*.parquet`
  await connection.run(`create view ${AGGREGATES.all} as select * from read_parquet('${files}')`)
  await connection.run(`create view ${AGGREGATES.newest} as ${AGGREGATES.sql}`)
  return { connection, today: `date '${dayOf(clock.nowMs)}'` }
}

const plain = (value: unknown) => (typeof value === 'bigint' ? Number(value) : value)

it('the saved queries of Athena answer their questions, and count each image once', async () => {
  const { connection, today } = await countedImages()
  const answers = new Map<string, Record<string, unknown>[]>()
  for (const { name, sql } of SAVED_QUERIES) {
    // The text runs as it is; the events are those of another day.
    await connection.run(sql)
    const rows = (await connection.runAndReadAll(sql.replaceAll('current_date', today))).getRowObjectsJS()
    answers.set(
      name,
      rows.map(row => Object.fromEntries(Object.entries(row).map(([column, value]) => [column, plain(value)]))),
    )
  }
  expect(answers.get('statistics of each class')).toMatchObject([
    { class_name: 'Forest', image_count: 3, ndvi_avg: 0.5 },
    { class_name: 'River', image_count: 1, ndvi_avg: -0.2 },
  ])
  expect(answers.get('how each class changed since it was counted last')).toMatchObject([
    { class_name: 'Forest', more_images: 1, ndvi_avg: 0.5, ndvi_change: expect.closeTo(-0.1, 9) },
    { class_name: 'River', more_images: 1, ndvi_change: null },
  ])
  expect(answers.get('NDVI of each class and day')).toMatchObject([
    { class_name: 'Forest', images: 3, ndvi_avg: expect.closeTo(0.5, 9) },
    { class_name: 'River', images: 1 },
  ])
  expect(answers.get('images with the lowest NDVI')?.map(({ image_id }) => image_id)).toEqual(['d', 'c', 'a', 'b'])
  const late = answers.get('late images')
  expect(late?.map(row => [row.class_name, row.images, Number(row.late_images)])).toEqual([
    ['Forest', 3, 0],
    ['River', 1, 1],
  ])
  expect(Number(late?.[1]?.longest_seconds)).toBe(1_800)
})

it('there are five saved queries for data and five for logs, with different names', () => {
  for (const queries of [SAVED_QUERIES, LOG_QUERIES]) {
    expect(queries).toHaveLength(5)
    expect(new Set(queries.map(({ name }) => name)).size).toBe(queries.length)
  }
})
