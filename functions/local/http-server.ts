import { createServer, type IncomingMessage, type Server } from 'node:http'
import type { APIGatewayProxyEvent, APIGatewayProxyResult, Context } from 'aws-lambda'
import sirv from 'sirv'
import { problem } from '../http/problem.ts'

export interface LocalServer {
  /** The port it listens on. */
  port: number
  close(): Promise<void>
}

/** Room for an address that is too long, so that the API can say so. */
const MAX_HEADER_BYTES = 64 * 1024

type ProxyHandler = (event: APIGatewayProxyEvent, context: Context) => Promise<APIGatewayProxyResult>

/** API Gateway takes no larger body. */
const MAX_BODY_BYTES = 10 * 1024 * 1024

/**
 * Does in a home without AWS what CloudFront and API Gateway do: the functions behind `/api/`, the dashboard's files
 * beside them, one origin. Listens on this machine only, so nobody has to sign what they send.
 *
 * @param site folder of the built dashboard
 * @throws Error when the port is taken
 */
export async function startHttpServer(
  { serving, ingest }: { serving: ProxyHandler; ingest: ProxyHandler },
  site: string,
  port: number,
): Promise<LocalServer> {
  const files = sirv(site, { etag: true, dev: true })
  const server = createServer({ maxHeaderSize: MAX_HEADER_BYTES }, (request, response) => {
    if (!request.url?.startsWith('/api/')) {
      files(request, response, () => {
        response.writeHead(404, { 'Content-Type': 'text/plain' }).end('Not found\n')
      })
      return
    }
    const isSent = request.method === 'POST' && pathOf(request) === '/api/events'
    answerTo(request, isSent ? ingest : serving)
      .then(answer => {
        response.writeHead(answer.statusCode, answer.headers as Record<string, string>)
        response.end(answer.body)
      })
      .catch(() => response.writeHead(500).end())
  })
  await listen(server, port)
  const address = server.address()
  return {
    port: typeof address === 'object' && address ? address.port : port,
    close: () =>
      new Promise(resolve => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
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

async function answerTo(request: IncomingMessage, handler: ProxyHandler): Promise<APIGatewayProxyResult> {
  const chunks: Buffer[] = []
  let bytes = 0
  for await (const chunk of request as AsyncIterable<Buffer>) {
    bytes += chunk.byteLength
    if (bytes > MAX_BODY_BYTES) return problem(413, 'The body is too large', `It may have ${MAX_BODY_BYTES} bytes`)
    chunks.push(chunk)
  }
  return handler(proxyEvent(request, Buffer.concat(chunks)), {} as Context)
}

function pathOf(request: IncomingMessage): string {
  return new URL(request.url ?? '/', 'http://localhost').pathname
}

/** The fields of API Gateway's proxy event that handlers read. */
function proxyEvent(request: IncomingMessage, body: Buffer): APIGatewayProxyEvent {
  const url = new URL(request.url ?? '/', 'http://localhost')
  return {
    httpMethod: request.method ?? 'GET',
    path: url.pathname,
    headers: request.headers as Record<string, string>,
    queryStringParameters: Object.fromEntries(url.searchParams),
    multiValueQueryStringParameters: Object.fromEntries(
      url.searchParams.keys().map(name => [name, url.searchParams.getAll(name)]),
    ),
    body: body.toString('base64'),
    isBase64Encoded: true,
  } as unknown as APIGatewayProxyEvent
}
