import { describe, expect, test } from 'vitest'
import { createApi } from '../../web/api.ts'
import { health, questions, statisticsRow, statsRow, windowRow } from './factories.ts'

type Answer = { status?: number; body?: unknown; etag?: string }

const GOOD: Record<string, Answer> = {
  '/api/realtime/ndvi': { body: [windowRow('Forest', '14:00')], etag: '"w1"' },
  '/api/windows?every=10m&from=2026-11-22T08%3A20%3A00.000Z': { body: [windowRow('Forest', '14:00')], etag: '"s1"' },
  '/api/anomalies?limit=50': { body: [], etag: '"a1"' },
  '/api/class-stats': { body: [statsRow('Forest')], etag: '"j1"' },
  '/api/batch/class-stats': { body: [statsRow('Forest')], etag: '"b1"' },
  '/api/batch/statistics': { body: [statisticsRow('Forest')], etag: '"q1"' },
  '/api/health': { body: health() },
}
const EVERY_PART = Object.keys(GOOD).length

/** A server in a function: answers 304 to a matching If-None-Match, as HTTP says. */
function server(answers: Record<string, Answer>) {
  const asked: { url: string; ifNoneMatch: string | null }[] = []
  const fetch = async (input: string | URL | Request, init?: RequestInit) => {
    const url = String(input)
    const ifNoneMatch = new Headers(init?.headers).get('if-none-match')
    asked.push({ url, ifNoneMatch })
    const { status = 200, body, etag } = answers[url] ?? { status: 404 }
    if (etag && ifNoneMatch === etag) return new Response(null, { status: 304 })
    return new Response(JSON.stringify(body ?? null), { status, headers: etag ? { etag } : {} })
  }
  return { asked, api: createApi({ fetch, timeoutMs: 1000 }) }
}

const never = new AbortController().signal

describe('the API client', () => {
  test('asks only for relative URLs, each part once', async () => {
    const { api, asked } = server(GOOD)
    await api.round(questions(), never)
    expect(asked.map(({ url }) => url).sort()).toEqual(Object.keys(GOOD).sort())
  })

  test('a part that did not change costs no body', async () => {
    const { api, asked } = server(GOOD)
    expect(Object.keys((await api.round(questions(), never)).changed)).toHaveLength(EVERY_PART)
    const second = await api.round(questions(), never)
    expect(second.unchanged.sort()).toEqual(['alerts', 'joined', 'series', 'windows'])
    expect(Object.keys(second.changed)).toEqual(['health'])
    expect(asked.find(({ url, ifNoneMatch }) => url === '/api/class-stats' && ifNoneMatch)?.ifNoneMatch).toBe('"j1"')
  })

  test('one part that fails does not take the others with it', async () => {
    const { api } = server({ ...GOOD, '/api/anomalies?limit=50': { status: 500 } })
    const round = await api.round(questions(), never)
    expect(round.failed).toEqual([{ part: 'alerts', reason: 'HTTP 500' }])
    expect(Object.keys(round.changed)).toHaveLength(EVERY_PART - 1)
  })

  test('a body that cannot be understood is asked for again in full', async () => {
    const answers = { ...GOOD, '/api/class-stats': { body: { error: 'x' }, etag: '"j1"' } as Answer }
    const { api, asked } = server(answers)
    expect((await api.round(questions(), never)).failed.map(({ part }) => part)).toEqual(['joined'])
    answers['/api/class-stats'] = GOOD['/api/class-stats'] as Answer
    expect((await api.round(questions(), never)).changed.joined).toHaveLength(1)
    expect(asked.filter(({ url }) => url === '/api/class-stats').map(({ ifNoneMatch }) => ifNoneMatch)).toEqual([
      null,
      null,
    ])
  })

  test('what the batch view says is asked for again with the next view, and again where it could not be had', async () => {
    const answers = { ...GOOD }
    const { api, asked } = server(answers)
    const batchUrls = () => asked.splice(0).flatMap(({ url }) => (url.startsWith('/api/batch/') ? url : []))
    const nextView = health({ batch: { ...health().batch, published_at: '2026-11-22T15:03:00.000Z' } })
    await api.round(questions(), never)
    expect(batchUrls()).toHaveLength(2)
    await api.round(questions(), never)
    expect(batchUrls()).toEqual([])
    answers['/api/batch/statistics'] = { status: 503 }
    await api.round(questions('', undefined, nextView), never)
    expect(batchUrls()).toHaveLength(2)
    const again = await api.round(questions('', undefined, nextView), never)
    expect(batchUrls()).toEqual(['/api/batch/statistics'])
    expect(again.failed.map(({ part }) => part)).toEqual(['statistics'])
  })

  test('another question is asked in full: a tag is of one address', async () => {
    const { api, asked } = server({ ...GOOD, '/api/anomalies?limit=50&class=River': { body: [], etag: '"a1"' } })
    await api.round(questions(), never)
    const { changed } = await api.round(questions('class=River'), never)
    expect(asked.findLast(({ url }) => url.endsWith('class=River'))?.ifNoneMatch).toBeNull()
    expect(changed.alerts).toEqual([])
  })

  test('a body that is no answer of the API is refused', async () => {
    const broken = Object.fromEntries(Object.keys(GOOD).map(url => [url, { body: { message: 'Service Unavailable' } }]))
    const { changed, failed } = await server(broken).api.round(questions(), never)
    expect(changed).toEqual({})
    expect(new Set(failed.map(({ reason }) => reason))).toEqual(new Set(['not an answer of the API']))
  })

  test('what the system has no answer of now to is taken, and counts as not refreshed', async () => {
    const fetch = async (url: string | URL | Request) =>
      new Response(JSON.stringify(GOOD[String(url)]?.body), {
        headers: url === '/api/class-stats' ? { Age: '90' } : {},
      })
    const round = await createApi({ fetch: fetch as typeof globalThis.fetch, timeoutMs: 1000 }).round(
      questions(),
      never,
    )
    expect(round.changed.joined).toBeDefined()
    expect(round.failed).toEqual([{ part: 'joined', reason: 'an answer of 90 s ago' }])
  })

  test('a 503 is a part that failed', async () => {
    const { api } = server({ ...GOOD, '/api/health': { status: 503, body: {} } })
    expect((await api.round(questions(), never)).failed).toEqual([{ part: 'health', reason: 'HTTP 503' }])
  })

  test('an answer that does not come in time is given up', async () => {
    const fetch = (_: unknown, init?: RequestInit) =>
      new Promise<Response>((_resolve, reject) => {
        init?.signal?.addEventListener('abort', () => reject(init.signal?.reason))
      })
    const round = await createApi({ fetch: fetch as typeof globalThis.fetch, timeoutMs: 20 }).round(questions(), never)
    expect(new Set(round.failed.map(({ reason }) => reason))).toEqual(new Set(['no answer in time']))
  })
})
