import { writeFileSync } from 'node:fs'
import { type IncomingHttpHeaders, request } from 'node:http'
import { join } from 'node:path'
import { buffer } from 'node:stream/consumers'
import { brotliDecompressSync, gunzipSync } from 'node:zlib'
import type { APIGatewayProxyEvent } from 'aws-lambda'
import { describe, expect, it, onTestFinished } from 'vitest'
import { parseOrigins, READ_ONLY_CORS } from '../../../functions/http/cors.ts'
import { startHttpServer } from '../../../functions/runtime/local/http-server.ts'
import { collectingLogger } from '../../support/factories.ts'
import { temporaryFolder } from '../../support/temporary-folder.ts'

const ROWS = JSON.stringify(Array.from({ length: 100 }, (_, at) => ({ class_name: 'Forest', count: at })))
const PAGE = '<!doctype html>'.padEnd(5_000, '<p>')
const OTHER = 'https://other.example.org'

async function open(allowedOrigins: readonly string[] = []) {
  const site = temporaryFolder()
  writeFileSync(join(site, 'index.html'), PAGE)
  const asked: { by: string; event: APIGatewayProxyEvent }[] = []
  const handler = (by: string, statusCode: number) => async (event: APIGatewayProxyEvent) => {
    asked.push({ by, event })
    const headers = { 'Content-Type': 'application/json', ETag: '"a"', Vary: 'Accept' }
    return { statusCode, headers, body: event.httpMethod === 'HEAD' ? '' : ROWS }
  }
  const server = await startHttpServer({ site, address: '127.0.0.1', port: 0, allowedOrigins, allowedHosts: [] })
  server.serve({
    serving: handler('serving', 200),
    ingest: handler('ingest', 202),
    decisions: handler('decisions', 201),
    probes: new Map(),
    logger: collectingLogger(),
  })
  onTestFinished(() => server.close())
  const ask = async (path: string, headers: Record<string, string> = {}, method = 'GET', body = '') => {
    const answered = await new Promise<{ status: number; headers: IncomingHttpHeaders; body: Buffer }>(
      (resolve, reject) => {
        const sent = request({ host: '127.0.0.1', port: server.port, path, method, headers }, async response => {
          resolve({ status: response.statusCode ?? 0, headers: response.headers, body: await buffer(response) })
        })
        sent.on('error', reject).end(body)
      },
    )
    return answered
  }
  return { asked, ask }
}

describe('an answer over HTTP', () => {
  it.each([
    ['gzip', gunzipSync],
    ['br', brotliDecompressSync],
  ])('is compressed by %s, for the API and for the page', async (encoding, decode) => {
    const { ask } = await open()
    for (const [path, content] of [
      ['/api/class-stats', ROWS],
      ['/', PAGE],
    ] as const) {
      const { headers, body } = await ask(path, { 'Accept-Encoding': encoding })
      expect(headers['content-encoding'], path).toBe(encoding)
      expect(headers.vary, path).toContain('Accept-Encoding')
      expect(body.length, path).toBeLessThan(content.length / 4)
      expect(decode(body).toString(), path).toBe(content)
    }
  })

  it('is not compressed for a client that accepts no compression, and varies by Accept, too', async () => {
    const { ask } = await open()
    const { headers, body } = await ask('/api/class-stats')
    expect(headers).not.toHaveProperty('content-encoding')
    expect([headers.vary, headers['content-length']]).toEqual(['Accept, Accept-Encoding', String(ROWS.length)])
    expect(body.toString()).toBe(ROWS)
  })

  it('of a file is the whole file, and files can only be read', async () => {
    const { ask } = await open()
    for (const range of ['bytes=0-9', 'bytes=x']) {
      const part = await ask('/', { Range: range })
      expect([part.status, part.body.toString()], range).toEqual([200, PAGE])
    }
    const { status, headers } = await ask('/', {}, 'DELETE')
    expect([status, headers.allow]).toEqual([405, 'GET, HEAD'])
  })

  it('depends on the exact target of the request', async () => {
    const { ask, asked } = await open()
    await ask('/api/windows?from=2026-11-22T00:00:00Z&class=A%26B&class=Caf%C3%A9?', { Accept: 'text/csv' })
    expect(asked[0]).toMatchObject({
      by: 'serving',
      event: {
        ...{ httpMethod: 'GET', path: '/api/windows', headers: { accept: 'text/csv' } },
        queryStringParameters: { from: '2026-11-22T00:00:00Z', class: 'Café?' },
        multiValueQueryStringParameters: { from: ['2026-11-22T00:00:00Z'], class: ['A&B', 'Café?'] },
      },
    })
  })

  it('comes from the handler of decisions for incidents and mutes', async () => {
    const { asked, ask } = await open()
    for (const path of ['/api/mutes', '/api/mutes/1/end', '/api/incidents/a/decisions', '/api/incidents']) {
      await ask(path, {}, 'POST', '{}')
    }
    await ask('/api/mutes')
    expect(asked.map(({ by }) => by)).toEqual(['decisions', 'decisions', 'decisions', 'serving', 'serving'])
  })

  it('comes from the ingest handler for events, and from no handler when the body is too large', async () => {
    const { ask, asked } = await open()
    expect((await ask('/api/events?key=1', {}, 'POST', '{}')).status).toBe(202)
    expect(Buffer.from(asked[0]?.event.body ?? '', 'base64').toString()).toBe('{}')
    expect((await ask('/api/events', {}, 'POST', 'x'.repeat(10 * 1024 * 1024 + 1))).status).toBe(413)
    expect((await ask('/api/events')).status).toBe(200)
    expect(asked.map(({ by }) => by)).toEqual(['ingest', 'serving'])
  })
})

describe('a page of another origin', () => {
  const PREFLIGHT = {
    Origin: OTHER,
    'Access-Control-Request-Method': 'GET',
    'Access-Control-Request-Headers': 'if-none-match',
  }

  it('may read nothing without permission', async () => {
    for (const allowed of [[], ['https://example.org']]) {
      const { ask } = await open(allowed)
      for (const answer of [
        await ask('/api/class-stats', { Origin: OTHER }),
        await ask('/api/class-stats', PREFLIGHT, 'OPTIONS'),
      ]) {
        expect(answer.headers).not.toHaveProperty('access-control-allow-origin')
      }
    }
  })

  it.each([
    [OTHER, OTHER, 'Origin, Accept, Accept-Encoding'],
    ['*', '*', 'Accept, Accept-Encoding'],
  ])(
    'may read when %s is allowed, including the headers about freshness and completeness',
    async (allowed, said, vary) => {
      const { ask } = await open(['https://example.org', allowed])
      const { status, headers, body } = await ask('/api/class-stats', { Origin: OTHER })
      expect([status, body.toString()]).toEqual([200, ROWS])
      expect(headers).toMatchObject({
        'access-control-allow-origin': said,
        'access-control-expose-headers': READ_ONLY_CORS.exposedHeaders.join(),
        vary,
      })
      expect(headers).not.toHaveProperty('access-control-allow-credentials')
    },
  )

  it('gets this permission before it sends a tag, without a call of a handler', async () => {
    const { ask, asked } = await open([OTHER])
    const { status, headers, body } = await ask('/api/class-stats', PREFLIGHT, 'OPTIONS')
    expect([status, body.length]).toEqual([204, 0])
    expect(headers).toMatchObject({
      'access-control-allow-origin': OTHER,
      'access-control-allow-methods': 'GET,HEAD',
      'access-control-allow-headers': 'If-None-Match',
    })
    expect(asked).toEqual([])
  })

  it('may send nothing', async () => {
    const { ask } = await open([OTHER])
    const asking = { Origin: OTHER, 'Access-Control-Request-Method': 'POST' }
    const { headers } = await ask('/api/events', asking, 'OPTIONS')
    expect(headers['access-control-allow-methods']).toBe('GET,HEAD')
    expect(headers['access-control-allow-headers']).toBe('If-None-Match')
    expect((await ask('/api/events', { Origin: OTHER }, 'POST')).headers).not.toHaveProperty(
      'access-control-allow-origin',
    )
  })
})

describe('origins', () => {
  it('are a list with commas', () => {
    const text = 'https://example.org, http://localhost:3000,*'
    expect(parseOrigins(text)).toEqual(['https://example.org', 'http://localhost:3000', '*'])
  })

  it.each([
    '',
    'example.org',
    'https://example.org/',
    'https://example.org/page',
    'https://EXAMPLE.org',
    'https://example.org:443',
    'https://user@example.org',
    'ftp://example.org',
    'null',
    'https://*.example.org',
    'https://example.org,',
  ])('are not %j', text => {
    expect(() => parseOrigins(text)).toThrow('is not an origin: write https://example.org')
  })
})

describe('a server whose system is starting', () => {
  it('says so for the API, and serves the page; then it passes requests on', async () => {
    const site = temporaryFolder()
    writeFileSync(join(site, 'index.html'), PAGE)
    const server = await startHttpServer({ site, address: '127.0.0.1', port: 0, allowedOrigins: [], allowedHosts: [] })
    onTestFinished(() => server.close())
    const ask = (path: string, init?: RequestInit) => fetch(`http://localhost:${server.port}${path}`, init)
    for (const answer of [await ask('/api/health'), await ask('/api/events', { method: 'POST', body: ROWS })]) {
      expect([answer.status, answer.headers.get('retry-after')]).toEqual([503, '5'])
      expect(await answer.json()).toMatchObject({ title: 'The system is starting' })
    }
    expect(await (await ask('/')).text()).toBe(PAGE)
    const answer = async () => ({ statusCode: 200, body: ROWS })
    const probe = async () => ({ statusCode: 200, headers: { 'Content-Type': 'text/plain' }, body: 'yes' })
    const probes = new Map(['/livez', '/readyz', '/metrics'].map(path => [path, probe]))
    const probed = async () => {
      const answers = await Promise.all([...probes.keys()].map(path => ask(path)))
      return answers.map(({ status }) => status)
    }
    expect(await probed()).toEqual([200, 503, 503])
    expect(await (await ask('/readyz')).json()).toMatchObject({ title: 'The system is starting' })
    server.serve({ serving: answer, ingest: answer, decisions: answer, probes, logger: collectingLogger() })
    expect(await (await ask('/api/health')).text()).toBe(ROWS)
    expect(await probed()).toEqual([200, 200, 200])
    expect(await (await ask('/readyz?verbose')).text()).toBe('yes')
    const head = await ask('/readyz', { method: 'HEAD' })
    expect([head.status, await head.text()]).toEqual([200, ''])
    expect((await ask('/readyz', { method: 'POST' })).status).toBe(405)
    expect((await ask('/readyz/more')).status).toBe(404)
  })
})
