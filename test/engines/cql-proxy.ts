import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'

/** Proxy between a client and a Cassandra node that breaks their connections at critical moments. */
export interface CqlProxy {
  contactPoint: string
  /** Number of open client connections. */
  connections(): number
  /** Number of prepared statements that clients have sent. */
  executed(): number
  /** Cuts the connection of the next prepared statement: before it is passed on, or before its answer is. */
  cutNext(where: 'before-request' | 'before-answer'): void
  /** Cuts all connections, and new ones too. */
  goDown(): void
  comeBack(): void
  close(): Promise<void>
}

/** A frame of the native protocol, version 4: 9 bytes of header, in which the operation and the body's length. */
const HEADER_BYTES = 9
const OPERATION_AT = 4
const LENGTH_AT = 5
const EXECUTE = 10

export async function startCqlProxy(serverContactPoint: string): Promise<CqlProxy> {
  const serverPort = Number(serverContactPoint.split(':')[1])
  const clients = new Set<Socket>()
  let executed = 0
  let cut: 'before-request' | 'before-answer' | null = null
  let isDown = false

  const listener = createServer(client => {
    if (isDown) return void client.destroy()
    const server = connect({ port: serverPort, host: '127.0.0.1' })
    clients.add(client)
    let isMuted = false
    let unread = Buffer.alloc(0)
    client.on('data', chunk => {
      unread = Buffer.concat([unread, chunk])
      for (let frame = firstFrame(unread); frame; frame = firstFrame(unread)) {
        unread = unread.subarray(frame.length)
        if (frame[OPERATION_AT] === EXECUTE) {
          executed++
          if (cut === 'before-request') {
            cut = null
            return void client.destroy()
          }
          if (cut === 'before-answer') {
            cut = null
            isMuted = true
          }
        }
        server.write(frame)
      }
    })
    server.on('data', chunk => {
      // The next bytes are the answer: the server has executed the request.
      if (isMuted) client.destroy()
      else client.write(chunk)
    })
    client.on('close', () => {
      clients.delete(client)
      server.destroy()
    })
    server.on('close', () => client.destroy())
    for (const socket of [client, server]) socket.on('error', () => socket.destroy())
  })
  listener.listen(0, '127.0.0.1')
  await once(listener, 'listening')

  const cutAll = () => {
    for (const client of clients) client.destroy()
  }
  return {
    contactPoint: `127.0.0.1:${(listener.address() as AddressInfo).port}`,
    connections: () => clients.size,
    executed: () => executed,
    cutNext(where) {
      cut = where
    },
    goDown() {
      isDown = true
      cutAll()
    },
    comeBack() {
      isDown = false
    },
    async close() {
      cutAll()
      listener.close()
      await once(listener, 'close')
    },
  }
}

function firstFrame(bytes: Buffer): Buffer | null {
  if (bytes.length < HEADER_BYTES) return null
  const length = HEADER_BYTES + bytes.readUInt32BE(LENGTH_AT)
  return bytes.length < length ? null : bytes.subarray(0, length)
}
