import { describe, expect, test } from 'vitest'
import { createApi } from '../../web/api.ts'
import { health, queries, statisticsRow, statsRow, unusualImage, unusualImageRow, windowRow } from './factories.ts'

type Answer = { status?: number; body?: unknown; etag?: string; link?: string; until?: Promise<void> }

const GOOD: Record<string, Answer> = {
  '/api/realtime/ndvi': { body: [windowRow('Forest', '14:00')], etag: '"w1"' },
  '/api/windows?every=10m&from=2026-11-22T08%3A20%3A00.000Z': { body: [windowRow('Forest', '14:00')], etag: '"s1"' },
  '/api/anomalies?limit=50': { body: [], etag: '"a1"' },
  '/api/class-stats': { body: [statsRow('Forest')], etag: '"j1"' },
  '/api/batch/class-stats': { body: [statsRow('Forest')], etag: '"b1"' },
  '/api/batch/statistics': { body: [statisticsRow('Forest')], etag: '"q1"' },
  '/api/incidents?limit=500': { body: [], etag: '"i1"' },
  '/api/quarantine?limit=20': { body: [], etag: '"r1"' },
  '/api/health': { body: health() },
}
const ANSWER_COUNT = Object.keys(GOOD).length

/** Fake server: responds with 304 to a matching If-None-Match, as HTTP requires. */
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
  test('requests relative URLs only, each answer once', async () => {
    const { api, asked } = server(GOOD)
    await api.round(queries(), never)
    expect(asked.map(({ url }) => url).sort()).toEqual(Object.keys(GOOD).sort())
  })

  test('answers that a query skips are not requested', async () => {
    const { api, asked } = server(GOOD)
    const { refused, ...others } = queries()
    const { changed, failed } = await api.round({ ...others, refused: { ...refused, skip: true } }, never)
    expect(asked.map(({ url }) => url)).not.toContain(refused.url)
    expect([Object.keys(changed).length, failed]).toEqual([ANSWER_COUNT - 1, []])
  })

  test('an unchanged answer has no body', async () => {
    const { api, asked } = server(GOOD)
    expect(Object.keys((await api.round(queries(), never)).changed)).toHaveLength(ANSWER_COUNT)
    const second = await api.round(queries(), never)
    expect(second.unchanged.sort()).toEqual([
      ...['batch', 'incidents', 'joined', 'refused', 'series', 'statistics', 'unusualImages', 'windows'],
    ])
    expect(Object.keys(second.changed)).toEqual(['health'])
    expect(asked.find(({ url, ifNoneMatch }) => url === '/api/class-stats' && ifNoneMatch)?.ifNoneMatch).toBe('"j1"')
  })

  test('one failed request does not affect the others', async () => {
    const { api } = server({ ...GOOD, '/api/anomalies?limit=50': { status: 500 } })
    const round = await api.round(queries(), never)
    expect(round.failed).toEqual([{ name: 'unusualImages', reason: 'HTTP 500' }])
    expect(Object.keys(round.changed)).toHaveLength(ANSWER_COUNT - 1)
  })

  test('a class that the system does not know has no unusual images', async () => {
    const { api } = server({ ...GOOD, '/api/anomalies?limit=50': { status: 404 } })
    const round = await api.round(queries(), never)
    expect(round.failed).toEqual([])
    expect(round.changed.unusualImages).toEqual({ rows: [], next: null })
  })

  test('after a body that cannot be read, the next round requests the full answer', async () => {
    const answers = { ...GOOD, '/api/class-stats': { body: { error: 'x' }, etag: '"j1"' } as Answer }
    const { api, asked } = server(answers)
    expect((await api.round(queries(), never)).failed.map(({ name }) => name)).toEqual(['joined'])
    answers['/api/class-stats'] = GOOD['/api/class-stats'] as Answer
    expect((await api.round(queries(), never)).changed.joined).toHaveLength(1)
    expect(asked.filter(({ url }) => url === '/api/class-stats').map(({ ifNoneMatch }) => ifNoneMatch)).toEqual([
      null,
      null,
    ])
  })

  test('answers of the batch view are requested until no cache can serve the previous view, and again for the next view', async () => {
    const answers = { ...GOOD }
    const { api, asked, clock } = server(answers)
    const round = async (afterMs: number, report = health()) => {
      clock.ms += afterMs
      const { failed } = await api.round(queries('', undefined, report), never)
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
    // A failed request is repeated in each round.
    expect([await round(5_000, nextView), await round(5_000, nextView)]).toEqual([
      [1, 1],
      [1, 1],
    ])
  })

  test('an aborted round changes nothing: the next round returns all answers', async () => {
    let finish = () => {}
    const until = new Promise<void>(resolve => (finish = resolve))
    const { api, asked, clock } = server({ ...GOOD, '/api/health': { body: health(), until } })
    const controller = new AbortController()
    const first = api.round(queries(), controller.signal)
    await new Promise(resolve => setTimeout(resolve, 10))
    controller.abort()
    finish()
    await first
    clock.ms += 60_000
    asked.splice(0)
    expect(Object.keys((await api.round(queries(), never)).changed)).toHaveLength(ANSWER_COUNT)
    expect(asked.every(({ ifNoneMatch }) => ifNoneMatch === null)).toBe(true)
  })

  test('unusual images come with the URL of the next page, and that page can be loaded', async () => {
    const next = '/api/anomalies?limit=50&after=x'
    const { api } = server({
      ...GOOD,
      '/api/anomalies?limit=50': { body: [], link: '<?limit=50&after=x>; rel="next"' },
      [next]: { body: [unusualImageRow()] },
    })
    expect((await api.round(queries(), never)).changed.unusualImages).toEqual({ rows: [], next })
    expect(await api.unusualImagePage(next)).toEqual({ rows: [unusualImage()], next: null })
    await expect(api.unusualImagePage('/api/anomalies?limit=0')).rejects.toThrow('HTTP 404')
  })

  test('another URL is requested without a tag: a tag belongs to one URL', async () => {
    const { api, asked } = server({ ...GOOD, '/api/anomalies?limit=50&class=River': { body: [], etag: '"a1"' } })
    await api.round(queries(), never)
    const { changed } = await api.round(queries('class=River'), never)
    expect(asked.findLast(({ url }) => url.endsWith('class=River'))?.ifNoneMatch).toBeNull()
    expect(changed.unusualImages).toEqual({ rows: [], next: null })
  })

  test('a body that is not an answer of the API is refused', async () => {
    const broken = Object.fromEntries(Object.keys(GOOD).map(url => [url, { body: { message: 'Service Unavailable' } }]))
    const { changed, failed } = await server(broken).api.round(queries(), never)
    expect(changed).toEqual({})
    expect(new Set(failed.map(({ reason }) => reason))).toEqual(new Set(['not an answer of the API']))
  })

  test('a stale answer is used, and counts as failed', async () => {
    const fetch = async (url: string | URL | Request) =>
      new Response(JSON.stringify(GOOD[String(url)]?.body), {
        headers: url === '/api/class-stats' ? { Age: '90' } : {},
      })
    const round = await createApi({ fetch: fetch as typeof globalThis.fetch, timeoutMs: 1000, now: () => 0 }).round(
      queries(),
      never,
    )
    expect(round.changed.joined).toBeDefined()
    expect(round.failed).toEqual([{ name: 'joined', reason: 'the answer is 90 s old' }])
  })

  test('a 503 counts as a failed request', async () => {
    const { api } = server({ ...GOOD, '/api/health': { status: 503, body: {} } })
    expect((await api.round(queries(), never)).failed).toEqual([{ name: 'health', reason: 'HTTP 503' }])
  })

  test('a request without a response in time fails', async () => {
    const fetch = (_: unknown, init?: RequestInit) =>
      new Promise<Response>((_resolve, reject) => {
        init?.signal?.addEventListener('abort', () => reject(init.signal?.reason))
      })
    const round = await createApi({ fetch: fetch as typeof globalThis.fetch, timeoutMs: 20, now: () => 0 }).round(
      queries(),
      never,
    )
    expect(new Set(round.failed.map(({ reason }) => reason))).toEqual(new Set(['no answer in time']))
  })
})

test('a decision is posted as JSON; the error has the text of the answer', async () => {
  const sent: RequestInit[] = []
  const api = (status: number, body: string) => {
    const fetch = async (_: unknown, init: RequestInit = {}) => {
      sent.push(init)
      return new Response(body, { status })
    }
    return createApi({ fetch: fetch as typeof globalThis.fetch, timeoutMs: 1000, now: () => 0 })
  }
  await api(201, '{}').post('/api/mutes', { all: true })
  expect(sent[0]).toMatchObject({
    ...{ method: 'POST', headers: { 'content-type': 'application/json' }, body: '{"all":true}' },
  })
  await expect(api(400, '{"detail":"until: has passed"}').post('/api/mutes', {})).rejects.toThrow('until: has passed')
  await expect(api(502, '<html>').post('/api/mutes', {})).rejects.toThrow('HTTP 502')
})
