import type { Context } from 'aws-lambda'
import { expect, it, vi } from 'vitest'
import type { BatchResponse, LogEvent } from '../../../functions/lambda/decode-event.ts'
import { consumerOnFirstCall, onFirstCall } from '../../../functions/runtime/aws/first-call.ts'
import { logger } from '../../../functions/runtime/aws/open.ts'

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

it('a handler is created once, and again after a failure', async () => {
  let made = 0
  const handler = onFirstCall<number, number>(async () => {
    if (++made === 1) throw new Error('down')
    return async event => event * 2
  })
  await expect(handler(1, CONTEXT)).rejects.toThrow('down')
  expect(await Promise.all([handler(1, CONTEXT), handler(2, CONTEXT)])).toEqual([2, 4])
  expect(made).toBe(2)
})

/** Lines that a function writes to its log group. */
async function linesOf(run: () => Promise<void>): Promise<Record<string, unknown>[]> {
  vi.stubEnv('LANDCOVER_STAGE', 'test')
  const lines: string[] = []
  const take = (line: string | Uint8Array) => lines.push(String(line)) > 0
  const streams = [process.stdout, process.stderr].map(stream => vi.spyOn(stream, 'write').mockImplementation(take))
  try {
    await run()
  } finally {
    for (const stream of streams) stream.mockRestore()
    vi.unstubAllEnvs()
  }
  return lines.map(line => JSON.parse(line))
}

it('a consumer that cannot be created gives whole deliveries back, and counts them', async () => {
  let isDown = true
  const taken: BatchResponse = { batchItemFailures: [] }
  const handler = consumerOnFirstCall('speed', async () => {
    if (isDown) throw new Error('the store is down')
    return async () => taken
  })
  const lines = await linesOf(async () => {
    expect(await handler(delivery('7', '8'), CONTEXT)).toEqual({ batchItemFailures: [{ itemIdentifier: '7' }] })
    isDown = false
    expect(await handler(delivery('7', '8'), CONTEXT)).toBe(taken)
  })
  expect(lines).toMatchObject([
    { message: 'cannot start: delivery given back', error: 'Error: the store is down' },
    { consumer: 'speed', deliveriesGivenBack: 1, _aws: { CloudWatchMetrics: [{ Namespace: 'landcover/test' }] } },
  ])
})

it('each log line of a call has the function, the request, and whether the start was cold', async () => {
  const handler = onFirstCall<number, void>(async () => async event => logger.warn('a warning', { lane: 'a', event }))
  const contextOf = (awsRequestId: string) => ({ functionName: 'landcover-test-speed', awsRequestId }) as Context
  const lines = await linesOf(async () => {
    await handler(1, contextOf('one'))
    await handler(2, contextOf('two'))
  })
  const line = { level: 'WARN', message: 'a warning', service: 'landcover', function_name: 'landcover-test-speed' }
  expect(lines).toMatchObject([
    { ...line, function_request_id: 'one', lane: 'a', event: 1 },
    { ...line, function_request_id: 'two', lane: 'a', event: 2, cold_start: false },
  ])
  expect(lines[0]).toHaveProperty('cold_start')
})
