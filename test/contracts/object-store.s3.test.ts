import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { createServer, request } from 'node:http'
import type { AddressInfo } from 'node:net'
import { buffer } from 'node:stream/consumers'
import { CreateBucketCommand, S3Client } from '@aws-sdk/client-s3'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { openS3ObjectStore } from '../../functions/adapters/s3/object-store.ts'
import { LOCALSTACK_START_TIMEOUT_MS, type LocalStack, REGION, startLocalStack } from '../localstack/localstack.ts'
import { describeWithLocalStack } from '../localstack/python.ts'
import { describeObjectStore } from './object-store.ts'

describeWithLocalStack("on LocalStack's S3", () => {
  let localStack: LocalStack
  let client: S3Client
  beforeAll(async () => {
    localStack = await startLocalStack()
    process.env.AWS_ACCESS_KEY_ID ??= 'test'
    process.env.AWS_SECRET_ACCESS_KEY ??= 'test'
    client = new S3Client({ endpoint: localStack.endpoint, region: REGION, forcePathStyle: true })
  }, LOCALSTACK_START_TIMEOUT_MS)
  afterAll(async () => {
    client?.destroy()
    await localStack?.stop()
  })

  const open = async () => {
    const bucket = `landcover-${randomUUID()}`
    await client.send(new CreateBucketCommand({ Bucket: bucket }))
    const opened: { close(): void }[] = []
    const reopen = async () => {
      const store = openS3ObjectStore({ bucket, endpoint: localStack.endpoint, region: REGION })
      opened.push(store)
      return store
    }
    const close = async () => {
      for (const store of opened) store.close()
    }
    return { bucket, store: await reopen(), reopen, close }
  }
  describeObjectStore('S3', open)

  test('a writer whose answer was lost still learns that its object was stored', async () => {
    const { bucket, store: plain, close } = await open()
    const lossy = await losingAnswers(localStack.endpoint)
    const store = openS3ObjectStore({ bucket, endpoint: lossy.endpoint, region: REGION })
    lossy.loseNext()
    expect(await store.putIfAbsent('views/1.json', Buffer.from('mine'))).toBe(true)
    await plain.put('views/2.json', Buffer.from('yours'))
    lossy.loseNext()
    expect(await store.putIfAbsent('views/2.json', Buffer.from('mine'))).toBe(false)
    expect(lossy.lost()).toBe(2)
    store.close()
    lossy.close()
    await close()
  })
})

/** Proxy in front of a server. It drops the answer of chosen requests after the server has executed them. */
async function losingAnswers(endpoint: string) {
  let next = false
  let lost = 0
  const server = createServer(async (asked, answer) => {
    const isLost = next
    next = false
    const { method, headers } = asked
    const body = method === 'GET' ? undefined : await buffer(asked)
    const passed = request(`${endpoint}${asked.url}`, { method, headers }, async from => {
      const bytes = await buffer(from)
      if (isLost) {
        lost++
        asked.socket.destroy()
      } else {
        answer.writeHead(from.statusCode as number, from.headers).end(bytes)
      }
    })
    passed.end(body)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    loseNext: () => {
      next = true
    },
    lost: () => lost,
    close: () => server.close(),
  }
}
