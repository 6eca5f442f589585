import { readFileSync } from 'node:fs'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { onTestFinished } from 'vitest'

/** Server of a folder's files with ranges, like an object store. */
export interface FileServer {
  /** Address of the folder, with a slash at its end. */
  url: string
  /** Requests that arrived, each as its path and range. */
  requests: { path: string; range: string | undefined }[]
  /** Number of bytes of bodies that were sent. */
  sentBytes(): number
}

/**
 * Starts a server that ends with the test.
 *
 * @param before may answer a request itself; returns true if it did
 */
export async function serveFolder(
  folder: string,
  before: (request: IncomingMessage, response: ServerResponse) => boolean = () => false,
): Promise<FileServer> {
  const requests: FileServer['requests'] = []
  let sent = 0
  const server = createServer((request, response) => {
    const { range } = request.headers
    requests.push({ path: request.url as string, range })
    if (before(request, response)) return
    const bytes = readFileSync(join(folder, request.url as string))
    const [, start, end] = /^bytes=(\d+)-(\d+)$/.exec(range ?? '') ?? []
    const part = start === undefined ? bytes : bytes.subarray(Number(start), Number(end) + 1)
    if (start !== undefined) {
      const last = Number(start) + part.length - 1
      response.writeHead(206, { 'Content-Range': `bytes ${start}-${last}/${bytes.length}`, ETag: '"first"' })
    }
    sent += part.length
    response.end(part)
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => {
    server.closeAllConnections()
    server.close()
  })
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`, requests, sentBytes: () => sent }
}
