import { once } from 'node:events'
import { createServer } from 'node:net'
import { afterEach, expect, it, vi } from 'vitest'
import { freePorts, PORTS } from './support/ports.ts'

afterEach(() => void vi.restoreAllMocks())

it('finds different ports that the system does not give to connections', async () => {
  const ports = await freePorts(5)
  expect(new Set(ports).size).toBe(5)
  for (const port of ports) {
    expect(port).toBeGreaterThanOrEqual(PORTS.from)
    expect(port).toBeLessThan(PORTS.until)
  }
})

it('never finds a port twice, or one on which a server listens', async () => {
  const [taken, free, other] = (await freePorts(3)) as [number, number, number]
  const server = createServer().listen(taken, '127.0.0.1')
  await once(server, 'listening')
  const drawn = [taken, free, free, other]
  const luckOf = (port: number) => (port - PORTS.from + 0.5) / (PORTS.until - PORTS.from)
  vi.spyOn(Math, 'random').mockImplementation(() => luckOf(drawn.shift() as number))
  expect(await freePorts(2)).toEqual([free, other])
  await new Promise(done => server.close(done))
})
