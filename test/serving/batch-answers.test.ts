import type { APIGatewayProxyEvent } from 'aws-lambda'
import { describe, expect, it } from 'vitest'
import { importEvents } from '../../functions/archive/imports.ts'
import { decodeEvent, type WireEvent } from '../../functions/core/event.ts'
import { emptyHistory } from '../../functions/core/history.ts'
import { HOUR_MS } from '../../functions/core/time.ts'
import { batchSeparability, MAX_PAIRED_CLASSES } from '../../functions/serving/batch-answers.ts'
import { servingHandler } from '../../functions/serving/handler.ts'
import { BatchDayRow, BatchStatisticsRow, SeparabilityRow } from '../../functions/serving/schemas.ts'
import { collectingLogger, NOON_MS, wireEvent } from '../support/factories.ts'
import { openOneLane } from '../support/one-lane.ts'

type Query = Record<string, string>

/** An API over a batch view of imported events and of events from the log. */
async function openApi({ imported = [], logged = [] }: { imported?: WireEvent[]; logged?: WireEvent[] }) {
  const { pipeline, clock, append, heartbeat, speed, archive } = await openOneLane({ slotMs: HOUR_MS })
  const rows = imported.map(event => decodeEvent(event, NOON_MS))
  await importEvents(pipeline.objects, HOUR_MS, 'some', [rows], NOON_MS)
  const records = logged.map(event => append(JSON.stringify(event)))
  clock.nowMs += 3 * HOUR_MS
  records.push(heartbeat())
  await speed(records)
  await archive(records)
  await pipeline.runBatch()
  const handler = servingHandler({ ...pipeline.serving, logger: collectingLogger() })
  const get = (path: string, queryStringParameters: Query | null = null, headers: Record<string, string> = {}) => {
    const event = { httpMethod: 'GET', path, headers, queryStringParameters } as unknown as APIGatewayProxyEvent
    return handler(event)
  }
  return {
    get,
    async rows(path: string, query: Query | null = null): Promise<unknown[]> {
      const { statusCode, headers, body } = await get(path, query)
      expect({ statusCode, type: headers?.['Content-Type'] }).toEqual({ statusCode: 200, type: 'application/json' })
      return JSON.parse(body) as unknown[]
    },
  }
}

/** An image for each NDVI, one an hour from a given time. */
const taken = (class_name: string, from: string, ...ndvi: number[]): WireEvent[] =>
  ndvi.map((ndvi_mean, index) =>
    wireEvent({
      class_name,
      ndvi_mean,
      image_id: `${class_name} ${from} ${index}`,
      timestamp: new Date(Date.parse(from) + index * HOUR_MS).toISOString(),
    }),
  )

const FROM = '2026-11-20'
const TO = '2026-11-22'

describe('before the first view', () => {
  it.each([
    ['/api/batch/statistics', null],
    ['/api/batch/separability', null],
    ['/api/batch/days', { from: FROM, to: TO }],
  ])('%s has no rows', async (path, query) => {
    expect(await (await openApi({})).rows(path, query)).toEqual([])
  })
})

describe('/api/batch/statistics', () => {
  it('has a row for each class, by name: quantiles, trend, and correlations of the measured bands', async () => {
    const river = [1, 2, 3].map(place =>
      wireEvent({
        class_name: 'River',
        ndvi_mean: -place / 10,
        red_mean: place,
        nir_mean: 10 - place,
        timestamp: `2026-11-1${place}T00:00:00Z`,
      }),
    )
    const { rows } = await openApi({ imported: [...river, wireEvent({ ndvi_mean: 0.5 })] })
    const [forest, ofRiver, ...others] = (await rows('/api/batch/statistics')).map(row => BatchStatisticsRow.parse(row))
    expect(others).toEqual([])
    expect(forest).toEqual({
      class_name: 'Forest',
      count: 1,
      ndvi_p05: expect.closeTo(0.50005, 12),
      ndvi_p25: expect.closeTo(0.50025, 12),
      ndvi_p50: expect.closeTo(0.5005, 12),
      ndvi_p75: expect.closeTo(0.50075, 12),
      ndvi_p95: expect.closeTo(0.50095, 12),
      ndvi_trend_per_year: null,
      ndvi_trend_correlation: null,
      ndvi_red_correlation: null,
      ndvi_green_correlation: null,
      ndvi_blue_correlation: null,
      ndvi_nir_correlation: null,
      ndvi_brightness_correlation: null,
    })
    expect(ofRiver).toMatchObject({
      class_name: 'River',
      count: 3,
      ndvi_p50: expect.closeTo(-0.1995, 12),
      ndvi_trend_per_year: expect.closeTo(-36.525, 12),
      ndvi_trend_correlation: expect.closeTo(-1, 12),
      ndvi_red_correlation: expect.closeTo(-1, 12),
      ndvi_green_correlation: null,
      ndvi_nir_correlation: expect.closeTo(1, 12),
    })
  })

  it('returns at most 1 for images with the largest possible NDVI', async () => {
    const { rows } = await openApi({ imported: [wireEvent({ ndvi_mean: 1 })] })
    expect((await rows('/api/batch/statistics')).map(row => BatchStatisticsRow.parse(row).ndvi_p95)).toEqual([1])
  })
})

describe('/api/batch/separability', () => {
  it('has a row for each pair of classes, each pair once', async () => {
    const { rows } = await openApi({
      imported: [
        ...taken('SeaLake', '2026-11-20T00:00:00Z', -0.3, -0.2),
        ...taken('Forest', '2026-11-20T00:00:00Z', 0.7, 0.8),
        ...taken('River', '2026-11-20T00:00:00Z', -0.3, -0.2),
      ],
    })
    const pairs = (await rows('/api/batch/separability')).map(row => SeparabilityRow.parse(row))
    expect(pairs.map(({ class_a, class_b, ndvi }) => [class_a, class_b, ndvi])).toEqual([
      ['Forest', 'River', expect.closeTo(2, 9)],
      ['Forest', 'SeaLake', expect.closeTo(2, 9)],
      ['River', 'SeaLake', 0],
    ])
    const { red, green, blue, nir, brightness } = pairs[0] as SeparabilityRow
    expect([red, green, blue, nir, brightness]).toEqual([null, null, null, null, null])
  })

  it('has no rows for a single class', async () => {
    const { rows } = await openApi({ imported: taken('Forest', '2026-11-20T00:00:00Z', 0.7, 0.8) })
    expect(await rows('/api/batch/separability')).toEqual([])
  })

  it('has the pairs of one class with all others, with the same values as among all pairs', async () => {
    const classes = ['Forest', 'River', 'SeaLake']
    const { rows, get } = await openApi({
      imported: classes.flatMap((name, at) => taken(name, '2026-11-20T00:00:00Z', at / 10, at / 10 + 0.01)),
    })
    const all = (await rows('/api/batch/separability')) as SeparabilityRow[]
    for (const name of classes) {
      const own = all.filter(({ class_a, class_b }) => class_a === name || class_b === name)
      expect(await rows('/api/batch/separability', { class: name })).toEqual(own)
    }
    expect((await get('/api/batch/separability', { class: 'Moon' })).statusCode).toBe(404)
  })

  it('requires a class when all pairs would delay other answers', async () => {
    const classesOf = (count: number) =>
      new Map(Array.from({ length: count }, (_, at) => [`class ${String(at).padStart(4, '0')}`, emptyHistory()]))
    const batchOf = (count: number) =>
      ({
        views: { read: (work: (view: object) => unknown) => work({}), classes: async () => classesOf(count) },
        classes: async () => new Map(),
      }) as never
    expect(await batchSeparability(batchOf(MAX_PAIRED_CLASSES))).toHaveLength(4_950)
    await expect(batchSeparability(batchOf(MAX_PAIRED_CLASSES + 1))).rejects.toThrow(
      /^class: is required.* there are 101:/,
    )
    expect(await batchSeparability(batchOf(3_000), { class: 'class 1500' })).toHaveLength(2_999)
  })
})

describe('/api/batch/days', () => {
  const imported = [
    ...taken('River', '2026-11-20T22:00:00Z', 0.1, 0.2, 0.3),
    ...taken('Forest', '2026-11-22T00:00:00Z', 0.6, 0.7),
  ]
  const logged = taken('Forest', '2026-11-22T10:00:00Z', 0.8)
  const counts = async ({ rows }: Awaited<ReturnType<typeof openApi>>, query: Query) => {
    const days = (await rows('/api/batch/days', query)).map(row => BatchDayRow.parse(row))
    return days.map(({ day, class_name, count }) => [day, class_name, count])
  }

  it('has a row for each day and class, in order, with imported events and events from the log added up', async () => {
    const api = await openApi({ imported, logged })
    expect(await counts(api, { from: FROM, to: TO })).toEqual([
      ['2026-11-20', 'River', 2],
      ['2026-11-21', 'River', 1],
      ['2026-11-22', 'Forest', 3],
    ])
    const days = await api.rows('/api/batch/days', { from: FROM, to: TO })
    expect(days[2]).toMatchObject({
      ndvi_avg: expect.closeTo(0.7, 12),
      ndvi_stddev: expect.closeTo(0.1, 12),
      ndvi_min: null,
      ndvi_max: null,
      ndvi_p05: expect.closeTo(0.60015, 12),
      ndvi_p50: expect.closeTo(0.7005, 12),
      ndvi_p95: expect.closeTo(0.80085, 12),
    })
  })

  it('has the rows from the first to the last day, both included', async () => {
    const api = await openApi({ imported, logged })
    expect(await counts(api, { from: '2026-11-21', to: '2026-11-21' })).toEqual([['2026-11-21', 'River', 1]])
    expect(await counts(api, { from: '2026-11-23', to: '2026-12-31' })).toEqual([])
  })

  it('has the rows of one class when one is requested', async () => {
    const api = await openApi({ imported, logged })
    expect(await counts(api, { from: FROM, to: TO, class: 'Forest' })).toEqual([['2026-11-22', 'Forest', 3]])
    expect(await counts(api, { from: FROM, to: TO, class: 'SeaLake' })).toEqual([])
  })

  it('answers for 366 days at once, and of more for the last', async () => {
    const api = await openApi({ imported, logged })
    expect(await counts(api, { from: '2026-11-21', to: '2027-11-21' })).toHaveLength(2)
    expect(await counts(api, { from: '1970-01-01', to: '2027-11-22' })).toHaveLength(1)
  })

  it.each<[string, Query | null, RegExp]>([
    ['no parameters', null, /^from: .*; to: /],
    ['no first day', { to: TO }, /^from: [^;]+$/],
    ['no last day', { from: FROM }, /^to: [^;]+$/],
    ['a first day that does not exist', { from: '2026-02-30', to: TO }, /^from: [^;]+$/],
    ['a time in place of a day', { from: FROM, to: '2026-11-22T00:00:00Z' }, /^to: [^;]+$/],
    ['a last day before the first', { from: TO, to: FROM }, /^to: must be on or after from/],
  ])('refuses %s with a problem that names the parameter', async (_, query, detail) => {
    const { get } = await openApi({})
    const { statusCode, headers, body } = await get('/api/batch/days', query)
    expect(statusCode).toBe(400)
    expect(headers).toEqual({ 'Content-Type': 'application/problem+json', 'Cache-Control': 'no-store' })
    expect(JSON.parse(body)).toEqual({
      type: 'about:blank',
      title: 'A parameter is not right',
      status: 400,
      detail: expect.stringMatching(detail),
    })
  })
})

describe('an answer of the batch view', () => {
  it.each(['/api/batch/statistics', '/api/batch/separability'])('from %s has no body while unchanged', async path => {
    const { get } = await openApi({ imported: [...taken('Forest', '2026-11-20T00:00:00Z', 0.7, 0.8)] })
    const { headers } = await get(path)
    const again = await get(path, null, { 'if-none-match': String(headers?.ETag) })
    expect({ statusCode: again.statusCode, body: again.body }).toEqual({ statusCode: 304, body: '' })
    expect((await get(path, null, { 'if-none-match': '"other"' })).statusCode).toBe(200)
  })

  it('that cannot be read is a problem that does not reveal the cause, and can be retried', async () => {
    const { pipeline } = await openOneLane({ slotMs: HOUR_MS })
    const logger = collectingLogger()
    const views = { ...pipeline.serving.views, read: () => Promise.reject(new Error('the disk is on fire')) }
    const handler = servingHandler({ ...pipeline.serving, views, logger })
    const event = { httpMethod: 'GET', path: '/api/batch/statistics', headers: {} } as unknown as APIGatewayProxyEvent
    const answer = await handler(event)
    expect(answer.statusCode).toBe(503)
    expect(answer.headers).toMatchObject({ 'Content-Type': 'application/problem+json', 'Retry-After': '5' })
    expect(answer.body).not.toContain('fire')
    expect(logger.lines).toMatchObject([{ fields: { error: 'Error: the disk is on fire' } }])
  })
})
