import { writeFileSync } from 'node:fs'
import { connect, type Socket } from 'node:net'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import type { APIGatewayProxyEvent } from 'aws-lambda'
import { describe, expect, it, onTestFinished } from 'vitest'
import { type HttpLimits, startHttpServer } from '../../../functions/runtime/local/http-server.ts'
import type { TokenRule } from '../../../functions/runtime/local/token.ts'
import { collectingLogger } from '../../support/factories.ts'
import { temporaryFolder } from '../../support/temporary-folder.ts'

interface Opened {
  allowedHosts?: string[]
  token?: TokenRule
  limits?: HttpLimits
  serving?(event: APIGatewayProxyEvent): Promise<string>
}

const LONG_MS = 60_000
const GENEROUS: HttpLimits = {
  ...{ headersMs: LONG_MS, requestMs: LONG_MS, checkEveryMs: LONG_MS },
  ...{ connections: 100, bodyBytes: 1_000_000 },
}

async function open({
  allowedHosts = [],
  token,
  limits = GENEROUS,
  serving = async ({ path }) => `asked ${path}`,
}: Opened = {}) {
  const site = temporaryFolder()
  writeFileSync(join(site, 'index.html'), 'the page')
  const logger = collectingLogger()
  const posted: string[] = []
  const server = await startHttpServer({
    site,
    address: '127.0.0.1',
    port: 0,
    allowedOrigins: [],
    allowedHosts,
    token,
    limits,
  })
  server.serve({
    serving: async event => ({ statusCode: 200, body: await serving(event) }),
    async ingest({ body }) {
      posted.push(Buffer.from(body ?? '', 'base64').toString())
      return { statusCode: 202, body: '' }
    },
    probes: new Map(),
    logger,
    decisions: async () => ({ statusCode: 201, body: '' }),
  })
  onTestFinished(() => server.close())
  const connection = (): Socket => {
    const socket = connect(server.port, '127.0.0.1')
    onTestFinished(() => void socket.destroy())
    return socket
  }
  /** Sends bytes unchanged. @returns status, and the body of the whole answer */
  const exchange = async (request: string) => {
    const socket = connection()
    socket.write(request)
    return parsed(await text(socket))
  }
  const ask = (target: string, host: string | null, method = 'GET', more = '', body = '') =>
    exchange(
      `${method} ${target} HTTP/1.1\r\n${host === null ? '' : `Host: ${host}\r\n`}Connection: close\r\n${more}\r\n${body}`,
    )
  return { ...server, logger, posted, connection, exchange, ask }
}

function parsed(answer: string) {
  const [head = '', ...body] = answer.split('\r\n\r\n')
  return {
    status: Number(/^HTTP\/1\.1 (\d{3})/.exec(head)?.[1]),
    isProblem: /^content-type: application\/problem\+json\r?$/im.test(head),
    head,
    body: body.join('\r\n\r\n'),
  }
}

/** Checks that every failure has a problem body with its own status. */
function expectProblem({ status, isProblem, body }: ReturnType<typeof parsed>, wanted: number): void {
  expect({ status, isProblem }).toEqual({ status: wanted, isProblem: true })
  expect(JSON.parse(body)).toMatchObject({ status: wanted, title: expect.any(String), detail: expect.any(String) })
}

const JSON_BODY = 'Content-Type: application/json\r\nContent-Length: 2\r\n'

describe('a request for another host name', () => {
  it.each([
    ['a file', '/', 'GET', '', ''],
    ['the API', '/api/class-stats', 'GET', '', ''],
    ['events', '/api/events', 'POST', JSON_BODY, '{}'],
    ['a question before one', '/api/class-stats', 'OPTIONS', '', ''],
  ])('is refused for %s', async (_, target, method, more, body) => {
    const { ask, posted } = await open({ allowedHosts: ['dash.example.org'] })
    const refused = await ask(target, 'evil.example', method, more, body)
    expectProblem(refused, 421)
    expect(refused.head).not.toMatch(/access-control/i)
    expect(refused.body).toContain('--allow-host')
    expect(posted).toEqual([])
    for (const own of ['localhost:1', '127.0.0.1', '[::1]:8', 'a.localhost', 'dash.example.org:80']) {
      expect((await ask(target, own, method, more, body)).status, own).not.toBe(421)
    }
  })

  it('is refused when it has two host names, or none', async () => {
    const { ask, exchange } = await open()
    expectProblem(await ask('/', 'localhost\r\nHost: evil.example'), 400)
    expectProblem(await ask('/', 'localhost\r\nHost: localhost'), 400)
    expectProblem(await ask('/', null), 400)
    expectProblem(await ask('/', ''), 421)
    // A client that sends no Host header (HTTP/1.0) is not a browser.
    expect((await exchange('GET / HTTP/1.0\r\n\r\n')).status).toBe(200)
  })
})

describe('a system that asks for a token', () => {
  const TOKEN = 'f3b1c0de-f3b1c0de-f3b1c0de'
  const given = (text: string) => `Authorization: Bearer ${text}\r\n`

  it('takes events only with it, and answers readers without it', async () => {
    const { ask, posted } = await open({ token: { token: TOKEN, scope: 'writes' } })
    for (const more of ['', given('f3b1c0de-f3b1c0de-f3b1c0d3')]) {
      const refused = await ask('/api/events', 'localhost', 'POST', more + JSON_BODY, '{}')
      expectProblem(refused, 401)
      expect(refused.head).toMatch(/www-authenticate: bearer/i)
    }
    expect(posted).toEqual([])
    expect((await ask('/api/events', 'localhost', 'POST', given(TOKEN) + JSON_BODY, '{}')).status).toBe(202)
    expect(posted).toEqual(['{}'])
    expect((await ask('/api/health', 'localhost')).status).toBe(200)
    // Another name is refused first: its page learns nothing.
    expectProblem(await ask('/api/events', 'evil.example', 'POST', JSON_BODY, '{}'), 421)
  })

  it('answers a client that is still sending a large body', async () => {
    const { ask } = await open({ token: { token: TOKEN, scope: 'writes' } })
    const body = 'x'.repeat(4 * 1024 * 1024)
    const head = `Content-Type: application/json\r\nContent-Length: ${body.length}\r\n`
    expectProblem(await ask('/api/events', 'localhost', 'POST', head, body), 401)
  })

  it('gives files and answers only with it when everything needs it, also for targets in absolute form', async () => {
    const { ask } = await open({ token: { token: TOKEN, scope: 'all' } })
    for (const target of ['/', '/api/health', 'http://localhost:8000/api/health']) {
      expectProblem(await ask(target, 'localhost'), 401)
      expect((await ask(target, 'localhost', 'GET', given(TOKEN))).status).toBe(200)
    }
  })
})

describe('a target in absolute form', () => {
  it.each([
    ['http://localhost:8000/api/health?a=b', 'asked /api/health'],
    ['HTTP://127.0.0.1/api/health', 'asked /api/health'],
    ['http://localhost/', 'the page'],
    ['http://localhost', 'the page'],
    ['http://localhost?a', 'the page'],
  ])('%s works', async (target, body) => {
    const { ask } = await open()
    for (const host of ['localhost', 'evil.example']) {
      expect(await ask(target, host)).toMatchObject({ status: 200, body: expect.stringContaining(body) })
    }
  })

  it('names the host itself: the Host header does not count', async () => {
    const { ask } = await open()
    expectProblem(await ask('http://evil.example/api/health', 'localhost'), 421)
    expectProblem(await ask('http://localhost@evil.example/api/health', 'localhost'), 421)
    expectProblem(await ask('https://localhost/api/health', 'localhost'), 400)
    expectProblem(await ask('http:///api/health', 'localhost'), 421)
  })
})

describe('a failure over HTTP has a problem body:', () => {
  it.each([
    ['no HTTP', 'hello\r\n\r\n', 400],
    ['a target that is not a path', 'OPTIONS * HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n', 400],
    ['headers that are too long', `GET / HTTP/1.1\r\nHost: localhost\r\nA: ${'x'.repeat(70_000)}\r\n\r\n`, 431],
    ['a file that is not there', 'GET /nothing.js HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n', 404],
    ['another method on a file', 'PUT / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n', 405],
  ])('%s', async (_, request, status) => {
    const { exchange } = await open()
    expectProblem(await exchange(request), status)
  })

  it('a function that throws; the log has the reason, the answer does not', async () => {
    const { ask, logger } = await open({ serving: () => Promise.reject(new Error('the disk is on fire')) })
    const answer = await ask('/api/health', 'localhost')
    expectProblem(answer, 500)
    expect(answer.body).not.toContain('fire')
    expect(logger.lines).toMatchObject([{ fields: { error: 'Error: the disk is on fire' } }])
  })

  it('bytes after a complete request on its connection', async () => {
    const { connection } = await open()
    const socket = connection()
    socket.write('GET /api/health HTTP/1.1\r\nHost: localhost\r\n\r\n')
    await new Promise(resolve => socket.once('data', resolve))
    socket.write('nonsense\r\n\r\n')
    expectProblem(parsed(await text(socket)), 400)
  })
})

describe('a slow client', () => {
  const QUICK: HttpLimits = { ...GENEROUS, headersMs: 100, requestMs: 300, checkEveryMs: 50 }

  it.each([
    ['in its headers', 'GET / HTTP/1.1\r\nHost: local'],
    ['in its body', `POST /api/events HTTP/1.1\r\nHost: localhost\r\n${JSON_BODY}\r\n{`],
  ])('%s gets an error, and its resources are released', async (_, request) => {
    const { exchange, posted } = await open({ limits: QUICK })
    expectProblem(await exchange(request), 408)
    expect(posted).toEqual([])
  })
})

describe('request bodies', () => {
  const send = (bytes: number) =>
    `POST /api/events HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Type: application/json\r\nContent-Length: ${bytes}\r\n\r\n`

  it('are refused while too many are open at once', async () => {
    const { connection, exchange, ask, posted } = await open({ limits: { ...GENEROUS, bodyBytes: 1_000 } })
    const slow = connection()
    slow.write(send(1_000) + 'x'.repeat(600))
    const body = 'x'.repeat(400)
    // Until the first 600 bytes have arrived.
    let refused = await exchange(`${send(401)}${body}x`)
    while (refused.status !== 503) refused = await exchange(`${send(401)}${body}x`)
    expectProblem(refused, 503)
    expect(refused.head).toMatch(/^retry-after: 5\r?$/im)
    posted.length = 0
    expect((await exchange(send(400) + body)).status).toBe(202)
    expect((await ask('/api/health', 'localhost')).status).toBe(200)
    slow.write('x'.repeat(400))
    expect(await text(slow)).toMatch(/^HTTP\/1\.1 202 /)
    expect((await exchange(send(1_000) + 'x'.repeat(1_000))).status).toBe(202)
    expect(posted.map(({ length }) => length)).toEqual([400, 1_000, 1_000])
  })

  it('that are far too large get an error', async () => {
    const { exchange, posted } = await open({ limits: { ...GENEROUS, bodyBytes: 100 * 1024 ** 2 } })
    const bytes = 14 * 1024 ** 2
    expectProblem(await exchange(send(bytes) + 'x'.repeat(bytes)), 413)
    expect(posted).toEqual([])
  })
})

it('only the allowed number of connections can be open at a time', async () => {
  const { connection, ask } = await open({ limits: { ...GENEROUS, connections: 2 } })
  const held = [connection(), connection()]
  for (const socket of held) socket.write('GET / HTTP/1.1\r\nHost: localhost\r\n\r\n')
  for (const socket of held) await new Promise(resolve => socket.once('data', resolve))
  expect((await ask('/', 'localhost')).head).toBe('')
  held[0]?.destroy()
  let answer = await ask('/', 'localhost')
  while (answer.head === '') answer = await ask('/', 'localhost')
  expect(answer.status).toBe(200)
})
