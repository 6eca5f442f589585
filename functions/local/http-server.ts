import { createServer, type IncomingMessage, type Server } from 'node:http'
import type { APIGatewayProxyEvent, APIGatewayProxyResult, Context } from 'aws-lambda'
import sirv from 'sirv'

export interface LocalServer {
  /** The port it listens on. */
  port: number
  close(): Promise<void>
}

/**
 * Does in a home without AWS what CloudFront and API Gateway do: the API's handler behind `/api/`, the dashboard's
 * files beside it, one origin. Listens on this machine only.
 *
 * @param site folder of the built dashboard
 * @throws Error when the port is taken
 */
export async function startHttpServer(
  handler: (event: APIGatewayProxyEvent, context: Context) => Promise<APIGatewayProxyResult>,
  site: string,
  port: number,
): Promise<LocalServer> {
  const files = sirv(site, { etag: true, dev: true })
  const server = createServer((request, response) => {
    if (!request.url?.startsWith('/api/')) {
      files(request, response, () => {
        response.writeHead(404, { 'Content-Type': 'text/plain' }).end('Not found\n')
      })
      return
    }
    handler(proxyEvent(request), {} as Context)
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

/** The fields of API Gateway's proxy event that handlers read. */
function proxyEvent(request: IncomingMessage): APIGatewayProxyEvent {
  const url = new URL(request.url ?? '/', 'http://localhost')
  return {
    httpMethod: request.method ?? 'GET',
    path: url.pathname,
    headers: request.headers as Record<string, string>,
    queryStringParameters: Object.fromEntries(url.searchParams),
  } as unknown as APIGatewayProxyEvent
}
