import type { APIGatewayProxyEvent } from 'aws-lambda'
import { describe, expect, it } from 'vitest'
import type { Alert } from '../../functions/core/alert.ts'
import { newCursor } from '../../functions/core/cursor.ts'
import { toPosition } from '../../functions/core/lane.ts'
import { DAY_MS, dayOf, HOUR_MS, MINUTE_MS, SECOND_MS } from '../../functions/core/time.ts'
import type { QuarantineEntry, SpeedStore } from '../../functions/ports/speed-store.ts'
import { ENDPOINTS } from '../../functions/serving/endpoints.ts'
import { type ServingHandlerOptions, servingHandler } from '../../functions/serving/handler.ts'
import { type AnomalyRow, MOST_PAGED_LANES, type QuarantineRow, WindowRow } from '../../functions/serving/schemas.ts'
import { CLASSES, collectingLogger, NOON_MS, wireEvent } from '../support/factories.ts'
import { openOneLane } from '../support/one-lane.ts'

interface Request {
  method?: string
  query?: Record<string, string>
  headers?: Record<string, string>
}

const image = (class_name: string, ms: number, ndvi_mean = 0.5) =>
  JSON.stringify(wireEvent({ class_name, timestamp: new Date(ms).toISOString(), ndvi_mean }))

function refused(lane: string, sequence: number, arrivalMs: number, index = 0): QuarantineEntry {
  const bytes = Buffer.from(`{ "number": ${sequence}`)
  return { lane, position: toPosition(sequence), index, arrivalMs, reason: 'not-json', detail: 'is no JSON', bytes }
}

/**
 * Contract tests of the API, for any speed store.
 *
 * @param openStore opens an empty store for the running test
 */
export function describeServingApi(name: string, openStore: () => Promise<SpeedStore>): void {
  describe(`the API on ${name}`, () => {
    async function openApi(change: (serving: ServingHandlerOptions) => Partial<ServingHandlerOptions> = () => ({})) {
      const lane = await openOneLane({ slotMs: HOUR_MS, store: await openStore() })
      const logger = collectingLogger()
      const serving = { ...lane.pipeline.serving, logger }
      const handler = servingHandler({ ...serving, ...change(serving) })
      const ask = async (path: string, { method = 'GET', query, headers = {} }: Request = {}) => {
        const event = { httpMethod: method, path, headers, queryStringParameters: query ?? null }
        const {
          statusCode: status,
          headers: answered = {},
          body,
        } = await handler(event as unknown as APIGatewayProxyEvent)
        return { status, headers: answered as Record<string, string>, body }
      }
      return {
        ...lane,
        logger,
        ask,
        json: async (path: string, request?: Request) => JSON.parse((await ask(path, request)).body),
      }
    }

    // A path with a parameter needs something to name: a test of its own has it.
    const paths = ENDPOINTS.map(({ path }) => path).filter(path => !path.includes('{'))
    describe.each(paths)('GET %s', path => {
      const query = path === '/api/batch/days' ? { from: '2026-11-01', to: '2026-11-22' } : undefined
      const request = query ? { query } : {}

      it('answers with its schema, also without data', async () => {
        const { ask } = await openApi()
        const { status, headers, body } = await ask(path, request)
        expect(status).toBe(200)
        expect(headers).toMatchObject({
          'Content-Type': 'application/json',
          'Cache-Control': 'no-cache, stale-if-error=0',
        })
        const { schema, isTable } = ENDPOINTS.find(each => each.path === path) as (typeof ENDPOINTS)[number]
        for (const row of isTable ? JSON.parse(body) : [JSON.parse(body)]) schema.parse(row)
      })

      it('answers HEAD like GET without a body, and refuses all other methods', async () => {
        const { ask } = await openApi()
        const { headers, body } = await ask(path, request)
        const withLength = { ...headers, 'Content-Length': String(Buffer.byteLength(body)) }
        expect(await ask(path, { ...request, method: 'HEAD' })).toEqual({ status: 200, headers: withLength, body: '' })
        const refused = await ask(path, { ...request, method: 'DELETE' })
        expect([refused.status, refused.headers.Allow]).toEqual([405, 'GET, HEAD'])
      })

      it('refuses an unknown parameter and names it', async () => {
        const { ask } = await openApi()
        const { status, headers, body } = await ask(path, { query: { ...query, classs: 'Forest' } })
        expect([status, headers['Content-Type']]).toEqual([400, 'application/problem+json'])
        expect(JSON.parse(body).detail).toBe('classs: there is no such parameter')
      })
    })

    describe('an answer', () => {
      it('is not sent again to a client that has it: by ETag, weak or strong, one of several, or any', async () => {
        const { ask } = await openApi()
        const { ETag: tag = '' } = (await ask('/api/class-stats')).headers
        const strong = tag.replace('W/', '')
        for (const known of [tag, strong, `"other", ${tag}`, '*']) {
          const answer = await ask('/api/class-stats', { headers: { 'If-None-Match': known } })
          expect([answer.status, answer.body], known).toEqual([304, ''])
        }
        expect((await ask('/api/class-stats', { headers: { 'if-none-match': '"other"' } })).status).toBe(200)
      })

      it.each([
        [undefined, 'application/json'],
        ['*/*', 'application/json'],
        ['text/csv', 'text/csv; charset=utf-8'],
        ['text/html, text/*;q=0.8', 'text/csv; charset=utf-8'],
        ['text/csv;q=0.5, application/json', 'application/json'],
        ['application/json;q=0, */*', 'text/csv; charset=utf-8'],
      ])('to Accept %j is %s', async (accept, type) => {
        const { ask } = await openApi()
        const headers: Record<string, string> = accept === undefined ? {} : { Accept: accept }
        const answer = await ask('/api/class-stats', { headers })
        expect([answer.status, answer.headers['Content-Type']]).toEqual([200, type])
      })

      it.each(['image/png', 'application/json;q=0', 'text/html'])('is not available as %s', async accept => {
        const { ask } = await openApi()
        expect((await ask('/api/class-stats', { headers: { accept } })).status).toBe(406)
        expect((await ask('/api/health', { headers: { accept: 'text/csv' } })).status).toBe(406)
      })

      it('has as CSV the columns of its rows, and empty cells for null', async () => {
        const { ask, append, speed } = await openApi()
        await speed([append(image('Forest', NOON_MS)), append(image('SeaLake', NOON_MS, -0.25))])
        const { headers, body } = await ask('/api/class-stats', { query: { format: 'csv' } })
        expect(headers['Content-Disposition']).toBe('attachment; filename="landcover-class-stats.csv"')
        expect((await ask('/api/class-stats')).headers).not.toHaveProperty('Content-Disposition')
        const marked = await ask('/api/class-stats', { query: { format: 'csv-bom' } })
        expect([marked.headers['Content-Type'], marked.body]).toEqual([headers['Content-Type'], `\uFEFF${body}`])
        expect(body).toBe(
          'class_name,count,ndvi_avg,ndvi_stddev,ndvi_min,ndvi_max,red_avg,nir_avg,brightness_avg\r\n' +
            'Forest,1,0.5,,,,,,\r\n' +
            'SeaLake,1,-0.25,,,,,,\r\n',
        )
      })

      it('is 404 for an unknown address', async () => {
        const { ask } = await openApi()
        for (const path of ['/api', '/api/', '/api/nothing', '/api/class-stats/more']) {
          const { status, headers } = await ask(path)
          expect([status, headers['Content-Type']], path).toEqual([404, 'application/problem+json'])
        }
      })

      it.each([
        ['/api/anomalies', { limit: '0x10' }],
        ['/api/anomalies', { limit: '0' }],
        ['/api/anomalies', { limit: '1001' }],
        ['/api/anomalies', { min_score: '-1' }],
        ['/api/anomalies', { from: '2026-11' }],
        ['/api/anomalies', { from: '2026-02-30' }],
        ['/api/windows', { to: '17953560000' }],
        ['/api/anomalies', { from: '2026-11-22T00:00:00Z', to: '2026-11-21T00:00:00Z' }],
        ['/api/windows', { from: '2026-11-22T00:00:00Z', to: '2026-11-21T00:00:00Z' }],
        ['/api/batch/days', { from: '2026-11-22' }],
        ['/api/batch/days', { from: '2026-11-22', to: '2026-02-30' }],
        ['/api/batch/days', { from: '2026-11-22', to: '2026-11-21' }],
        ['/api/class-stats', { format: 'xml' }],
        ['/api/class-stats', { ['x'.repeat(2_100)]: '' }],
      ])('to %s with %j says that a parameter is not right', async (path, query) => {
        const { ask } = await openApi()
        const { status, body } = await ask(path, { query })
        expect([status, JSON.parse(body).title]).toEqual([400, 'A parameter is not right'])
      })
    })

    it('has no further page for an invalid cursor', async () => {
      const { ask } = await openApi()
      for (const after of ['nonsense', Buffer.from('[1]').toString('base64url')]) {
        const { status, body } = await ask('/api/anomalies', { query: { after } })
        expect([status, JSON.parse(body).detail]).toEqual([
          404,
          expect.stringContaining('after: there is no such page'),
        ])
      }
    })

    it.each(['/api/windows', '/api/anomalies'])('%s accepts a start long ago', async path => {
      const { ask } = await openApi()
      expect(await ask(path, { query: { from: '1970-01-01T00:00:00Z' } })).toMatchObject({ status: 200, body: '[]' })
    })

    describe('a range that is too long', () => {
      it.each([
        ['/api/windows', '1970-01-01', '2026-11-22', '2025-11-21T00:00:00.000Z/2026-11-22T00:00:00.000Z'],
        ['/api/windows', '2026-11-21', '2026-11-22', '2026-11-21T00:00:00.000Z/2026-11-22T00:00:00.000Z'],
        ['/api/anomalies', '2026-01-01', '2026-11-22', '2026-10-22T00:00:00.000Z/2026-11-22T00:00:00.000Z'],
        ['/api/anomalies', '2026-11-21', '2026-11-22', '2026-11-21T00:00:00.000Z/2026-11-22T00:00:00.000Z'],
        ['/api/batch/days', '1970-01-01', '2026-11-22', '2025-11-22/2026-11-22'],
        ['/api/batch/days', '2026-11-21', '2026-11-22', '2026-11-21/2026-11-22'],
      ])(
        'of %s from %s to %s is answered for its newest part, which the header says',
        async (path, from, to, range) => {
          const { ask } = await openApi()
          const { status, headers } = await ask(path, { query: { from, to } })
          expect([status, headers['Landcover-Range']]).toEqual([200, range])
        },
      )

      it('ends now, or at the newest image, when the request names no end', async () => {
        const { ask, append, speed } = await openApi()
        await speed([append(image('Forest', NOON_MS))])
        const endOf = async (path: string) => {
          const { headers, body } = await ask(path, { query: { from: '1970-01-01' } })
          return [headers['Landcover-Range'], JSON.parse(body).length]
        }
        expect(await endOf('/api/windows')).toEqual(['2025-11-21T12:00:00.001Z/2026-11-22T12:00:00.001Z', 1])
        expect(await endOf('/api/anomalies')).toEqual(['2026-10-22T12:00:00.001Z/2026-11-22T12:00:00.001Z', 0])
      })
    })

    describe('a class that is not known', () => {
      it.each([
        ['/api/windows', {}],
        ['/api/anomalies', {}],
        ['/api/batch/days', { from: '2026-11-21', to: '2026-11-22' }],
        ['/api/batch/separability', {}],
      ])('is a 404 of %s that lists near names', async (path, query) => {
        const { ask, json } = await openApi()
        const { status, headers } = await ask(path, { query: { ...query, class: 'forst' } })
        expect([status, headers['Content-Type']]).toEqual([404, 'application/problem+json'])
        expect(await json(path, { query: { ...query, class: 'forst' } })).toMatchObject({
          detail: 'class: "forst" is not known; near names are "Forest". GET /api/classes has all names',
          near: ['Forest'],
        })
        expect(await json(path, { query: { ...query, class: 'Moon' } })).toMatchObject({
          detail: 'class: "Moon" is not known; no name is near it. GET /api/classes has all names',
          near: [],
        })
      })

      it('is a 404 also while a class without images is an empty answer', async () => {
        const { ask } = await openApi()
        expect(await ask('/api/windows', { query: { class: 'SeaLake' } })).toMatchObject({ status: 200, body: '[]' })
      })
    })

    describe('the classes', () => {
      it('are those of the list, with their images, counted at most once in ten seconds', async () => {
        let reads = 0
        const { json, clock, append, speed } = await openApi(({ store }) => ({
          classes: async () => new Map([...[...CLASSES.keys()].map(name => [name, 0] as const), ['New', NOON_MS]]),
          store: {
            ...store,
            readRows(...asked) {
              reads++
              return store.readRows(...asked)
            },
          },
        }))
        await speed([append(image('Forest', NOON_MS)), append(image('Forest', NOON_MS))])
        const rows = (await json('/api/classes')) as { class_name: string }[]
        expect(rows.map(({ class_name }) => class_name)).toEqual([...CLASSES.keys(), 'New'].sort())
        const always = '1970-01-01T00:00:00.000Z'
        expect(rows).toContainEqual({ class_name: 'Forest', known_since: always, count: 2 })
        expect(rows).toContainEqual({ class_name: 'New', known_since: '2026-11-22T12:00:00.000Z', count: 0 })
        const before = reads
        await speed([append(image('Forest', NOON_MS))])
        clock.nowMs += 9 * SECOND_MS
        expect(await json('/api/classes')).toEqual(rows)
        expect(reads).toBe(before)
        clock.nowMs += SECOND_MS
        expect(await json('/api/classes')).toContainEqual({ class_name: 'Forest', known_since: always, count: 3 })
      })
    })

    describe('the API description', () => {
      it('has every endpoint with its parameters', async () => {
        const { json } = await openApi()
        const { openapi, paths, components } = await json('/api/openapi.json')
        expect(openapi).toBe('3.1.0')
        expect(Object.keys(paths)).toEqual([...ENDPOINTS.map(({ path }) => path), '/api/events'])
        expect(Object.keys(components.schemas)).toEqual(expect.arrayContaining(['WindowRow', 'Health', 'Problem']))
        const { schema } = paths['/api/windows'].get.responses[200].content['application/json']
        expect(schema).toEqual({ type: 'array', items: { $ref: '#/components/schemas/WindowRow' } })
        const parameters = paths['/api/anomalies'].get.parameters.map(({ name }: { name: string }) => name)
        expect(parameters).toEqual(['limit', 'class', 'rule', 'min_score', 'from', 'to', 'after', 'format'])
      })

      it('says how to send events: what one is, the key of a retry, the signature on AWS, and the responses', async () => {
        const { ask, json } = await openApi()
        const { paths, components } = await json('/api/openapi.json')
        const { post } = paths['/api/events']
        const [key] = post.parameters
        expect([key.name, key.in, key.required]).toEqual(['Idempotency-Key', 'header', false])
        expect(post.security).toEqual([{}, { signature: [] }])
        expect(components.securitySchemes.signature).toMatchObject({ in: 'header', name: 'Authorization' })
        expect(Object.keys(post.responses)).toEqual(expect.arrayContaining(['202', '400', '413', '415', '429', '503']))
        expect(Object.keys(post.requestBody.content)).toEqual(['application/json', 'application/x-ndjson'])
        const { headers, body } = await ask('/api/schemas/event.json')
        expect(headers['Content-Type']).toBe('application/schema+json')
        const { $schema, ...schema } = JSON.parse(body)
        expect($schema).toBe('https://json-schema.org/draft/2020-12/schema')
        expect(schema).toEqual(components.schemas.Event)
        const page = (await ask('/api/docs')).body
        for (const field of Object.keys(schema.properties)) expect(page).toContain(field)
      })

      it('says that nothing can be read where events are sent', async () => {
        const { ask } = await openApi()
        const { status, headers, body } = await ask('/api/events')
        expect([status, headers.Allow, JSON.parse(body).title]).toEqual([405, 'POST', 'Events can only be sent here'])
      })

      it('is also a page for people, which loads nothing else', async () => {
        const { ask } = await openApi()
        const { headers, body } = await ask('/api/docs')
        expect(headers['Content-Type']).toBe('text/html; charset=utf-8')
        for (const { path } of ENDPOINTS) expect(body).toContain(`GET ${path}`)
        expect(body).not.toMatch(/<script|src=|https?:/)
      })
    })

    describe('a series of windows', () => {
      it('covers a range, oldest first, and can be limited to a class', async () => {
        const { json, clock, append, speed } = await openApi()
        const times = [0, 5, 10, 25].map(minutes => NOON_MS + minutes * MINUTE_MS)
        clock.nowMs = NOON_MS + HOUR_MS
        await speed(times.flatMap(ms => [append(image('SeaLake', ms)), append(image('Forest', ms))]))
        const starts = (rows: WindowRow[]) =>
          rows.map(row => [WindowRow.parse(row).window_start.slice(11, 16), row.class_name, row.count])
        expect(starts(await json('/api/windows'))).toEqual([
          ['12:00', 'Forest', 2],
          ['12:00', 'SeaLake', 2],
          ['12:10', 'Forest', 1],
          ['12:10', 'SeaLake', 1],
          ['12:20', 'Forest', 1],
          ['12:20', 'SeaLake', 1],
        ])
        const range = { from: '2026-11-22T12:10:00Z', to: '2026-11-22T12:20:00Z', class: 'Forest' }
        expect(starts(await json('/api/windows', { query: range }))).toEqual([['12:10', 'Forest', 1]])
      })

      it('begins at a time, a day or milliseconds since 1970', async () => {
        const { json, append, speed } = await openApi()
        const midnightMs = Date.parse('2026-11-22T00:00:00Z')
        await speed([append(image('Forest', midnightMs - 1)), append(image('Forest', midnightMs))])
        for (const from of ['2026-11-22T00:00:00Z', '2026-11-22t01:00:00+01:00', '2026-11-22', String(midnightMs)]) {
          const rows: WindowRow[] = await json('/api/windows', { query: { from } })
          expect(
            rows.map(row => row.window_start),
            from,
          ).toEqual(['2026-11-22T00:00:00.000Z'])
        }
      })

      it('has daily values for older times, without a gap', async () => {
        const { json, pipeline, clock, append, heartbeat, speed, archive } = await openApi()
        const events = Array.from({ length: 12 }, (_, day) => ({ day, ms: NOON_MS + day * DAY_MS }))
        for (const { ms } of events) {
          clock.nowMs = ms + MINUTE_MS
          const records = [append(image('Forest', ms)), append(image('Forest', ms))]
          clock.nowMs += 3 * HOUR_MS
          records.push(heartbeat())
          await speed(records)
          await archive(records)
        }
        await pipeline.runBatch()
        const query = { from: new Date(NOON_MS - DAY_MS).toISOString(), to: new Date(clock.nowMs).toISOString() }
        const rows = (await json('/api/windows', { query })) as WindowRow[]
        expect(rows.map(({ count }) => count)).toEqual(events.map(() => 2))
        const lengths = rows.map(row => (Date.parse(row.window_end) - Date.parse(row.window_start)) / MINUTE_MS)
        expect(lengths).toEqual([...Array(4).fill(DAY_MS / MINUTE_MS), ...Array(8).fill(10)])
      })
    })

    describe('the joined answer', () => {
      it('says how fresh it is: the newest arrival, the end of the batch view, and the closed windows', async () => {
        const { ask, json, pipeline, clock, append, heartbeat, speed, archive } = await openApi()
        const told = async () => {
          const { headers } = await ask('/api/class-stats')
          return ['As-Of', 'Batch-Cut', 'Watermark'].map(name => headers[`Landcover-${name}`]?.slice(11, 19))
        }
        expect(await told()).toEqual([undefined, undefined, undefined])
        for (let hour = 0; hour < 4; hour++) {
          clock.nowMs = NOON_MS + hour * HOUR_MS
          const records = [append(image('Forest', clock.nowMs)), heartbeat()]
          await speed(records)
          await archive(records)
        }
        expect(await told()).toEqual(['15:00:00', undefined, '14:55:00'])
        await pipeline.runBatch()
        expect(await told()).toEqual(['15:00:00', '14:00:00', '14:55:00'])
        const { batch, watermark } = await json('/api/health')
        expect([batch.cut, watermark].map((time: string) => time.slice(11, 19))).toEqual(['14:00:00', '14:55:00'])
      })
    })

    describe('the newest windows', () => {
      it('include late images, which do not create another window', async () => {
        const { json, clock, append, speed } = await openApi()
        await speed(Array.from({ length: 10 }, () => append(image('Forest', NOON_MS))))
        clock.nowMs = NOON_MS + 3 * HOUR_MS
        await speed([append(image('Forest', NOON_MS, -0.9)), append(image('Forest', clock.nowMs))])
        const rows = (await json('/api/realtime/ndvi')) as WindowRow[]
        expect(rows.map(({ window_start, count }) => [window_start.slice(11, 16), count])).toEqual([['15:00', 1]])
        const query = { from: new Date(NOON_MS).toISOString() }
        expect((await json('/api/windows', { query })).map(({ count }: WindowRow) => count)).toEqual([11, 1])
      })
    })

    describe('anomalies', () => {
      const alert = (className: string, eventMs: number, imageId: string, changes: Partial<Alert> = {}): Alert => ({
        ...{ className, eventMs, imageId, day: dayOf(eventMs) },
        ...{ ndviMean: 100_000, ndviMin: null, ndviMax: null, rule: 'class-zscore', score: -3, baselineVersion: 1 },
        ...changes,
      })

      async function openWith(alerts: Alert[]) {
        const api = await openApi()
        api.clock.nowMs = NOON_MS + MINUTE_MS
        await api.speed([api.append(image('Forest', NOON_MS))])
        await api.pipeline.store.putAlerts(alerts)
        return api
      }

      it('come in pages that together contain each of them once, in order', async () => {
        const classes = [...CLASSES.keys()]
        const alerts = Array.from({ length: 500 }, (_, at) =>
          // Some have the same time, and at one time there are more than one read returns.
          alert(
            classes[at % classes.length] as string,
            NOON_MS - (at < 240 ? 0 : Math.floor(at / 7) * HOUR_MS),
            `image-${at}`,
          ),
        )
        const { ask } = await openWith(alerts)
        const seen: string[] = []
        let path = '/api/anomalies?limit=37'
        for (let pages = 0; path; pages++) {
          expect(pages).toBeLessThan(20)
          const url = new URL(path, 'http://localhost/api/anomalies')
          const { headers, body } = await ask(url.pathname, { query: Object.fromEntries(url.searchParams) })
          for (const row of JSON.parse(body) as AnomalyRow[]) seen.push(`${row.timestamp} ${row.image_id.padStart(10)}`)
          path = /^<([^>]+)>; rel="next"$/.exec(headers.Link ?? '')?.[1] ?? ''
        }
        expect(seen).toHaveLength(500)
        expect(new Set(seen).size).toBe(500)
        const times = seen.map(each => each.slice(0, 24))
        expect(times).toEqual([...times].sort().reverse())
      })

      it('come in pages in the order of the store, for any image names', async () => {
        const names = ['tile-🛰', 'tile-Ａ', 'tile-a', '衛'.repeat(256)]
        const { ask } = await openWith(names.map(name => alert('Forest', NOON_MS, name)))
        const seen: string[] = []
        let query: Record<string, string> = { limit: '1' }
        for (let pages = 0; pages < 9; pages++) {
          const { status, headers, body } = await ask('/api/anomalies', { query })
          expect(status, body).toBe(200)
          seen.push(...(JSON.parse(body) as AnomalyRow[]).map(row => row.image_id))
          const next = /^<\?([^>]+)>/.exec(headers.Link ?? '')?.[1]
          if (!next) break
          query = Object.fromEntries(new URLSearchParams(next))
        }
        expect(seen).toHaveLength(4)
        expect(new Set(seen)).toEqual(new Set(names))
      })

      it('need a bounded number of reads, and say where to continue', async () => {
        const alerts = Array.from({ length: 3_000 }, (_, at) =>
          alert('Forest', NOON_MS - at * MINUTE_MS, `image-${at}`),
        )
        alerts.push(alert('Forest', NOON_MS - 5 * DAY_MS, 'far', { score: 99 }))
        let reads = 0
        const { ask, pipeline, append, speed } = await openApi(({ store }) => ({
          store: {
            ...store,
            readAlerts(query) {
              reads++
              return store.readAlerts(query)
            },
          },
        }))
        await speed([append(image('Forest', NOON_MS))])
        await pipeline.store.putAlerts(alerts)
        const seen: string[] = []
        let query: Record<string, string> = { min_score: '50' }
        for (let pages = 0; ; pages++) {
          expect(pages).toBeLessThan(30)
          reads = 0
          const { headers, body } = await ask('/api/anomalies', { query })
          expect(reads).toBeLessThanOrEqual(210)
          seen.push(...(JSON.parse(body) as AnomalyRow[]).map(row => row.image_id))
          const next = /^<\?([^>]+)>/.exec(headers.Link ?? '')?.[1]
          if (!next) break
          query = Object.fromEntries(new URLSearchParams(next))
        }
        expect(seen).toEqual(['far'])
      })

      it('can be filtered by class, rule, range and score', async () => {
        const { json } = await openWith([
          alert('Forest', NOON_MS, 'a'),
          alert('Forest', NOON_MS - HOUR_MS, 'b', { score: 5 }),
          alert('SeaLake', NOON_MS - 2 * HOUR_MS, 'c', { rule: 'image-range' }),
          alert('Forest', NOON_MS - 26 * HOUR_MS, 'd', { score: -6 }),
        ])
        const found = async (query: Record<string, string>) =>
          ((await json('/api/anomalies', { query })) as AnomalyRow[]).map(row => row.image_id).join('')
        expect(await found({})).toBe('abcd')
        expect(await found({ class: 'Forest' })).toBe('abd')
        expect(await found({ rule: 'image-range' })).toBe('c')
        expect(await found({ min_score: '4.5' })).toBe('bd')
        expect(await found({ from: new Date(NOON_MS - 2 * HOUR_MS).toISOString() })).toBe('abc')
        expect(await found({ to: new Date(NOON_MS).toISOString() })).toBe('bcd')
        expect(await found({ limit: '2' })).toBe('ab')
      })
    })

    describe('the quarantine', () => {
      it('has what was refused, with its reason, its place and its first bytes as text', async () => {
        const { ask, json, clock, append, speed } = await openApi()
        const bad = '<img src=x onerror=alert(1)>'
        await speed([append(`${image('Forest', NOON_MS)}\n${bad}`)])
        clock.nowMs = NOON_MS + SECOND_MS
        await speed([append(image('Moon', NOON_MS)), append(Buffer.from([0x1f, 0x8b, 0x08, 0x00, 0x5c]))])
        const rows = (await json('/api/quarantine')) as QuarantineRow[]
        expect(rows.map(row => [row.reason, row.position, row.line])).toEqual([
          ['cannot-decompress', '3', null],
          ['unknown-class', '2', 0],
          ['not-json', '1', 1],
        ])
        expect(rows[0]).toMatchObject({ bytes: 5, beginning: '\\x1f\\x8b\\x08\\x00\\\\' })
        expect(rows[2]).toMatchObject({
          arrived_at: '2026-11-22T12:00:00.000Z',
          detail: expect.stringMatching(/./),
          bytes: bad.length,
          beginning: bad,
        })
        expect((await ask('/api/quarantine')).headers).toMatchObject({ 'Content-Type': 'application/json' })
      })

      it('comes in pages that together contain each entry once, newest first, from all lanes or one', async () => {
        const { ask, pipeline } = await openApi()
        const lanes = ['lane-a', 'lane-b', 'lane-c']
        for (const lane of lanes) await pipeline.store.createCursor(newCursor(lane))
        const entries = Array.from({ length: 90 }, (_, at) =>
          // Several have the same time, and the hours have gaps.
          refused(lanes[at % (at < 30 ? 1 : 3)] as string, at, NOON_MS + Math.floor(at / 4) * 17 * MINUTE_MS),
        )
        await pipeline.store.quarantine(entries)
        const pages = async (query: Record<string, string>) => {
          const rows: QuarantineRow[] = []
          for (let next: Record<string, string> | null = query; next; ) {
            expect(rows.length).toBeLessThan(entries.length)
            const { headers, body } = await ask('/api/quarantine', { query: next })
            rows.push(...(JSON.parse(body) as QuarantineRow[]))
            const link = /^<\?([^>]+)>/.exec(headers.Link ?? '')?.[1]
            next = link === undefined ? null : Object.fromEntries(new URLSearchParams(link))
          }
          return rows
        }
        for (const limit of ['7', '30', '100']) {
          const rows = await pages({ limit })
          expect(new Set(rows.map(row => row.position)).size).toBe(90)
          expect(rows).toHaveLength(90)
          const times = rows.map(row => row.arrived_at)
          expect(times).toEqual([...times].sort().reverse())
          const ofLane = await pages({ limit, lane: 'lane-b' })
          expect(ofLane).toEqual(rows.filter(({ lane }) => lane === 'lane-b'))
        }
      })

      it('is bounded in rows and bytes, whatever was refused', async () => {
        const { ask, pipeline } = await openApi()
        const lanes = Array.from({ length: MOST_PAGED_LANES + 1 }, (_, at) => `lane-${at}`)
        for (const lane of lanes) await pipeline.store.createCursor(newCursor(lane))
        const entries = lanes.flatMap((lane, at) =>
          Array.from({ length: 20 }, (_, line) => ({
            ...refused(lane, at, NOON_MS, line),
            bytes: Buffer.alloc(100_000, 0xff),
          })),
        )
        await pipeline.store.quarantine(entries)
        const { headers, body } = await ask('/api/quarantine', { query: { limit: '100' } })
        expect(JSON.parse(body)).toHaveLength(100)
        expect(body.length).toBeLessThan(300_000)
        // A place in each lane would make the address too long.
        expect(headers).not.toHaveProperty('Link')
        const last = await ask('/api/quarantine', { query: { lane: 'lane-15', limit: '19' } })
        expect(last.headers.Link).toMatch(/after=/)
      })

      it('names what it does not know', async () => {
        const { ask } = await openApi()
        const place = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url')
        const refusals: Record<string, string>[] = [
          { lane: 'nowhere' },
          { after: 'nonsense' },
          { after: place([['lane', -1, '1', null]]) },
          { after: place([['lane', 9e15, '1', null]]) },
          { after: place([['lane', 1, 'x', null]]) },
        ]
        for (const query of refusals) {
          const { status, body } = await ask('/api/quarantine', { query })
          expect([status, JSON.parse(body).detail]).toEqual([404, expect.stringMatching(/^(lane|after): there is no/)])
        }
        expect((await ask('/api/quarantine', { query: { limit: '101' } })).status).toBe(400)
      })
    })

    describe('while the store does not answer', () => {
      const broken = () => Promise.reject(new Error('down'))

      it('the last good answer is given with its age; without one, or if it is too old, the answer is 503', async () => {
        let isDown = false
        const { ask, clock, append, speed, logger } = await openApi(({ store }) => ({
          store: { ...store, readCursors: () => (isDown ? broken() : store.readCursors()) },
        }))
        await speed([append(image('Forest', NOON_MS))])
        const good = await ask('/api/class-stats')
        expect(good.headers).not.toHaveProperty('Age')
        isDown = true
        clock.nowMs += 90 * SECOND_MS
        const old = await ask('/api/class-stats')
        expect(old).toMatchObject({ status: 200, body: good.body, headers: { Age: '90' } })
        expect(logger.lines.at(-1)?.message).toContain('an older answer was given')
        expect((await ask('/api/windows')).status).toBe(503)
        // Answers about the system itself are never old ones.
        expect(await ask('/api/health')).toMatchObject({ status: 503, headers: { 'Retry-After': '5' } })
        clock.nowMs += 10 * MINUTE_MS
        expect((await ask('/api/class-stats')).status).toBe(503)
        isDown = false
        expect((await ask('/api/class-stats')).headers).not.toHaveProperty('Age')
      })
    })
  })
}
