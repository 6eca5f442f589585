import { once } from 'node:events'
import { type AddressInfo, createServer } from 'node:net'

/** Loopback ports that nobody listens on now, all different. */
export async function freePorts(count: number): Promise<number[]> {
  // All are held until all are known, or the system may give one twice.
  const servers = Array.from({ length: count }, () => createServer().listen(0, '127.0.0.1'))
  await Promise.all(servers.map(server => once(server, 'listening')))
  const ports = servers.map(server => (server.address() as AddressInfo).port)
  await Promise.all(servers.map(server => new Promise(done => server.close(done))))
  return ports
}
