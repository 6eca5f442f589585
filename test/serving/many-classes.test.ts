import { setImmediate } from 'node:timers/promises'
import type { APIGatewayProxyEvent } from 'aws-lambda'
import { describe, expect, it } from 'vitest'
import { importEvents } from '../../functions/archive/imports.ts'
import { decodeDays, encodeDays } from '../../functions/batch/history-files.ts'
import type { View } from '../../functions/batch/view.ts'
import { viewReader } from '../../functions/batch/view-reader.ts'
import { type Cursor, newCursor } from '../../functions/core/cursor.ts'
import { decodeEvent } from '../../functions/core/event.ts'
import { emptyHistory } from '../../functions/core/history.ts'
import { toPosition } from '../../functions/core/lane.ts'
import { slotOf } from '../../functions/core/slot.ts'
import { HOUR_MS } from '../../functions/core/time.ts'
import { emptyTotals } from '../../functions/core/totals.ts'
import { WINDOW_MS, windowOf } from '../../functions/core/window.ts'
import { anomalies } from '../../functions/serving/anomalies.ts'
import { batchDays } from '../../functions/serving/batch-answers.ts'
import { ENDPOINTS } from '../../functions/serving/endpoints.ts'
import { servingHandler } from '../../functions/serving/handler.ts'
import { MOST_ROWS } from '../../functions/serving/most-rows.ts'
import type { WindowRow } from '../../functions/serving/schemas.ts'
import { collectingLogger, NOON_MS, wireEvent } from '../support/factories.ts'
import { openOneLane } from '../support/one-lane.ts'

const NAMES = Array.from({ length: 3_000 }, (_, index) => `A land-cover class with a name ${index}`)
const CLASSES = new Map(NAMES.map(name => [name, 0]))
/** Size of the largest answer that Lambda returns, bytes. */
const MOST_BYTES = 6 * 1024 * 1024

/** An API with 3,000 classes in a batch view, and in the windows of the last hours. */
async function openApi() {
  const { pipeline, clock, lane } = await openOneLane({ slotMs: HOUR_MS, classes: CLASSES })
  const events = NAMES.map(class_name => decodeEvent(wireEvent({ class_name }), NOON_MS))
  await importEvents(pipeline.objects, HOUR_MS, 'some', [events], NOON_MS)
  await pipeline.runBatch()
  clock.nowMs = NOON_MS + 4 * HOUR_MS
  const cursor: Cursor = { ...newCursor(lane), lastPosition: toPosition(1), lastArrivalMs: clock.nowMs }
  await pipeline.store.createCursor(cursor)
  const totals = new Map(NAMES.map(name => [name, { ...emptyTotals(), count: 1, ndviSum: 500_000n }]))
  for (let ms = NOON_MS; ms < clock.nowMs; ms += WINDOW_MS) {
    const key = { lane, slot: slotOf(clock.nowMs, HOUR_MS), windowStart: windowOf(ms) }
    await pipeline.store.writeRow({ ...key, lastPosition: toPosition(1), totals }, null)
  }
  const handler = servingHandler({ ...pipeline.serving, logger: collectingLogger() })
  return (path: string, queryStringParameters: Record<string, string>) =>
    handler({ httpMethod: 'GET', path, headers: {}, queryStringParameters } as unknown as APIGatewayProxyEvent)
}

describe('with 3,000 classes', () => {
  it('every endpoint answers within the limits, or says how to ask for less', async () => {
    const get = await openApi()
    for (const path of ENDPOINTS.map(endpoint => endpoint.path).filter(path => !path.includes('{'))) {
      const query: Record<string, string> = path === '/api/batch/days' ? { from: '2025-11-22', to: '2026-11-22' } : {}
      const { statusCode, body } = await get(path, query)
      const isBounded = ['/api/windows', '/api/batch/separability'].includes(path)
      expect([path, statusCode]).toEqual([path, isBounded ? 400 : 200])
      expect(Buffer.byteLength(JSON.stringify(body)), path).toBeLessThan(MOST_BYTES)
      if (!isBounded) continue
      expect(JSON.parse(body).detail).toMatch(/^class: .*name one/)
      const { statusCode: one } = await get(path, { class: NAMES[7] as string })
      expect([path, one]).toEqual([path, 200])
    }
  })

  it('the answer has fewer windows of each class: the newest ones', async () => {
    const get = await openApi()
    const rows = JSON.parse((await get('/api/realtime/ndvi', {})).body) as WindowRow[]
    expect(rows).toHaveLength(12_000)
    const starts = rows.filter(({ class_name }) => class_name === NAMES[0]).map(row => row.window_start.slice(11, 16))
    expect(starts).toEqual(['15:50', '15:40', '15:30', '15:20'])
  })
})

it('days of too many classes are refused before rows are made of them', async () => {
  const day = (number: number) => new Date(NOON_MS - number * 86_400_000).toISOString().slice(0, 10)
  const rows = Array.from({ length: MOST_ROWS + 1 }, (_, index) => ({
    className: NAMES[index % NAMES.length] as string,
    day: day(Math.floor(index / NAMES.length)),
    history: emptyHistory(),
  }))
  const batch = (days: typeof rows) => ({
    views: {
      read: (ask: (view: View) => unknown) => ask({} as View),
      days: async (_: unknown, __: string, ___: string, { only }: { only?: string }) =>
        days.filter(({ className }) => only === undefined || className === only),
    },
    classes: async () => CLASSES,
  })
  const answer = (days: typeof rows, only?: string) =>
    batchDays(batch(days) as unknown as Parameters<typeof batchDays>[0], { from: day(30), to: day(0), class: only })
  await expect(answer(rows)).rejects.toThrow('class: the answer would have more than 50000 rows')
  expect((await answer(rows.slice(1))).rows).toHaveLength(MOST_ROWS)
  expect((await answer(rows, NAMES[3])).rows).toHaveLength(17)
})

/** Counts how often other work of the process gets a turn. */
async function turnsDuring(work: () => Promise<unknown>): Promise<number> {
  let turns = 0
  let isDone = false
  const others = (async () => {
    while (!isDone) {
      await setImmediate()
      turns += 1
    }
  })()
  await work()
  isDone = true
  await others
  return turns
}

describe('while the days of 3,000 classes are read', () => {
  const DAYS = ['2026-01-05', '2026-01-06']
  const rows = DAYS.flatMap(day =>
    NAMES.map(className => ({ arrivalDay: day, day, className, history: emptyHistory() })),
  )

  it('other work runs in between: after each column of a file, some hundred rows, and each day of an answer', async () => {
    const bytes = encodeDays(rows)
    expect(await turnsDuring(() => decodeDays(bytes))).toBeGreaterThan(50)
    const views = { read: (ask: (view: View) => unknown) => ask({} as View), days: async () => rows }
    const batch = { views, classes: async () => CLASSES } as unknown as Parameters<typeof batchDays>[0]
    const [from, to] = DAYS as [string, string]
    expect(await turnsDuring(() => batchDays(batch, { from, to }))).toBeGreaterThanOrEqual(DAYS.length)
  })

  it('only the rows that are wanted are decoded', async () => {
    const bytes = encodeDays(rows)
    const only = NAMES[7] as string
    const read = await decodeDays(bytes, (day, className) => day === DAYS[1] && className === only)
    expect(read).toEqual(rows.filter(({ day, className }) => day === DAYS[1] && className === only))
    expect(await decodeDays(bytes, () => false)).toEqual([])
    expect(await decodeDays(bytes)).toEqual(rows)
  })

  it('no further part is read when there are too many rows', async () => {
    const { pipeline, clock } = await openOneLane({ slotMs: HOUR_MS, classes: CLASSES })
    const months = ['2026-01', '2026-02', '2026-03']
    const events = months.flatMap(month =>
      NAMES.slice(0, 10).map(class_name =>
        decodeEvent(wireEvent({ class_name, timestamp: `${month}-05T08:00:00Z` }), clock.nowMs),
      ),
    )
    await importEvents(pipeline.objects, HOUR_MS, 'some', [events], NOON_MS)
    await pipeline.runBatch()
    const read: string[] = []
    const views = viewReader({
      ...pipeline.objects,
      get: async key => {
        if (key.startsWith('history/import-')) read.push(key.slice('history/import-'.length).slice(0, 7))
        return pipeline.objects.get(key)
      },
    })
    const view = (await views.current()) as View
    expect(await views.days(view, '2026-01-01', '2026-12-31', { most: 19 })).toHaveLength(20)
    expect(read.toSorted()).toEqual(months.slice(0, 2))
    expect(await views.days(view, '2026-01-01', '2026-12-31', { only: NAMES[7] })).toHaveLength(3)
  })
})

it('a search for unusual images of 3,000 classes lets other work run in between', async () => {
  const store = {
    readCursors: async () => [{ ...newCursor('a'), lastEventMs: NOON_MS }],
    readUnusualImages: async () => [],
  }
  const source = { store, classes: async () => CLASSES } as unknown as Parameters<typeof anomalies>[0]
  expect(await turnsDuring(() => anomalies(source, { limit: 100 }))).toBeGreaterThan(50)
})
