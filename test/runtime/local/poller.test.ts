import { join } from 'node:path'
import type { KinesisStreamEvent } from 'aws-lambda'
import { expect, it, onTestFinished, vi } from 'vitest'
import { openSqliteCheckpoints } from '../../../functions/adapters/sqlite/checkpoints.ts'
import { openSqliteEventLog } from '../../../functions/adapters/sqlite/event-log.ts'
import type { Lane } from '../../../functions/core/lane.ts'
import { HOUR_MS } from '../../../functions/core/time.ts'
import { deliveriesOf } from '../../../functions/lambda/decode-event.ts'
import { kinesisEvent } from '../../../functions/lambda/encode-event.ts'
import type { EventLog } from '../../../functions/ports/event-log.ts'
import { failureRegistry } from '../../../functions/runtime/local/failure-registry.ts'
import { startPolling } from '../../../functions/runtime/local/poller.ts'
import { temporaryFolder } from '../../support/temporary-folder.ts'

const MEBIBYTE = 1024 * 1024

type Polled = Parameters<typeof startPolling>[0]

/** Polls a log until the test ends, and closes it then. */
function poll(options: Pick<Polled, 'log' | 'checkpoints' | 'handler'> & Partial<Polled>): void {
  const polling = startPolling({
    consumer: 'test',
    toEvent: kinesisEvent,
    batchSize: 1_000,
    batchingWindowMs: 0,
    logger: { info() {}, warn() {} },
    failures: failureRegistry(() => 0),
    ...options,
  })
  onTestFinished(async () => {
    await polling.stop()
    await Promise.all([options.log.close(), options.checkpoints.close()])
  })
}

/** Appends records to a new log, polls it, and returns the sizes of the deliveries that brought them. */
async function sizesOfDeliveries(records: Uint8Array[], lanesAs: (lane: Lane) => Lane[]): Promise<number[]> {
  const folder = temporaryFolder()
  const inner = openSqliteEventLog({ file: join(folder, 'log.sqlite'), shards: 1, maxRecordBytes: 10 * MEBIBYTE })
  const [lane] = await inner.lanes()
  const stored = await inner.append(records.map(() => ({ lane: (lane as Lane).name, data: new Uint8Array(1) })))
  const at = stored.map(outcome => ('position' in outcome ? outcome.position : ''))
  const log: EventLog = {
    ...inner,
    lanes: async () => lanesAs(lane as Lane),
    // Records may be larger than the embedded log accepts.
    read: async (...asked) =>
      (await inner.read(...asked)).map(record => ({
        ...record,
        data: records[at.indexOf(record.position)] as Uint8Array,
      })),
  }
  const checkpoints = openSqliteCheckpoints(join(folder, 'checkpoints.sqlite'))
  const sizes: number[] = []
  const all = Promise.withResolvers<void>()
  poll({
    ...{ log, checkpoints },
    async handler(event) {
      sizes.push(deliveriesOf(event, log.identity).flatMap(delivery => delivery.records).length)
      if (sizes.reduce((sum, size) => sum + size, 0) === records.length) all.resolve()
      return { batchItemFailures: [] }
    },
  })
  await all.promise
  return sizes
}

it('delivers at most as much as the payload of an invocation can hold', async () => {
  const records = Array.from({ length: 9 }, () => new Uint8Array(MEBIBYTE))
  expect(await sizesOfDeliveries(records, lane => [lane])).toEqual([4, 4, 1])
})

it('delivers a larger record alone', async () => {
  const records = [new Uint8Array(10 * MEBIBYTE), new Uint8Array(1)]
  expect(await sizesOfDeliveries(records, lane => [lane])).toEqual([1, 1])
})

it('reads page by page until a batch is full', async () => {
  const records = Array.from({ length: 250 }, () => new Uint8Array(1))
  expect(await sizesOfDeliveries(records, lane => [lane])).toEqual([250])
})

it('delivers a lane whose parents the log no longer has', async () => {
  expect(await sizesOfDeliveries([new Uint8Array(1)], lane => [{ ...lane, parents: ['long-gone'] }])).toEqual([1])
})

it('does not wait longer for a full batch when the clock is set back', async () => {
  vi.useFakeTimers({ toFake: ['Date'] })
  onTestFinished(() => void vi.useRealTimers())
  const inner = openSqliteEventLog({ file: join(temporaryFolder(), 'log.sqlite'), shards: 1 })
  const checkpoints = openSqliteCheckpoints(join(temporaryFolder(), 'checkpoints.sqlite'))
  const [lane] = (await inner.lanes()) as [Lane]
  await inner.append([{ lane: lane.name, data: new Uint8Array(1) }])
  const delivered = Promise.withResolvers<void>()
  poll({
    ...{ checkpoints, batchSize: 10, batchingWindowMs: 200 },
    log: {
      ...inner,
      async read(...asked) {
        const records = await inner.read(...asked)
        if (records.length > 0) vi.setSystemTime(Date.now() - HOUR_MS)
        return records
      },
    },
    async handler() {
      delivered.resolve()
      return { batchItemFailures: [] }
    },
  })
  await delivered.promise
})

it('delivers again from the lowest record that a response names, in any order of the names', async () => {
  const folder = temporaryFolder()
  const log = openSqliteEventLog({ file: join(folder, 'log.sqlite'), shards: 1 })
  const checkpoints = openSqliteCheckpoints(join(folder, 'checkpoints.sqlite'))
  const [lane] = (await log.lanes()) as [Lane]
  await log.append(Array.from({ length: 12 }, () => ({ lane: lane.name, data: new Uint8Array(1) })))
  const deliveries: string[][] = []
  const all = Promise.withResolvers<void>()
  poll({
    ...{ log, checkpoints },
    async handler(event) {
      const sequences = (event as KinesisStreamEvent).Records.map(({ kinesis }) => kinesis.sequenceNumber)
      deliveries.push(sequences)
      if (deliveries.length > 1) all.resolve()
      // As text, the tenth comes before the second.
      const named = deliveries.length > 1 ? [] : [sequences[9], sequences[2], sequences[4]]
      return { batchItemFailures: named.map(itemIdentifier => ({ itemIdentifier: itemIdentifier as string })) }
    },
  })
  await all.promise
  expect(deliveries[1]).toEqual(deliveries[0]?.slice(2))
})
