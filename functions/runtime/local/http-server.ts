import { createServer, type IncomingMessage, type Server, type ServerResponse, STATUS_CODES } from 'node:http'
import type { Duplex } from 'node:stream'
import { finished } from 'node:stream/promises'
import type { APIGatewayProxyEvent, APIGatewayProxyResult } from 'aws-lambda'
import compression from 'compression'
import cors from 'cors'
import sirv from 'sirv'
import { MINUTE_MS, SECOND_MS } from '../../core/time.ts'
import { isDecisionsPath } from '../../decisions/handler.ts'
import { READ_ONLY_CORS } from '../../http/cors.ts'
import type { ProxyHandler } from '../../http/edge.ts'
import { problem, tryAgain } from '../../http/problem.ts'
import { SENDING_PATH } from '../../http/sending.ts'
import type { Logger } from '../../ports/logger.ts'
import { type Answered, onceAnswered } from './answered.ts'
import { belowBasePath } from './base-path.ts'
import { type Compressed, keptCompression } from './kept-compression.ts'
import { isLive, LIVE_PATH, METRICS_PATH, type Probe, type Probes, READY_PATH } from './probes.ts'
import { targetOf } from './request-target.ts'
import { refusalOf, type TokenRule } from './token.ts'

/** Running HTTP server. */
export interface LocalServer {
  /** Port of the server. */
  port: number
  /** Passes requests for the API and probes to these functions. Until then it answers 503: the system is starting. */
  serve(functions: ApiFunctions): void
  close(): Promise<void>
}

/** Functions behind the API. */
export interface ApiFunctions {
  serving: ProxyHandler
  ingest: ProxyHandler
  /** Answers for supervisors and Prometheus. */
  probes: Probes
  /** Handler of decisions about incidents. */
  decisions: ProxyHandler
  logger: Logger
}

interface HttpServerOptions {
  /** Folder of the built dashboard. */
  site: string
  /** IP address to listen on. */
  address: string
  port: number
  /** Token that requests must bring; by default none. */
  token?: TokenRule | undefined
  /** Origins whose pages may read the API, besides its own; `*` is any origin. */
  allowedOrigins: readonly string[]
  /** Host names under which it answers, besides the loopback names. */
  allowedHosts: readonly string[]
  /** Path below which page and API are, as parseBasePath returns it; by default the root. */
  basePath?: string
  /** Called for each request that has got its answer. */
  onAnswer?: ((answered: Answered) => void) | undefined
  limits?: HttpLimits
}

/** Limits for clients. */
export interface HttpLimits {
  /** Time limits for the headers of a request and for the whole request, ms. */
  headersMs: number
  requestMs: number
  /** Interval at which connections are checked against these limits, ms. */
  checkEveryMs: number
  connections: number
  /** Maximum size of all request bodies in memory, bytes. */
  bodyBytes: number
}

const MEBIBYTE = 1024 ** 2

const LIMITS: HttpLimits = {
  headersMs: 15 * SECOND_MS,
  requestMs: MINUTE_MS,
  checkEveryMs: 5 * SECOND_MS,
  connections: 20_000,
  bodyBytes: 128 * MEBIBYTE,
}

/** Maximum size of the headers, bytes. It leaves room for an address that is too long, so that the API can say so. */
const MAX_HEADER_BYTES = 64 * 1024

/** Maximum size of a body, bytes. API Gateway accepts no larger one. */
const MAX_BODY_BYTES = 10 * MEBIBYTE

/**
 * Starts the web server that replaces CloudFront and API Gateway on one machine: the functions behind `/api/` and the
 * files of the dashboard, with one origin, compressed. It answers only to its own names. Requests need no signature, and
 * a token only when there is a rule for one. Errors are problem bodies (RFC 9457).
 *
 * @throws Error when the port is in use, or the address is not this machine's
 */
export async function startHttpServer(options: HttpServerOptions): Promise<LocalServer> {
  const { allowedHosts, site, limits = LIMITS, basePath = '' } = options
  const compress = compression() as unknown as Step
  const share = sharing(options.allowedOrigins)
  const files = sirv(site, { etag: true, dev: true })
  let ask: Asking = (request, response) => refuse(request, response, isStarting())
  let probes = PROBES_AT_START
  const server = createServer(
    {
      maxHeaderSize: MAX_HEADER_BYTES,
      headersTimeout: limits.headersMs,
      requestTimeout: limits.requestMs,
      connectionsCheckingInterval: limits.checkEveryMs,
      // The address is checked here, so that the answer says what is wrong.
      requireHostHeader: false,
    },
    (request, response) => {
      if (options.onAnswer) onceAnswered(request, response, options.onAnswer)
      compress(request, response, () => {
        const target = targetOf(request, allowedHosts)
        if (typeof target !== 'string') return send(response, target)
        const { method, headers } = request
        const path = pathOf(target)
        const refusal = refusalOf(options.token, { method, path, authorization: headers.authorization })
        if (refusal) return void refuse(request, response, refusal)
        const probe = probes.get(path)
        const own = belowBasePath(target, basePath)
        request.url = own ?? target
        if (own?.startsWith('/api/')) share(request, response, () => void ask(request, response))
        else if (own === undefined && !probe) send(response, elsewhere(target, basePath))
        else if (!READ_ONLY_CORS.methods.includes(request.method ?? '')) {
          send(response, notAllowed(request.method))
        } else if (probe) {
          void answerProbe(probe, response)
        } else {
          // Ranges of a file that are compressed separately could not be joined.
          delete request.headers.range
          files(request, response, () => send(response, nothingHere(basePath)))
        }
      })
    },
  )
  server.maxConnections = limits.connections
  refuseMalformed(server)
  await listen(server, options.port, options.address)
  const address = server.address()
  return {
    port: typeof address === 'object' && address ? address.port : options.port,
    serve(functions) {
      ask = asking(functions, limits.bodyBytes)
      probes = functions.probes
    },
    close: () =>
      new Promise(resolve => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}

/** Probes of a system that is starting: its process lives, and is not ready. */
const PROBES_AT_START: Probes = new Map([
  [LIVE_PATH, isLive],
  [READY_PATH, async () => isStarting()],
  [METRICS_PATH, async () => isStarting()],
])

function nothingHere(basePath: string): APIGatewayProxyResult {
  return problem(404, 'There is nothing here', `GET ${basePath}/ is the dashboard.`)
}

/** Answers a target that is not below the base path. Links of the page are relative, so its path ends with a slash. */
function elsewhere(target: string, basePath: string): APIGatewayProxyResult {
  if (pathOf(target) !== basePath) return nothingHere(basePath)
  return { statusCode: 308, headers: { Location: `${basePath}/${target.slice(basePath.length)}` }, body: '' }
}

function pathOf(target: string): string {
  return target.split('?', 1)[0] as string
}

async function answerProbe(probe: Probe, response: ServerResponse): Promise<void> {
  try {
    send(response, await probe())
  } catch (error) {
    if (!response.destroyed) send(response, problem(500, 'The request failed', `${(error as Error).message}.`))
  }
}

function notAllowed(method = ''): APIGatewayProxyResult {
  const allowed = READ_ONLY_CORS.methods.join(', ')
  const refused = problem(405, 'Files can only be read', `${method} is not possible here: ${allowed} are`)
  return { ...refused, headers: { ...refused.headers, Allow: allowed } }
}

type Step = (request: IncomingMessage, response: ServerResponse, next: () => void) => void

/** Allows pages of other origins to read, and nothing else: a request to write gets no CORS headers. */
function sharing(origins: readonly string[]): Step {
  if (origins.length === 0) return (_request, _response, next) => next()
  const share = cors({
    origin: origins.includes('*') ? '*' : [...origins],
    methods: READ_ONLY_CORS.methods,
    allowedHeaders: READ_ONLY_CORS.headers,
    exposedHeaders: READ_ONLY_CORS.exposedHeaders,
    maxAge: READ_ONLY_CORS.maxAgeSeconds,
  })
  const methods = [...READ_ONLY_CORS.methods, 'OPTIONS']
  return (request, response, next) => {
    if (methods.includes(request.method ?? '')) share(request, response, next)
    else next()
  }
}

/** Answers requests that the HTTP parser rejects, if no part of another answer was sent yet. */
function refuseMalformed(server: Server): void {
  const answering = new WeakMap<Duplex, ServerResponse>()
  server.prependListener('request', ({ socket }, response) => void answering.set(socket, response))
  server.on('clientError', ({ code }: NodeJS.ErrnoException, socket) => {
    const response = answering.get(socket)
    const isMidway = response?.headersSent === true && !response.writableFinished
    if (!socket.writable || isMidway || code === 'ECONNRESET') return socket.destroy()
    const { statusCode, headers = {}, body } = malformed(code)
    const lines = [
      `HTTP/1.1 ${statusCode} ${STATUS_CODES[statusCode]}`,
      ...Object.entries({ ...headers, 'Content-Length': Buffer.byteLength(body), Connection: 'close' }).map(
        ([name, value]) => `${name}: ${value}`,
      ),
    ]
    socket.end(`${lines.join('\r\n')}\r\n\r\n${body}`)
  })
}

function malformed(code: string | undefined): APIGatewayProxyResult {
  if (code === 'HPE_HEADER_OVERFLOW') {
    return problem(431, 'The headers are too long', `Address and headers may have at most ${MAX_HEADER_BYTES} bytes`)
  }
  if (code === 'ERR_HTTP_REQUEST_TIMEOUT') return problem(408, 'The request took too long', 'Send it again, faster.')
  return problem(400, 'The request is not valid HTTP', 'Send a request as RFC 9112 defines it.')
}

function listen(server: Server, port: number, address: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'EADDRINUSE') reject(new Error(`port ${port} is taken: choose another with --port`))
      else if (error.code === 'EADDRNOTAVAIL') {
        reject(new Error(`this machine has no address ${address}: give --host one of its own, or 0.0.0.0 for all`))
      } else reject(error)
    })
    server.listen(port, address, resolve)
  })
}

type Asking = (request: IncomingMessage, response: ServerResponse) => Promise<void>

/** Passes requests to the functions behind the API. */
function asking({ serving, ingest, decisions, logger }: ApiFunctions, mostBodyBytes: number): Asking {
  /** Total bytes of all requests whose bodies are being read or handled. */
  let bodyBytes = 0
  const compressed = keptCompression()

  async function post(
    request: IncomingMessage,
    event: APIGatewayProxyEvent,
    take: ProxyHandler,
  ): Promise<APIGatewayProxyResult> {
    let chunks: Buffer[] = []
    let bytes = 0
    let refusal: APIGatewayProxyResult | undefined
    const release = () => {
      bodyBytes -= bytes
      bytes = 0
      chunks = []
    }
    try {
      for await (const chunk of request as AsyncIterable<Buffer>) {
        // A refused body is read to its end: a client that is still sending would miss the answer.
        if (refusal) continue
        chunks.push(chunk)
        bytes += chunk.byteLength
        bodyBytes += chunk.byteLength
        if (bytes > MAX_BODY_BYTES)
          refusal = problem(413, 'The body is too large', `It may have at most ${MAX_BODY_BYTES} bytes`)
        else if (bodyBytes > mostBodyBytes) refusal = tooBusy()
        if (refusal) release()
      }
      if (refusal) return refusal
      const body = Buffer.concat(chunks).toString('base64')
      return await take({ ...event, body, isBase64Encoded: true })
    } finally {
      release()
    }
  }

  /** Handler that takes what is posted to a path. */
  function takerOf(path: string): ProxyHandler | undefined {
    if (path === SENDING_PATH) return ingest
    return isDecisionsPath(path) ? decisions : undefined
  }

  return async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    try {
      const event = proxyEvent(request)
      const take = event.httpMethod === 'POST' ? takerOf(event.path) : undefined
      const answer = await (take ? post(request, event, take) : serving(event))
      send(
        response,
        answer,
        event.httpMethod === 'GET' ? compressed(request.headers['accept-encoding'], answer) : undefined,
      )
    } catch (error) {
      // A client that has disconnected gets no answer.
      if (response.destroyed) return
      logger.warn('http: request failed', { error: String(error) })
      send(response, problem(500, 'The request failed', 'The log of the server says why. Try again in a few seconds.'))
    }
  }
}

/** Refuses a request when its body is read: a client that is still sending would miss the answer. */
async function refuse(
  request: IncomingMessage,
  response: ServerResponse,
  refusal: APIGatewayProxyResult,
): Promise<void> {
  request.resume()
  await finished(request).catch(() => {})
  if (!response.destroyed) send(response, refusal)
}

function isStarting(): APIGatewayProxyResult {
  return tryAgain('The system is starting', 'Nothing of this request was taken. Send it again in a few seconds.')
}

function tooBusy(): APIGatewayProxyResult {
  return tryAgain('Too much is being sent at once', 'Nothing of this request was taken. Send it again.')
}

function send(
  response: ServerResponse,
  { statusCode, headers = {}, body }: APIGatewayProxyResult,
  compressed?: Compressed,
): void {
  if (response.headersSent) {
    response.destroy()
    return
  }
  response.statusCode = statusCode
  // Existing headers stay: there may be several Vary headers.
  for (const [name, value] of Object.entries(headers)) response.appendHeader(name, String(value))
  if (compressed) response.setHeader('Content-Encoding', compressed.encoding)
  const sent = compressed?.bytes ?? body
  if (sent) response.setHeader('Content-Length', Buffer.byteLength(sent))
  response.end(sent)
}

/** Builds the fields of API Gateway's proxy event that handlers read. */
function proxyEvent({ method, url = '/', headers }: IncomingMessage): APIGatewayProxyEvent {
  const [path, ...search] = url.split('?')
  const parameters = new URLSearchParams(search.join('?'))
  return {
    httpMethod: method ?? 'GET',
    path,
    headers,
    queryStringParameters: Object.fromEntries(parameters),
    multiValueQueryStringParameters: Object.fromEntries(parameters.keys().map(name => [name, parameters.getAll(name)])),
    body: null,
    isBase64Encoded: false,
  } as unknown as APIGatewayProxyEvent
}
