import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { APIGatewayProxyEvent, APIGatewayProxyResult, Context } from 'aws-lambda'
import compression from 'compression'
import cors from 'cors'
import sirv from 'sirv'
import { READING } from '../http/origins.ts'
import { problem } from '../http/problem.ts'

export interface LocalServer {
  /** The port it listens on. */
  port: number
  close(): Promise<void>
}

interface HttpServerOptions {
  serving: ProxyHandler
  ingest: ProxyHandler
  /** Folder of the built dashboard. */
  site: string
  port: number
  /** Pages of these may read the API, as those of its own may; `*` is every one. */
  allowedOrigins: readonly string[]
}

/** Room for an address that is too long, so that the API can say so. */
const MAX_HEADER_BYTES = 64 * 1024

type ProxyHandler = (event: APIGatewayProxyEvent, context: Context) => Promise<APIGatewayProxyResult>

/** API Gateway takes no larger body. */
const MAX_BODY_BYTES = 10 * 1024 * 1024

/**
 * Does in a home without AWS what CloudFront and API Gateway do: the functions behind `/api/`, the dashboard's files
 * beside them, one origin, all of it compressed. Listens on this machine only, so nobody has to sign what they send.
 *
 * @throws Error when the port is taken
 */
export async function startHttpServer(options: HttpServerOptions): Promise<LocalServer> {
  const compress = compression() as unknown as Step
  const share = sharing(options.allowedOrigins)
  const files = sirv(options.site, { etag: true, dev: true })
  const server = createServer({ maxHeaderSize: MAX_HEADER_BYTES }, (request, response) => {
    compress(request, response, () => {
      if (request.url?.startsWith('/api/')) share(request, response, () => void answer(request, response, options))
      else if (!READING.methods.includes(request.method ?? '')) {
        response.writeHead(405, { Allow: READING.methods.join(', ') }).end()
      } else {
        // A part of a file, compressed by itself, could not be put together with others.
        delete request.headers.range
        files(request, response, () => {
          response.writeHead(404, { 'Content-Type': 'text/plain' }).end('Not found\n')
        })
      }
    })
  })
  await listen(server, options.port)
  const address = server.address()
  return {
    port: typeof address === 'object' && address ? address.port : options.port,
    close: () =>
      new Promise(resolve => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}

type Step = (request: IncomingMessage, response: ServerResponse, next: () => void) => void

/** Lets pages of other origins read, and only that: to whoever wants to send it says nothing. */
function sharing(origins: readonly string[]): Step {
  if (origins.length === 0) return (_request, _response, next) => next()
  const share = cors({
    origin: origins.includes('*') ? '*' : [...origins],
    methods: READING.methods,
    allowedHeaders: READING.headers,
    exposedHeaders: READING.exposedHeaders,
    maxAge: READING.knownForSeconds,
  })
  const methods = [...READING.methods, 'OPTIONS']
  return (request, response, next) => {
    if (methods.includes(request.method ?? '')) share(request, response, next)
    else next()
  }
}

function listen(server: Server, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      reject(error.code === 'EADDRINUSE' ? new Error(`port ${port} is taken: choose another with --port`) : error)
    })
    server.listen(port, '127.0.0.1', resolve)
  })
}

async function answer(
  request: IncomingMessage,
  response: ServerResponse,
  { serving, ingest }: HttpServerOptions,
): Promise<void> {
  try {
    const event = proxyEvent(request)
    const isSent = event.httpMethod === 'POST' && event.path === '/api/events'
    const {
      statusCode,
      headers = {},
      body,
    } = await (isSent ? sent(request, event, ingest) : serving(event, NO_CONTEXT))
    response.statusCode = statusCode
    // Beside those that are there: of Vary there may be several.
    for (const [name, value] of Object.entries(headers)) response.appendHeader(name, String(value))
    if (body) response.setHeader('Content-Length', Buffer.byteLength(body))
    response.end(body)
  } catch {
    response.writeHead(500).end()
  }
}

const NO_CONTEXT = {} as Context

async function sent(
  request: IncomingMessage,
  event: APIGatewayProxyEvent,
  ingest: ProxyHandler,
): Promise<APIGatewayProxyResult> {
  const chunks: Buffer[] = []
  let bytes = 0
  for await (const chunk of request as AsyncIterable<Buffer>) {
    bytes += chunk.byteLength
    if (bytes > MAX_BODY_BYTES) return problem(413, 'The body is too large', `It may have ${MAX_BODY_BYTES} bytes`)
    chunks.push(chunk)
  }
  return ingest({ ...event, body: Buffer.concat(chunks).toString('base64'), isBase64Encoded: true }, NO_CONTEXT)
}

/** The fields of API Gateway's proxy event that handlers read. */
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
