import { describe, expect, test } from 'vitest'
import { createApi } from '../../web/api.ts'
import { alert, alertRow, health, questions, statisticsRow, statsRow, windowRow } from './factories.ts'

type Answer = { status?: number; body?: unknown; etag?: string; link?: string; until?: Promise<void> }

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
    const { status = 200, body, etag, link, until } = answers[url] ?? { status: 404 }
    await until
    if (etag && ifNoneMatch === etag) return new Response(null, { status: 304 })
    return new Response(JSON.stringify(body ?? null), {
      status,
      headers: { ...(etag && { etag }), ...(link && { link }) },
    })
  }
  const clock = { ms: 0 }
  return { asked, clock, api: createApi({ fetch, timeoutMs: 1000, now: () => clock.ms }) }
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
    expect(second.unchanged.sort()).toEqual(['alerts', 'batch', 'joined', 'series', 'statistics', 'windows'])
    expect(Object.keys(second.changed)).toEqual(['health'])
    expect(asked.find(({ url, ifNoneMatch }) => url === '/api/class-stats' && ifNoneMatch)?.ifNoneMatch).toBe('"j1"')
  })

  test('one part that fails does not take the others with it', async () => {
    const { api } = server({ ...GOOD, '/api/anomalies?limit=50': { status: 500 } })
    const round = await api.round(questions(), never)
    expect(round.failed).toEqual([{ name: 'alerts', reason: 'HTTP 500' }])
    expect(Object.keys(round.changed)).toHaveLength(EVERY_PART - 1)
  })

  test('a body that cannot be understood is asked for again in full', async () => {
    const answers = { ...GOOD, '/api/class-stats': { body: { error: 'x' }, etag: '"j1"' } as Answer }
    const { api, asked } = server(answers)
    expect((await api.round(questions(), never)).failed.map(({ name }) => name)).toEqual(['joined'])
    answers['/api/class-stats'] = GOOD['/api/class-stats'] as Answer
    expect((await api.round(questions(), never)).changed.joined).toHaveLength(1)
    expect(asked.filter(({ url }) => url === '/api/class-stats').map(({ ifNoneMatch }) => ifNoneMatch)).toEqual([
      null,
      null,
    ])
  })

  test('what the batch view says is asked for until no cache can have given the view before, and with the next', async () => {
    const answers = { ...GOOD }
    const { api, asked, clock } = server(answers)
    const round = async (afterMs: number, report = health()) => {
      clock.ms += afterMs
      const { failed } = await api.round(questions('', undefined, report), never)
      return [asked.splice(0).filter(({ url }) => url.startsWith('/api/batch/')).length, failed.length]
    }
    const nextView = health({ batch: { ...health().batch, published_at: '2026-11-22T15:03:00.000Z' } })
    expect([await round(0), await round(1_000), await round(5_000), await round(5_000)]).toEqual([
      [2, 0],
      [2, 0],
      [2, 0],
      [0, 0],
    ])
    answers['/api/batch/statistics'] = { status: 503 }
    expect([await round(5_000, nextView), await round(5_000, nextView)]).toEqual([
      [2, 1],
      [2, 1],
    ])
    // What could not be had is asked for again, and again.
    expect([await round(5_000, nextView), await round(5_000, nextView)]).toEqual([
      [1, 1],
      [1, 1],
    ])
  })

  test('a round that was given up is as if it had not been: the next brings everything', async () => {
    let finish = () => {}
    const until = new Promise<void>(resolve => (finish = resolve))
    const { api, asked, clock } = server({ ...GOOD, '/api/health': { body: health(), until } })
    const giveUp = new AbortController()
    const first = api.round(questions(), giveUp.signal)
    await new Promise(resolve => setTimeout(resolve, 10))
    giveUp.abort()
    finish()
    await first
    clock.ms += 60_000
    asked.splice(0)
    expect(Object.keys((await api.round(questions(), never)).changed)).toHaveLength(EVERY_PART)
    expect(asked.every(({ ifNoneMatch }) => ifNoneMatch === null)).toBe(true)
  })

  test('alerts say where the API has not looked yet, and that can be had', async () => {
    const next = '/api/anomalies?limit=50&after=x'
    const { api } = server({
      ...GOOD,
      '/api/anomalies?limit=50': { body: [], link: '<?limit=50&after=x>; rel="next"' },
      [next]: { body: [alertRow()] },
    })
    expect((await api.round(questions(), never)).changed.alerts).toEqual({ rows: [], next })
    expect(await api.alertPage(next)).toEqual({ rows: [alert()], next: null })
    await expect(api.alertPage('/api/anomalies?limit=0')).rejects.toThrow('HTTP 404')
  })

  test('another question is asked in full: a tag is of one address', async () => {
    const { api, asked } = server({ ...GOOD, '/api/anomalies?limit=50&class=River': { body: [], etag: '"a1"' } })
    await api.round(questions(), never)
    const { changed } = await api.round(questions('class=River'), never)
    expect(asked.findLast(({ url }) => url.endsWith('class=River'))?.ifNoneMatch).toBeNull()
    expect(changed.alerts).toEqual({ rows: [], next: null })
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
    const round = await createApi({ fetch: fetch as typeof globalThis.fetch, timeoutMs: 1000, now: () => 0 }).round(
      questions(),
      never,
    )
    expect(round.changed.joined).toBeDefined()
    expect(round.failed).toEqual([{ name: 'joined', reason: 'an answer of 90 s ago' }])
  })

  test('a 503 is a part that failed', async () => {
    const { api } = server({ ...GOOD, '/api/health': { status: 503, body: {} } })
    expect((await api.round(questions(), never)).failed).toEqual([{ name: 'health', reason: 'HTTP 503' }])
  })

  test('an answer that does not come in time is given up', async () => {
    const fetch = (_: unknown, init?: RequestInit) =>
      new Promise<Response>((_resolve, reject) => {
        init?.signal?.addEventListener('abort', () => reject(init.signal?.reason))
      })
    const round = await createApi({ fetch: fetch as typeof globalThis.fetch, timeoutMs: 20, now: () => 0 }).round(
      questions(),
      never,
    )
    expect(new Set(round.failed.map(({ reason }) => reason))).toEqual(new Set(['no answer in time']))
  })
})
