import { describe, expect, it } from 'vitest'
import { isDecisionsPath } from '../../../functions/decisions/handler.ts'
import { ENDPOINTS } from '../../../functions/serving/endpoints.ts'
import { NOON_MS } from '../../support/factories.ts'

import { image, type OpenApi } from './open-api.ts'

/** Contract tests of what all answers have in common. */
export function describeAnswers(openApi: OpenApi): void {
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
      expect([refused.status, refused.headers.Allow]).toEqual([
        405,
        isDecisionsPath(path) ? 'GET, HEAD, POST' : 'GET, HEAD',
      ])
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
    ])('to %s with %j says that a parameter is not valid', async (path, query) => {
      const { ask } = await openApi()
      const { status, body } = await ask(path, { query })
      expect([status, JSON.parse(body).title]).toEqual([400, 'A parameter is not right'])
    })
  })
}
