import { cpSync } from 'node:fs'
import { join } from 'node:path'
import { DuckDBInstance } from '@duckdb/node-api'
import { parse } from 'csv-parse/sync'
import { describe, expect, it } from 'vitest'
import { importEvents } from '../../functions/archive/imports.ts'
import { ARCHIVE_COLUMNS } from '../../functions/archive/parquet.ts'
import { decodeEvent, type WireEvent } from '../../functions/core/event.ts'
import { encodeRecord } from '../../functions/core/record.ts'
import { HOUR_MS, MINUTE_MS } from '../../functions/core/time.ts'
import { batchClassStats, batchStatistics } from '../../functions/serving/batch-answers.ts'
import { someEvents } from '../support/events-csv.ts'
import { NOON_MS, wireEvent } from '../support/factories.ts'
import { openOneLane } from '../support/one-lane.ts'
import { runPython, withoutPandas } from '../support/python.ts'
import { PAGE, snippet } from '../support/snippet.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'

/** Folder of a laptop's archive, relative to the folder in which the snippets run. */
const ARCHIVE = '.landcover/state/objects/archive'

interface ClassRow {
  class_name: string
  images: number
  ndvi_avg: number
  ndvi_stddev: number
  ndvi_nir_correlation: number
}

describe('docs/query-the-archive.md', () => {
  it('names every column of the archive', () => {
    const table = PAGE.split('\n').filter(line => line.startsWith('| `'))
    const named = table.flatMap(line =>
      Array.from((line.split('|')[1] as string).matchAll(/`(\w+)`/g), match => match[1]),
    )
    expect(named.toSorted()).toEqual([...ARCHIVE_COLUMNS.map(({ name }) => name), 'arrival_slot'].sort())
  })

  it('has a snippet for DuckDB with the result of the batch view', async () => {
    const { folder, ofView } = await archiveWithCopies()
    expectSame(await askDuckDb(folder, snippet('DuckDB')), ofView)
  })

  it('has a snippet for pandas with the result of the batch view', async ({ skip }) => {
    const reason = withoutPandas()
    if (reason) skip(reason)
    const { folder, ofView } = await archiveWithCopies()
    const csv = await runPython(['-c', snippet('pandas')], folder)
    const rows: Record<string, string>[] = parse(csv, { columns: true, skip_empty_lines: true })
    const numbers = ({ class_name, ...others }: Record<string, string>) =>
      Object.fromEntries(Object.entries(others).map(([name, text]) => [name, Number(text)]))
    expectSame(
      rows.map(row => ({ class_name: row.class_name, ...numbers(row) }) as ClassRow),
      ofView,
    )
  })

  it('has a snippet for Athena with the result of the batch view, for events from the log since November', async () => {
    const { folder, ofView } = await archiveWithCopies({ imported: 0 })
    const table = `create view landcover_archive as
      select * from read_parquet('${ARCHIVE}/*/*.parquet', hive_partitioning = true, hive_types = {'arrival_slot': varchar})`
    const expected = ofView.map(row => ({ month: '2026-11', ...row }))
    expectSame(await askDuckDb(folder, snippet('Athena, Trino'), table), expected)
    const withImports = await archiveWithCopies()
    expectSame(await askDuckDb(withImports.folder, snippet('Athena, Trino'), table), expected)
  })
})

/** @param before statement that creates what the snippet expects to find */
async function askDuckDb(folder: string, sql: string, before = 'select 1'): Promise<ClassRow[]> {
  const instance = await DuckDBInstance.create(':memory:', { threads: '1' })
  const connection = await instance.connect()
  try {
    await connection.run(`set file_search_path = '${folder}'`)
    await connection.run(before)
    const rows = (await connection.runAndReadAll(sql)).getRowObjects()
    return rows.map(row => ({ ...row, images: Number(row.images) }) as unknown as ClassRow)
  } finally {
    connection.closeSync()
    instance.closeSync()
  }
}

function expectSame(rows: readonly ClassRow[], expected: readonly ClassRow[]): void {
  const near = (value: number) => expect.closeTo(value, 9) as number
  expect(rows).toEqual(
    expected.map(({ ndvi_avg, ndvi_stddev, ndvi_nir_correlation, ...exact }) => ({
      ...exact,
      ndvi_avg: near(ndvi_avg),
      ndvi_stddev: near(ndvi_stddev),
      ndvi_nir_correlation: near(ndvi_nir_correlation),
    })),
  )
}

/**
 * Archive of a laptop with everything that could mislead an analyst, and the result of the batch view for it.
 *
 * @param imported number of images that were imported, not sent through the log
 */
async function archiveWithCopies({ imported = 40 } = {}): Promise<{ folder: string; ofView: ClassRow[] }> {
  const { pipeline, clock, append, heartbeat, speed, archive } = await openOneLane({ slotMs: HOUR_MS })
  const events = someEvents(imported).map(event => decodeEvent({ ...event, class_name: 'River' }, NOON_MS))
  await importEvents(pipeline.objects, HOUR_MS, 'some', [events], NOON_MS)

  const images = (counter: number, count: number): WireEvent[] =>
    Array.from({ length: count }, (_, index) =>
      wireEvent({
        image_id: `${counter}-${index}`,
        class_name: (counter + index) % 2 === 0 ? 'Forest' : 'SeaLake',
        ndvi_mean: (((counter + 1) * 17 + index * 29) % 100) / 100,
        nir_mean: 3000 + ((counter * 31 + index * 7) % 100),
      }),
    )
  const send = (producer: string, counter: number, lines = images(counter, 5)) => {
    clock.nowMs += MINUTE_MS
    return append(encodeRecord({ producer, counter }, lines))
  }
  // Its events do not count, and neither does any copy of it, whatever the copy contains.
  const empty = () => send('b', 1, [wireEvent({ class_name: 'Desert' })])
  const records = [
    ...[1, 2, 3].map(counter => send('a', counter)),
    empty(),
    send('b', 1),
    append(
      images(7, 3)
        .map(image => JSON.stringify(image))
        .join('\n'),
    ),
    send('a', 3),
    send('a', 2),
    ...Array.from({ length: 40 }, (_, index) => send('a', 4 + index)),
    send('a', 43),
    send('c', 9),
    // The counter is below an earlier one, so the record counts as a copy although it is new.
    send('c', 8),
  ]
  clock.nowMs += 3 * HOUR_MS
  records.push(heartbeat())
  await speed(records)
  await archive(records)
  await archive(records.slice(2, 30))
  await archive(records.slice(20, 45))
  const { view } = await pipeline.runBatch()
  expect(view?.audit.overlapping).toBeGreaterThan(0)
  expect(view?.audit.copies).toBeGreaterThan(0)

  const folder = temporaryFolder()
  cpSync(join(pipeline.folder, 'objects', 'archive'), join(folder, ARCHIVE), { recursive: true })
  const statistics = await batchStatistics(pipeline.serving)
  const ofView = (await batchClassStats(pipeline.serving)).map(
    ({ class_name, count, ndvi_avg, ndvi_stddev }, index) =>
      ({
        class_name,
        images: count,
        ndvi_avg,
        ndvi_stddev,
        ndvi_nir_correlation: statistics[index]?.ndvi_nir_correlation,
      }) as ClassRow,
  )
  return { folder, ofView }
}
