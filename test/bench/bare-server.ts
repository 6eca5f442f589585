import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'

/** Upper limit for a server on Node: it gives one fixed answer to every request. Runs in its own process. */
const { status, headers, body } = JSON.parse(process.argv[2] as string) as {
  status: number
  headers: Record<string, string>
  body: string
}

const server = createServer((_, response) => {
  response.writeHead(status, headers)
  response.end(body)
})
server.listen(0, '127.0.0.1', () => {
  process.stdout.write(`http://localhost:${(server.address() as AddressInfo).port}\n`)
})
