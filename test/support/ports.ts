import { once } from 'node:events'
import { createServer } from 'node:net'

/** Range of the ports: below those that systems give to outgoing connections and to servers that ask for any port. */
export const PORTS = { from: 20_000, until: 32_768 }

/**
 * Finds loopback ports that nobody listens on now, all different. Random ones, so that two suites that run beside each
 * other do not find the same. A server can take such a port seconds later, or again after it was killed.
 */
export async function freePorts(count: number): Promise<number[]> {
  const ports = new Set<number>()
  while (ports.size < count) {
    const port = PORTS.from + Math.floor(Math.random() * (PORTS.until - PORTS.from))
    if (await isFree(port)) ports.add(port)
  }
  return [...ports]
}

async function isFree(port: number): Promise<boolean> {
  const server = createServer().listen(port, '127.0.0.1')
  try {
    await once(server, 'listening')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EADDRINUSE') return false
    throw error
  }
  await new Promise(done => server.close(done))
  return true
}
