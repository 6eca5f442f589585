import type { APIGatewayProxyEvent } from 'aws-lambda'
import { expect, it } from 'vitest'
import { HOUR_MS, MINUTE_MS, SECOND_MS } from '../../functions/core/time.ts'
import { servingHandler } from '../../functions/serving/handler.ts'
import { collectingLogger, wireEvent } from '../support/factories.ts'
import { openOneLane } from '../support/one-lane.ts'

it('an old answer states its true age, and is used as long as allowed, even if the clock was set back', async () => {
  const { pipeline, clock, append, speed } = await openOneLane({ slotMs: HOUR_MS })
  await speed([append(JSON.stringify(wireEvent()))])
  let isAway = false
  let elapsedMs = 0
  const { store } = pipeline.serving
  const handler = servingHandler({
    ...pipeline.serving,
    store: { ...store, readCursors: () => (isAway ? Promise.reject(new Error('away')) : store.readCursors()) },
    elapsedMs: () => elapsedMs,
    logger: collectingLogger(),
  })
  const ask = () =>
    handler({ httpMethod: 'GET', path: '/api/class-stats', headers: {} } as unknown as APIGatewayProxyEvent)
  expect(await ask()).toMatchObject({ statusCode: 200 })
  isAway = true
  clock.nowMs -= HOUR_MS
  elapsedMs += 126 * SECOND_MS
  expect(await ask()).toMatchObject({ statusCode: 200, headers: { Age: '126' } })
  elapsedMs = 10 * MINUTE_MS
  expect(await ask()).toMatchObject({ statusCode: 200, headers: { Age: '600' } })
  elapsedMs++
  const answer = await ask()
  expect(answer).toMatchObject({ statusCode: 503, headers: { 'Retry-After': '5' } })
  expect(JSON.parse(answer.body)).toMatchObject({
    title: 'The answer is not known right now',
    detail: 'Try again in a few seconds.',
  })
})
