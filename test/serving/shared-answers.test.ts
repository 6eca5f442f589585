import type { APIGatewayProxyEvent } from 'aws-lambda'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { newCursor } from '../../functions/core/cursor.ts'
import { DAY_MS, HOUR_MS, MINUTE_MS } from '../../functions/core/time.ts'
import type { UnusualImage } from '../../functions/core/unusual-image.ts'
import { anomalies } from '../../functions/serving/anomalies.ts'
import { wholeWindows, windows } from '../../functions/serving/answers.ts'
import { servingHandler } from '../../functions/serving/handler.ts'
import { AnomaliesQuery, WindowsQuery } from '../../functions/serving/schemas.ts'
import { sharedAnswers } from '../../functions/serving/shared-answers.ts'
import { ASSUMED } from '../../infra/tools/cost-assumptions.ts'
import { CLASSES, NOON_MS, wireEvent } from '../support/factories.ts'
import { openOneLane } from '../support/one-lane.ts'

const iso = (ms: number) => new Date(ms).toISOString()

describe('shared answers', () => {
  function open(sharedMs: number) {
    const clock = { nowMs: 0 }
    const share = sharedAnswers(sharedMs, () => clock.nowMs)
    let asked = 0
    const ask = (question: unknown) => share(question, async () => ++asked)
    return { clock, share, ask }
  }

  it('are given to equal questions, at the same time and for a time after it', async () => {
    const { clock, ask } = open(1_000)
    expect(await Promise.all([ask(['a']), ask(['a']), ask(['b'])])).toEqual([1, 1, 2])
    clock.nowMs = 999
    expect(await ask(['a'])).toBe(1)
    clock.nowMs = 1_000
    expect(await ask(['a'])).toBe(3)
  })

  it('are not shared when the time is 0', async () => {
    const { ask } = open(0)
    expect([await ask('a'), await ask('a')]).toEqual([1, 2])
  })

  it('are never a failure, and nobody waits for an answer that does not come', async () => {
    const { clock, share, ask } = open(1_000)
    await expect(share('a', () => Promise.reject(new Error('down')))).rejects.toThrow('down')
    expect(await ask('a')).toBe(1)
    void share('b', () => new Promise(() => {}))
    clock.nowMs = 1_000
    expect(await ask('b')).toBe(2)
  })

  it('are twenty; the oldest is dropped first', async () => {
    const { ask } = open(1_000)
    for (let at = 0; at <= 20; at++) await ask(at)
    expect([await ask(1), await ask(0)]).toEqual([2, 22])
  })
})

describe('the API with shared answers', () => {
  async function openApi(sharedMs: number) {
    const { pipeline, clock, append, speed } = await openOneLane({ slotMs: HOUR_MS })
    await speed([append(JSON.stringify(wireEvent({ timestamp: iso(NOON_MS) })))])
    let reads = 0
    const store = {
      ...pipeline.store,
      readRows: (...asked: Parameters<typeof pipeline.store.readRows>) => {
        reads++
        return pipeline.store.readRows(...asked)
      },
    }
    const elapsedMs = () => clock.nowMs
    const handler = servingHandler({ ...pipeline.serving, store, elapsedMs, sharedMs, logger: pipeline.logger })
    const ask = async (query: Record<string, string>, accept = 'application/json') => {
      const read = reads
      const parameters = Object.entries(query)
      const answer = await handler({
        ...{ httpMethod: 'GET', path: '/api/windows', headers: { Accept: accept }, queryStringParameters: query },
        multiValueQueryStringParameters: Object.fromEntries(parameters.map(([name, value]) => [name, [value]])),
      } as unknown as APIGatewayProxyEvent)
      return { ...answer, reads: reads - read }
    }
    return { clock, ask }
  }

  it('reads the store once for ranges of the same windows, in any spelling, order and form', async () => {
    const { clock, ask } = await openApi(1_000)
    const from = '2026-11-22T10:00:00Z'
    const first = await ask({ from, to: '2026-11-22T13:00:00Z' })
    expect(first).toMatchObject({ statusCode: 200, reads: 1 })
    expect(JSON.parse(first.body)).toHaveLength(1)
    for (const [query, accept] of [
      [{ to: '2026-11-22T12:59:59.123Z', from: '2026-11-22T11:00:00+01:00' }],
      [{ from: '2026-11-22T10:09:59Z', to: '2026-11-22T12:51:00Z', every: '10m' }],
      [{ from, to: String(NOON_MS + HOUR_MS) }, 'application/json;q=0.7, */*;q=0.123'],
    ] as [Record<string, string>, string?][]) {
      const answer = await ask(query, accept)
      expect([answer.reads, answer.body, answer.headers]).toEqual([0, first.body, first.headers])
    }
    const csv = await ask({ from, to: '2026-11-22T13:00:00Z' }, 'text/csv')
    expect([csv.reads, csv.headers?.['Content-Type']]).toEqual([0, 'text/csv; charset=utf-8'])
    expect((await ask({ from, to: '2026-11-22T13:00:01Z' })).reads).toBe(1)
    clock.nowMs += 1_000
    expect((await ask({ from, to: '2026-11-22T13:00:00Z' })).reads).toBe(1)
  })

  it('still refuses what is wrong', async () => {
    const { ask } = await openApi(1_000)
    expect(await ask({ from: '2026-11-22T12:08:00Z', to: '2026-11-22T12:07:00Z' })).toMatchObject({ statusCode: 400 })
    expect(await ask({ from: 'never' })).toMatchObject({ statusCode: 400 })
    expect(await ask({ from: iso(NOON_MS), to: iso(NOON_MS) })).toMatchObject({ statusCode: 200, body: '[]' })
  })
})

it('a range that is extended to whole windows has the same rows', async () => {
  const { pipeline, clock, append, speed } = await openOneLane({ slotMs: HOUR_MS })
  const times = [0, 9, 10, 61, 180, 24 * 60, 25 * 60].map(minute => NOON_MS + minute * MINUTE_MS)
  clock.nowMs = NOON_MS + 2 * DAY_MS
  await speed(times.map(ms => append(JSON.stringify(wireEvent({ timestamp: iso(ms) })))))
  const time = fc.integer({ min: NOON_MS - HOUR_MS, max: clock.nowMs })
  await fc.assert(
    fc.asyncProperty(time, time, fc.constantFrom('10m', '1h', '1d'), async (a, b, every) => {
      const query = WindowsQuery.parse({ from: iso(Math.min(a, b)), to: iso(Math.max(a, b)), every })
      const { rows } = await windows(pipeline.serving, query)
      expect((await windows(pipeline.serving, wholeWindows(query))).rows).toEqual(rows)
    }),
    { numRuns: 50 },
  )
})

it('a search that finds nothing among very many unusual images reads no more than the cost model says', async () => {
  const read = { reads: 0, images: 0 }
  const store = {
    readCursors: async () => [{ ...newCursor('a'), lastEventMs: NOON_MS }],
    async readUnusualImages({ className, upToMs, limit }: { className: string; upToMs: number; limit: number }) {
      read.reads++
      read.images += limit
      return Array.from({ length: limit }, (_, at) => {
        const image = {
          className,
          day: '',
          imageId: 'i',
          eventMs: upToMs - at,
          rule: 'zscore',
          score: 3,
          baselineVersion: 1,
        }
        return { ...image, ndviMean: 0, ndviMin: null, ndviMax: null } satisfies UnusualImage
      })
    },
  }
  const source = { store, classes: async () => CLASSES } as unknown as Parameters<typeof anomalies>[0]
  const { rows, next } = await anomalies(source, AnomaliesQuery.parse({ min_score: '9' }))
  expect([rows, next]).toEqual([[], { after: expect.any(String), to: expect.any(String) }])
  expect(read.images).toBeGreaterThan(5_000)
  expect(read.images).toBeLessThanOrEqual(ASSUMED.worstAnswer.images)
  expect(read.reads).toBeLessThanOrEqual(ASSUMED.worstAnswer.imageReads)
})
