import { once } from 'node:events'
import { createServer, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import { GetObjectCommand, S3Client } from '@aws-sdk/client-s3'
import { expect, it, onTestFinished } from 'vitest'
import { limitedRequests } from '../../../functions/adapters/aws/requests.ts'

/** Time limit that no answer of this machine reaches, ms. */
const PATIENT_MS = 120_000

/** Requests an object from a server, once. */
async function ask(listener: RequestListener, silenceMs: number): Promise<string | undefined> {
  const server = createServer(listener).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const client = new S3Client({
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    region: 'us-east-1',
    forcePathStyle: true,
    credentials: { accessKeyId: 'test', secretAccessKey: 'test' },
    maxAttempts: 1,
    requestHandler: limitedRequests(PATIENT_MS, silenceMs),
  })
  onTestFinished(() => {
    client.destroy()
    server.closeAllConnections()
    server.close()
  })
  const { Body } = await client.send(new GetObjectCommand({ Bucket: 'a', Key: 'b' }))
  return Body?.transformToString()
}

it('an answer that arrives is returned', async () => {
  expect(await ask((_, response) => void response.end('whole'), PATIENT_MS)).toBe('whole')
})

it.each<[string, RequestListener]>([
  ['never comes', () => {}],
  ['stops in the middle', (_, response) => void response.writeHead(200, { 'Content-Length': 10 }).write('half')],
])('an answer that %s is given up', async (_, listener) => {
  await expect(ask(listener, 200)).rejects.toThrow(/time|abort/i)
})
