import type { APIGatewayProxyEvent } from 'aws-lambda'
import { describe, expect, it } from 'vitest'
import { DAY_MS, HOUR_MS, MINUTE_MS } from '../../functions/core/time.ts'
import { realtimeNdvi, windows } from '../../functions/serving/answers.ts'
import { BadParameterError } from '../../functions/serving/bad-parameter.ts'
import { toCsv } from '../../functions/serving/csv.ts'
import { servingHandler } from '../../functions/serving/handler.ts'
import { health } from '../../functions/serving/health.ts'
import { WindowsQuery } from '../../functions/serving/schemas.ts'
import { staleIfError } from '../../functions/serving/stale-if-error.ts'
import { NOON_MS, wireEvent } from '../support/factories.ts'
import { openOneLane } from '../support/one-lane.ts'
import { openLanes } from '../support/pipeline.ts'

const iso = (ms: number) => new Date(ms).toISOString()
const image = (ms: number) => JSON.stringify(wireEvent({ timestamp: iso(ms) }))

describe('a table as CSV', () => {
  it('has no cell that a spreadsheet would read as a formula, for any start of the text', () => {
    const cells = ['=1+1', '+1', '-1', '@a', '\ta', '\ra', 'a=1', ' =1', '']
    expect(
      toCsv(
        ['x'],
        cells.map(x => ({ x })),
      ).split('\r\n'),
    ).toEqual([...['x', "'=1+1", "'+1", "'-1", "'@a", "'\ta", `"'\ra"`, 'a=1', ' =1', '', '']])
    expect(toCsv(['x'], [{ x: -1 }, { x: true }, { x: null }, {}])).toBe('x\r\n-1\r\ntrue\r\n\r\n\r\n')
  })

  it('quotes text that would end a cell or a line, and doubles quotes', () => {
    const cells = ['a,b', 'a"b"', 'a\nb', 'a\rb', 'ab']
    expect(
      toCsv(
        ['x', 'y'],
        cells.map(x => ({ y: x, x: 1 })),
      ),
    ).toBe('x,y\r\n1,"a,b"\r\n1,"a""b"""\r\n1,"a\nb"\r\n1,"a\rb"\r\n1,ab\r\n')
  })
})

describe('a kept answer', () => {
  function open(withinMs = 1_000) {
    const clock = { nowMs: 0 }
    const { ask, askFresh } = staleIfError(() => clock.nowMs, withinMs, withinMs)
    const failing = (error: Error) => () => Promise.reject(error)
    return {
      clock,
      ask,
      askFresh,
      down: failing(new Error('down')),
      wrong: failing(new BadParameterError('to: is wrong')),
    }
  }

  it('replaces one that fails, with its age and the reason, for ten minutes', async () => {
    const { clock, ask, down } = open()
    expect(await ask('a', async () => 1)).toEqual({ value: 1, ageMs: 0, failure: null })
    expect(await ask('a', down)).toEqual({ value: 1, ageMs: 1, failure: 'Error: down' })
    clock.nowMs = 10 * MINUTE_MS
    expect(await ask('a', down)).toEqual({ value: 1, ageMs: 10 * MINUTE_MS, failure: 'Error: down' })
    clock.nowMs++
    await expect(ask('a', down)).rejects.toThrow('down')
    await expect(ask('b', down)).rejects.toThrow('down')
  })

  it('never hides an error of the request, even if the same request was answered before', async () => {
    const { ask, wrong } = open()
    await ask('a', async () => 1)
    await expect(ask('a', wrong)).rejects.toThrow(BadParameterError)
  })

  it('is dropped after fifty other answers', async () => {
    const { ask, down } = open()
    for (let key = 0; key <= 50; key++) await ask(String(key), async () => key)
    await expect(ask('0', down)).rejects.toThrow('down')
    expect((await ask('1', down)).value).toBe(1)
    // A request that is repeated becomes the newest.
    await ask('1', async () => 'again')
    await ask('new', async () => 'new')
    expect((await ask('1', down)).value).toBe('again')
    await expect(ask('2', down)).rejects.toThrow('down')
    expect((await ask('3', down)).value).toBe(3)
  })

  it('is not used when only a current answer is useful, and no wait is endless', async () => {
    const { ask, askFresh, down } = open(20)
    await ask('a', async () => 1)
    await expect(askFresh(down)).rejects.toThrow('down')
    const never = () => new Promise<number>(() => {})
    await expect(askFresh(never)).rejects.toThrow('no answer within 20 ms')
    expect(await ask('a', never)).toEqual({ value: 1, ageMs: 1, failure: 'Error: no answer within 20 ms' })
  })
})

it('a kept answer is given for the same parameters only', async () => {
  const { pipeline } = await openOneLane({ slotMs: HOUR_MS })
  let isDown = false
  const readUnusualImages: typeof pipeline.store.readUnusualImages = query =>
    isDown ? Promise.reject(new Error('down')) : pipeline.store.readUnusualImages(query)
  const store = { ...pipeline.store, readUnusualImages }
  const handler = servingHandler({ ...pipeline.serving, store, logger: pipeline.logger })
  const ask = async (limit: string) => {
    const queryStringParameters = { limit }
    const event = { httpMethod: 'GET', path: '/api/anomalies', headers: {}, queryStringParameters }
    return (await handler(event as unknown as APIGatewayProxyEvent)).statusCode
  }
  expect(await ask('1')).toBe(200)
  isDown = true
  expect([await ask('1'), await ask('2')]).toEqual([200, 503])
})

it('the tag of an answer depends on its form: an empty table as CSV differs from one as JSON', async () => {
  const { pipeline } = await openOneLane({ slotMs: HOUR_MS })
  const handler = servingHandler({ ...pipeline.serving, logger: pipeline.logger })
  const ask = (path: string, headers: Record<string, string> = {}) =>
    handler({ httpMethod: 'GET', path, headers, queryStringParameters: null } as unknown as APIGatewayProxyEvent)
  const tags = await Promise.all(
    ['application/json', 'text/csv'].map(async accept => (await ask('/api/class-stats', { accept })).headers?.ETag),
  )
  expect(new Set(tags).size).toBe(2)
  // A cache may give an answer only to requests for the same form.
  expect((await ask('/api/class-stats')).headers?.Vary).toBe('Accept')
  // The same bytes with another media type are also another answer.
  const { createHash } = await import('node:crypto')
  const body = (await ask('/api/class-stats')).body
  expect(tags[0]).not.toBe(`W/"${createHash('sha1').update(body).digest('base64url')}"`)
})

describe('at the border between the batch view and the speed rows', () => {
  it('days count the slot of the cut from the rows, and the slot before it from the view', async () => {
    const { pipeline, clock, append, heartbeat, speed, archive } = await openOneLane({ slotMs: HOUR_MS })
    const deliver = async (ms: number, images: number) => {
      clock.nowMs = ms
      const records = [...Array.from({ length: images }, () => append(image(ms))), heartbeat()]
      await speed(records)
      await archive(records)
    }
    await deliver(NOON_MS, 1)
    await deliver(NOON_MS + HOUR_MS, 2)
    await deliver(NOON_MS + 2 * HOUR_MS, 4)
    await deliver(NOON_MS + 3 * HOUR_MS, 8)
    const { view } = await pipeline.runBatch()
    expect(view?.cut).toBe(NOON_MS + 2 * HOUR_MS)
    const query = { every: '1d', from: iso(NOON_MS), to: iso(NOON_MS + 4 * HOUR_MS) }
    const { rows } = await windows(pipeline.serving, WindowsQuery.parse(query))
    expect(rows.map(({ count }) => count)).toEqual([15])
  })

  it('the newest windows come from the last day when the last hour has none', async () => {
    const { pipeline, clock, append, speed } = await openOneLane({ slotMs: HOUR_MS })
    await speed([append(image(NOON_MS))])
    const starts = async (ms: number) => {
      clock.nowMs = ms
      return (await realtimeNdvi(pipeline.serving)).map(({ window_start }) => window_start)
    }
    expect(await starts(NOON_MS + 10 * HOUR_MS)).toEqual([iso(NOON_MS)])
    expect(await starts(NOON_MS + 2 * DAY_MS)).toEqual([])
  })
})

describe('health', () => {
  it('has the lag of the slowest lane', async () => {
    const lanes = openLanes('stream', 3)
    const { pipeline, clock, heartbeat, speed } = await openOneLane({ slotMs: HOUR_MS, lanes })
    for (const { name } of lanes) await speed([heartbeat(name)])
    const lags = new Map(lanes.map(({ name }, index) => [name, [30_000, 90_000, 60_000][index] as number]))
    const waiting = async ({ lane }: { lane: string }) => {
      return { oldestMs: clock.nowMs - (lags.get(lane) as number), reason: null }
    }
    const { speed: told } = await health({ ...pipeline.serving, waiting })
    expect(told.lag_ms).toBe(90_000)
    expect(told.lanes.map(({ lag_ms }) => lag_ms)).toEqual([30_000, 90_000, 60_000])
    const none = await health({ ...pipeline.serving, waiting: async () => ({ oldestMs: null, reason: null }) })
    expect(none.speed.lag_ms).toBe(0)
  })
})
