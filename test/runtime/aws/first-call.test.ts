import type { Context } from 'aws-lambda'
import { expect, it, vi } from 'vitest'
import type { BatchResponse, LogEvent } from '../../../functions/lambda/decode-event.ts'
import { consumerOnFirstCall, onFirstCall } from '../../../functions/runtime/aws/first-call.ts'

const CONTEXT = {} as Context

/** A delivery of records, as Lambda passes it. */
function delivery(...sequenceNumbers: string[]): LogEvent {
  const records = sequenceNumbers.map(sequenceNumber => ({
    eventSource: 'aws:kinesis',
    eventID: `shardId-000000000000:${sequenceNumber}`,
    eventSourceARN: 'arn:aws:kinesis:us-east-1:1:stream/images',
    kinesis: { sequenceNumber, partitionKey: 'a', approximateArrivalTimestamp: 0, data: '' },
  }))
  return { Records: records } as unknown as LogEvent
}

it('a handler is made once, and again after a failure', async () => {
  let made = 0
  const handler = onFirstCall<number, number>(async () => {
    if (++made === 1) throw new Error('down')
    return async event => event * 2
  })
  await expect(handler(1, CONTEXT)).rejects.toThrow('down')
  expect(await Promise.all([handler(1, CONTEXT), handler(2, CONTEXT)])).toEqual([2, 4])
  expect(made).toBe(2)
})

it('a consumer that cannot be made gives deliveries back whole, and counts them', async () => {
  vi.stubEnv('LANDCOVER_STAGE', 'test')
  const lines: string[] = []
  const write = vi.spyOn(process.stdout, 'write').mockImplementation(line => lines.push(String(line)) > 0)
  let isDown = true
  const taken: BatchResponse = { batchItemFailures: [] }
  const handler = consumerOnFirstCall('speed', async () => {
    if (isDown) throw new Error('the store is down')
    return async () => taken
  })
  try {
    expect(await handler(delivery('7', '8'), CONTEXT)).toEqual({ batchItemFailures: [{ itemIdentifier: '7' }] })
    isDown = false
    expect(await handler(delivery('7', '8'), CONTEXT)).toBe(taken)
  } finally {
    write.mockRestore()
    vi.unstubAllEnvs()
  }
  expect(lines.map(line => JSON.parse(line))).toMatchObject([
    { message: 'cannot start: delivery given back', error: 'Error: the store is down' },
    { consumer: 'speed', deliveriesGivenBack: 1, _aws: { CloudWatchMetrics: [{ Namespace: 'landcover/test' }] } },
  ])
})
