import type { APIGatewayProxyEvent, APIGatewayProxyResult } from 'aws-lambda'
import { describe, expect, it } from 'vitest'
import { MINUTE_MS } from '../../../functions/core/time.ts'
import { MOST_KEPT, MOST_KEPT_BYTES, responseCache } from '../../../functions/runtime/local/response-cache.ts'
import { readsFor } from '../../support/dashboards.ts'

const SHARED_MS = 50
const TAG = '"a"'

interface Question {
  method?: string
  path?: string
  query?: Record<string, string>
  headers?: Record<string, string>
}

/** @param answerOf answer to the request with the given number */
function open(answerOf: (asked: number) => Partial<APIGatewayProxyResult> | Promise<never> = () => ({})) {
  const clock = { nowMs: 0 }
  const asked: APIGatewayProxyEvent[] = []
  const handler = responseCache(
    async event => {
      asked.push(event)
      const body = `answer ${asked.length}`
      return { statusCode: 200, headers: { ETag: TAG }, body, ...(await answerOf(asked.length - 1)) }
    },
    SHARED_MS,
    () => clock.nowMs,
  )
  const ask = ({ method = 'GET', path = '/api/class-stats', query = {}, headers = {} }: Question = {}) =>
    handler({
      ...{ httpMethod: method, path, headers, queryStringParameters: query },
      multiValueQueryStringParameters: Object.fromEntries(
        Object.entries(query).map(([name, value]) => [name, [value]]),
      ),
    } as unknown as APIGatewayProxyEvent)
  return { clock, asked, ask }
}

describe('a shared answer', () => {
  it('is computed once for all concurrent requests, and for the time after it', async () => {
    const { clock, asked, ask } = open()
    const together = await Promise.all(Array.from({ length: 100 }, () => ask()))
    expect(new Set(together.map(({ body }) => body))).toEqual(new Set(['answer 1']))
    clock.nowMs = SHARED_MS - 1
    expect((await ask()).body).toBe('answer 1')
    clock.nowMs = SHARED_MS
    expect((await ask()).body).toBe('answer 2')
    expect(asked).toHaveLength(2)
  })

  it('is the answer to the same path, parameters in any order, and form', async () => {
    const { asked, ask } = open()
    await ask({ query: { limit: '5', class: 'Forest' }, headers: { Accept: 'text/csv' } })
    await ask({ query: { class: 'Forest', limit: '5' }, headers: { accept: 'text/csv' } })
    expect(asked).toHaveLength(1)
    await ask({ query: { class: 'Forest', limit: '5' } })
    await ask({ query: { class: 'Forest' }, headers: { Accept: 'text/csv' } })
    await ask({ path: '/api/windows', query: { class: 'Forest', limit: '5' }, headers: { Accept: 'text/csv' } })
    expect(asked).toHaveLength(4)
  })

  it('is not sent again to a client that has it, and is sent whole to a client that has another one', async () => {
    const { asked, ask } = open()
    const known = await ask({ headers: { 'If-None-Match': `W/${TAG}` } })
    expect(known).toEqual({ statusCode: 304, headers: { ETag: TAG }, body: '' })
    expect(await ask({ headers: { 'If-None-Match': '"b"' } })).toMatchObject({ statusCode: 200, body: 'answer 1' })
    expect(asked).toHaveLength(1)
  })

  it('is returned to HEAD without its body', async () => {
    const { asked, ask } = open()
    expect(await ask({ method: 'HEAD' })).toEqual({
      statusCode: 200,
      headers: { ETag: TAG, 'Content-Length': String('answer 1'.length) },
      body: '',
    })
    expect((await ask()).body).toBe('answer 1')
    expect(asked.map(({ httpMethod }) => httpMethod)).toEqual(['GET'])
  })

  it('is not used for requests that do not read', async () => {
    const { asked, ask } = open()
    await Promise.all([ask({ method: 'DELETE' }), ask({ method: 'DELETE' })])
    expect(asked.map(({ httpMethod }) => httpMethod)).toEqual(['DELETE', 'DELETE'])
  })

  it.each([
    ['failed', () => ({ statusCode: 503 })],
    ['was already old', () => ({ headers: { ETag: TAG, Age: '90' } })],
  ])('that %s goes to all waiting requests, and the next request asks again', async (_, answerOf) => {
    const { asked, ask } = open(answerOf)
    await Promise.all([ask(), ask()])
    expect(asked).toHaveLength(1)
    await ask()
    expect(asked).toHaveLength(2)
  })

  it('that throws does so for the waiting requests, and not for the next', async () => {
    const { ask } = open(asked => (asked === 0 ? Promise.reject(new Error('down')) : {}))
    const together = await Promise.allSettled([ask(), ask()])
    expect(together.map(({ status }) => status)).toEqual(['rejected', 'rejected'])
    expect((await ask()).statusCode).toBe(200)
  })

  it.each([
    ['so many', 'x', MOST_KEPT],
    ['so many bytes of them', 'x'.repeat(MOST_KEPT_BYTES / 8), 8],
  ])('is one of %s; the oldest is dropped first', async (_, body, most) => {
    const { asked, ask } = open(() => ({ body }))
    const path = (at: number) => ({ path: `/api/${at}` })
    for (let at = 0; at <= most; at++) await ask(path(at))
    for (let at = most; at > 0; at--) await ask(path(at))
    expect(asked).toHaveLength(most + 1)
    await ask(path(0))
    expect(asked).toHaveLength(most + 2)
  })
})

describe('a hundred dashboards', () => {
  /** Time for which CloudFront shares an answer: see test/infra/stacks.test.ts. */
  const sharedMs = 2_000
  const everyMs = 5_000
  const forMs = MINUTE_MS

  it.each([
    ['each at its own time', (at: number) => (at * everyMs) / 100],
    ['all at once', () => 0],
  ])('that send requests %s read the store at most as often as answers expire', async (_, startsAt) => {
    const one = await readsFor({ count: 1, everyMs: sharedMs, startsAt: () => 0 }, forMs, 0)
    const hundred = await readsFor({ count: 100, everyMs, startsAt }, forMs, sharedMs)
    expect(one).toBeGreaterThan(forMs / sharedMs)
    expect(hundred).toBeLessThanOrEqual(one)
  })
})
