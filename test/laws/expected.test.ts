import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parse } from 'csv-parse/sync'
import { expect, it, onTestFinished } from 'vitest'
import { writeDataset } from '../../data/generate.ts'
import { generateImages } from '../../data/generator.ts'
import { openDuckDbBatchQuery } from '../../functions/adapters/sql/duckdb-batch-query.ts'
import { ARCHIVE_TABLE_COLUMNS } from '../../functions/archive/table.ts'
import { type DayHistory, dayHistoryOfAnswer, mergeDays } from '../../functions/batch/day-history.ts'
import { renderSql } from '../../functions/batch/sql.ts'
import { BANDS, type WireEvent } from '../../functions/core/event.ts'
import { lookBackMs } from '../../functions/core/slot.ts'
import { DAY_MS, MINUTE_MS } from '../../functions/core/time.ts'
import { importSource } from '../../functions/files/bulk-import.ts'
import { parseClassList } from '../../functions/files/classes-csv.ts'
import { findSources } from '../../functions/files/sources.ts'
import { batchClassStats, batchSeparability, batchStatistics } from '../../functions/serving/batch-answers.ts'
import { openOneLane } from '../support/one-lane.ts'
import { BATCH_SQL } from '../support/pipeline.ts'
import { runPython, withoutPandas } from '../support/python.ts'
import { readPath } from '../support/read-files.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'

const DATA = fileURLToPath(new URL('../../data', import.meta.url))
const EXPECTED = join(DATA, 'expected')
const CLASSES = parseClassList(readFileSync(join(DATA, 'classes.csv'), 'utf8'))

/** Output of `npm run generate` without options. */
const generated = () => generateImages({ seed: 1, untilMs: Date.UTC(2026, 10, 1) })

it('the sample: the SQL statements and the batch view give the results of pandas', async () => {
  const arrivals = await arrivalsOfSample()
  const { pipeline, clock, append, heartbeat, speed, archive } = await openOneLane({ slotMs: DAY_MS, classes: CLASSES })
  for (const ofDay of Map.groupBy(arrivals, ({ arrivalMs }) => Math.floor(arrivalMs / DAY_MS)).values()) {
    const records = ofDay.map(({ event, arrivalMs }) => {
      clock.nowMs = arrivalMs
      return append(JSON.stringify(event))
    })
    await speed(records)
    await archive(records)
    // A second write, as by another process that does not know of the first.
    await archive(records.slice(0, Math.floor(records.length / 2)))
  }
  clock.nowMs += 3 * DAY_MS
  const beat = [heartbeat()]
  await speed(beat)
  await archive(beat)

  const query = await openDuckDbBatchQuery(join(pipeline.folder, 'objects', 'archive'), ARCHIVE_TABLE_COLUMNS)
  onTestFinished(() => query.close())
  const ask = async (sql: string) => {
    const [from, until] = ['2026-10-02T00-00', '2026-11-02T00-00']
    const values = {
      from,
      until,
      lane: '',
      look_back: from,
      next_slot: until,
      leapt_slots: '',
      import_slot: from,
      replacing: [],
      slot_ms: DAY_MS,
      look_back_ms: lookBackMs(DAY_MS),
    }
    return (await query.query(renderSql(sql, values), { first: from, last: until })).rows
  }
  expectRows((await ask(BATCH_SQL.content)).sort(bySlot), 'content')
  expectRows(mergeDays((await ask(BATCH_SQL.totals)).map(dayHistoryOfAnswer)).map(totalsRow), 'totals')

  expect(await pipeline.runBatch()).toMatchObject({ published: true, behind: [] })
  const { views } = pipeline.serving
  const view = await views.current()
  const overlapping = readRows('content').reduce((sum, row) => sum + Number(row.row_count) - Number(row.event_count), 0)
  expect(view?.audit).toMatchObject({ images: arrivals.length, overlapping, copies: 0, missed: 0 })
  expectRows(view ? mergeDays(await views.days(view, '', '9')).map(totalsRow) : [], 'totals')
})

it('the 27,000 generated images: statistics and separability equal those of pandas', async () => {
  const { pipeline, clock } = await openOneLane({ slotMs: DAY_MS, classes: CLASSES })
  const folder = temporaryFolder()
  await writeDataset(folder, generated())
  const bulk = { objects: pipeline.objects, slotMs: DAY_MS, classes: CLASSES, now: () => clock.nowMs }
  for (const source of (await findSources(folder)).sources) {
    const { events } = await importSource({ ...bulk, onRejected: (...why) => expect(why).toEqual([]) }, source)
    expect(events).toBe(27_000)
  }
  await pipeline.runBatch()

  const { views } = pipeline.serving
  const view = await views.current()
  const classes = view && (await views.classes(view))
  const statistics = await batchStatistics(pipeline.serving)
  const classStats = await batchClassStats(pipeline.serving)
  const rows = statistics.map((row, index) => ({
    ...row,
    ...classStats[index],
    image_count: row.count,
    ndvi_sum: classes?.get(row.class_name)?.totals.ndviSum,
  }))
  expectRows(rows, 'statistics')
  expectRows(await batchSeparability(pipeline.serving), 'separability')
})

it('the expected results equal the output of data/expected/make.py for the CSV files', async ({ skip }) => {
  const reason = withoutPandas()
  if (reason) skip(reason)
  const [from, to] = [temporaryFolder(), temporaryFolder()]
  await writeDataset(from, generated())
  await runPython([join(EXPECTED, 'make.py'), from, to])
  for (const name of ['content', 'totals', 'statistics', 'separability']) {
    const made = readRows(name, to).map(row =>
      Object.fromEntries(Object.entries(row).map(([column, text]) => [column, isFraction(text) ? Number(text) : text])),
    )
    expectRows(made, name)
  }
})

/** Sample in the order of its arrival, which data/expected/README.md defines. */
async function arrivalsOfSample(): Promise<{ event: WireEvent; arrivalMs: number }[]> {
  const arrivals: { event: WireEvent; arrivalMs: number }[] = []
  for await (const read of readPath(join(DATA, 'sample'), { now: Date.now })) {
    if (!('event' in read)) throw new Error('a row of the sample is not an event')
    const delayMs = (arrivals.length % 7 === 0 ? 180 : 1) * MINUTE_MS
    const event = read.event()
    arrivals.push({ event, arrivalMs: Date.parse(event.timestamp) + delayMs })
  }
  return arrivals.sort((a, b) => a.arrivalMs - b.arrivalMs)
}

/** Row of totals.csv. */
function totalsRow({ arrivalDay, day, className, history }: DayHistory): Record<string, unknown> {
  const { totals, moments, histogram } = history
  const row: Record<string, unknown> = {
    arrival_day: arrivalDay,
    event_day: day,
    class_name: className,
    image_count: totals.count,
    late_count: totals.lateCount,
    ndvi_sum: totals.ndviSum,
    ndvi_square_sum: totals.ndviSquareSum,
    ndvi_min: totals.ndviMin,
    ndvi_max: totals.ndviMax,
    ndvi_bins: [...histogram]
      .sort(([a], [b]) => a - b)
      .map(pair => pair.join(':'))
      .join(' '),
  }
  for (const band of BANDS) {
    row[`${band}_count`] = totals.bands[band].count
    row[`${band}_sum`] = totals.bands[band].sum
    row[`${band}_square_sum`] = moments[band].squareSum
    row[`${band}_ndvi_sum`] = moments[band].ndviSum
    row[`${band}_ndvi_square_sum`] = moments[band].ndviSquareSum
    row[`${band}_ndvi_product_sum`] = moments[band].productSum
  }
  return row
}

function readRows(name: string, folder = EXPECTED): Record<string, string>[] {
  return parse(readFileSync(join(folder, `${name}.csv`)), { columns: true })
}

/** Compares all columns with a file of data/expected: fractions with a relative error of 1e-9, all else exactly. */
function expectRows(rows: readonly object[], name: string): void {
  const expected = readRows(name)
  expect(rows).toHaveLength(expected.length)
  for (const [index, wanted] of expected.entries()) {
    const row = rows[index] as Record<string, unknown>
    for (const [column, text] of Object.entries(wanted)) {
      const place = `${name}.csv, row ${index + 1}, ${column}`
      if (!isFraction(text)) expect(String(row[column]), place).toBe(text)
      else
        expect(Math.abs(Number(row[column]) - Number(text)), place).toBeLessThanOrEqual(1e-9 * Math.abs(Number(text)))
    }
  }
}

/** True for fractions: pandas writes them with a point or an exponent. */
function isFraction(text: string): boolean {
  return /^-?\d+(\.\d+)?(e-?\d+)?$/.test(text) && /[.e]/.test(text)
}

function bySlot(a: Record<string, unknown>, b: Record<string, unknown>): number {
  return String(a.arrival_slot) < String(b.arrival_slot) ? -1 : 1
}
