import type { APIGatewayProxyEvent } from 'aws-lambda'
import { expect, it } from 'vitest'
import { DAY_MS, HOUR_MS, MINUTE_MS } from '../../functions/core/time.ts'
import { windows } from '../../functions/serving/answers.ts'
import { servingHandler } from '../../functions/serving/handler.ts'
import { WindowsQuery } from '../../functions/serving/schemas.ts'
import { NOON_MS, wireEvent } from '../support/factories.ts'
import { openOneLane } from '../support/one-lane.ts'

const image = (ms: number, ndvi_mean = 0.5) =>
  JSON.stringify(wireEvent({ class_name: 'Forest', timestamp: new Date(ms).toISOString(), ndvi_mean }))

const iso = (ms: number) => new Date(ms).toISOString()

async function openSeries() {
  const lane = await openOneLane({ slotMs: HOUR_MS })
  const series = (query: Record<string, string>) =>
    windows(lane.pipeline.serving, WindowsQuery.parse(query)).then(({ rows }) => rows)
  return { ...lane, series }
}

it('hours consist of whole windows, wherever in an hour the range begins and ends', async () => {
  const { clock, append, speed, series } = await openSeries()
  clock.nowMs = NOON_MS + 3 * HOUR_MS
  const minutes = [0, 15, 55, 60, 119, 125]
  await speed(minutes.map((minute, index) => append(image(NOON_MS + minute * MINUTE_MS, index / 10))))
  const query = { every: '1h', from: iso(NOON_MS + 30 * MINUTE_MS), to: iso(NOON_MS + 61 * MINUTE_MS) }
  const rows = await series(query)
  expect(rows.map(row => [row.window_start, row.window_end, row.count, row.ndvi_avg, row.late_count])).toEqual([
    [iso(NOON_MS), iso(NOON_MS + HOUR_MS), 3, 0.1, 3],
    [iso(NOON_MS + HOUR_MS), iso(NOON_MS + 2 * HOUR_MS), 2, 0.35, 2],
  ])
})

it('an hour is closed together with its last window', async () => {
  const { clock, append, heartbeat, speed, series } = await openSeries()
  await speed([append(image(NOON_MS))])
  const stateAfter = async (minutes: number) => {
    clock.nowMs = NOON_MS + minutes * MINUTE_MS
    await speed([heartbeat()])
    return (await series({ every: '1h' })).map(({ state }) => state)
  }
  expect(await stateAfter(64)).toEqual(['open'])
  expect(await stateAfter(65)).toEqual(['closed'])
})

it('days consist of the batch view and the newer rows, and have everything that windows have', async () => {
  const { pipeline, clock, append, heartbeat, speed, archive, series } = await openSeries()
  for (let day = 0; day < 10; day++) {
    clock.nowMs = NOON_MS + day * DAY_MS
    const records = [append(image(clock.nowMs)), append(image(clock.nowMs - HOUR_MS))]
    clock.nowMs += 3 * HOUR_MS
    records.push(heartbeat())
    await speed(records)
    await archive(records)
    // Events that arrive after the last run are in no view.
    if (day === 7) await pipeline.runBatch()
  }
  const range = { from: iso(NOON_MS), to: iso(clock.nowMs) }
  const days = await series({ ...range, every: '1d' })
  expect(days.map(({ window_start, count }) => [window_start.slice(0, 10), count])).toEqual(
    Array.from({ length: 10 }, (_, day) => [iso(NOON_MS + day * DAY_MS).slice(0, 10), 2]),
  )
  expect(days.every(row => Date.parse(row.window_end) - Date.parse(row.window_start) === DAY_MS)).toBe(true)
  // The newest day is still running.
  expect(days.map(({ state }) => state)).toEqual([...Array(9).fill('closed'), 'open'])
  // At the start of a day, and in the middle of each step.
  for (const at of [iso(NOON_MS + 4.5 * DAY_MS), iso(NOON_MS + 5 * DAY_MS + 5 * MINUTE_MS)]) {
    for (const every of ['10m', '1h', '1d']) expect(await series({ every, from: at, to: at }), at).toEqual([])
  }
  const count = (rows: readonly { count: number }[]) => rows.reduce((sum, row) => sum + row.count, 0)
  expect(count(await series({ ...range, from: iso(NOON_MS - 2 * HOUR_MS) }))).toBe(20)
  expect(count(await series({ ...range, from: iso(NOON_MS - 2 * HOUR_MS), every: '1h' }))).toBe(20)
})

it('an image of the last day that is shown as a day counts once, although its window is among the first', async () => {
  const { pipeline, clock, append, heartbeat, speed, archive, series } = await openSeries()
  const midnight = NOON_MS + 12 * HOUR_MS
  const deliver = async (ms: number, images: number[]) => {
    clock.nowMs = ms
    const records = [...images.map(taken => append(image(taken))), heartbeat()]
    await speed(records)
    await archive(records)
  }
  await deliver(midnight - 2 * MINUTE_MS, [midnight - 8 * MINUTE_MS, midnight - 5 * MINUTE_MS])
  await deliver(midnight + 2 * MINUTE_MS, [midnight - MINUTE_MS, midnight + MINUTE_MS])
  for (let hour = 1; hour <= 3; hour++) await deliver(midnight + hour * HOUR_MS, [])
  await pipeline.runBatch()
  // A late event, which no view has.
  await deliver(midnight + 4 * HOUR_MS, [midnight - 5 * MINUTE_MS])
  clock.nowMs = midnight + 7 * DAY_MS + HOUR_MS
  const from = iso(NOON_MS)
  for (const every of ['10m', '1h', '1d']) {
    const rows = await series({ from, every })
    expect(rows.map(({ window_start, count }) => [window_start, count])).toEqual([
      [iso(NOON_MS - 12 * HOUR_MS), 4],
      [iso(midnight), 1],
    ])
  }
})

it('an answer that Lambda could not return is refused, with what to do instead', async () => {
  const classes = Array.from({ length: 30 }, (_, index) => `Class${index}`.padEnd(100, 'x'))
  const { pipeline, clock, append, speed } = await openOneLane({
    slotMs: HOUR_MS,
    classes: new Map(classes.map(name => [name, 0])),
  })
  clock.nowMs = NOON_MS
  for (let index = 0; index < 7 * 24 * 6 - 1; index++) {
    const timestamp = iso(NOON_MS - index * 10 * MINUTE_MS)
    await speed([append(classes.map(class_name => JSON.stringify(wireEvent({ class_name, timestamp }))).join('\n'))])
  }
  const handler = servingHandler({ ...pipeline.serving, logger: pipeline.logger })
  const ask = async (query: Record<string, string>) => {
    const queryStringParameters = { from: iso(NOON_MS - 7 * DAY_MS), ...query }
    const event = { httpMethod: 'GET', path: '/api/windows', headers: {}, queryStringParameters }
    const { statusCode, body } = await handler(event as unknown as APIGatewayProxyEvent)
    return { statusCode, body: JSON.parse(body) }
  }
  expect(await ask({})).toMatchObject({
    statusCode: 400,
    body: { detail: expect.stringMatching(/would have \d+\.\d MB, and 6 at most can be given: ask for less at once$/) },
  })
  expect((await ask({ class: classes[7] as string })).body).toHaveLength(1007)
  expect((await ask({ every: '1h' })).body).toHaveLength(30 * 169)
})
