import { ProduceAcks, type Producer } from '@platformatic/kafka'
import { toPosition } from '../../core/lane.ts'
import type { Append, AppendFailure, AppendOutcome, EventLog } from '../../ports/event-log.ts'
import { type Groups, inGroups } from '../in-groups.ts'
import { appendInOrder } from './append.ts'
import { describeError, isApiError, type KafkaEventLogOptions } from './connection.ts'
import type { Topic } from './topic.ts'

/** Parts of an open log that an append needs. */
interface AppenderParts {
  options: KafkaEventLogOptions
  producer: Producer
  topic: Topic
  /** Returns the partition of a lane. @throws Error when there is no such lane */
  partitionOf(lane: string): Promise<number>
  /** Returns the largest batch that the topic accepts, in bytes. @throws Error when nothing may be appended now */
  appendable(): Promise<number>
}

/** Creates the `append` of the log: it divides records by partition, and appends to all partitions at once. */
export function appendByPartition(parts: AppenderParts): EventLog['append'] {
  const { topic, partitionOf } = parts
  const appendTo = partitionAppender(parts)
  /** Groups by partition. Records that come while a request to their partition is under way share the next request. */
  const groups = new Map<number, Groups<Append, AppendOutcome>>()

  function groupsOf(partition: number): Groups<Append, AppendOutcome> {
    const known = groups.get(partition) ?? inGroups(records => appendTo(partition, records))
    groups.set(partition, known)
    return known
  }

  async function partitionFor(record: Append): Promise<number> {
    return 'lane' in record ? partitionOf(record.lane) : topic.partitionOfKey(record.key)
  }

  return async records => {
    const indexesOf = new Map<number, number[]>()
    for (const [index, record] of records.entries()) {
      const partition = await partitionFor(record)
      const indexes = indexesOf.get(partition)
      if (indexes) indexes.push(index)
      else indexesOf.set(partition, [index])
    }
    const outcomes = new Array<AppendOutcome>(records.length)
    await Promise.all(
      Array.from(indexesOf, async ([partition, indexes]) => {
        const stored = await groupsOf(partition).add(indexes.map(index => records[index] as Append))
        for (const [n, index] of indexes.entries()) outcomes[index] = stored[n] as AppendOutcome
      }),
    )
    return outcomes
  }
}

/** Creates a function that appends records to one partition, in their order. */
function partitionAppender({ options, producer, topic, appendable }: AppenderParts) {
  async function sendBatch(partition: number, batch: readonly Append[]): Promise<bigint> {
    const { offsets } = await producer.send({
      acks: ProduceAcks.ALL,
      messages: batch.map(record => ({
        topic: options.topic,
        partition,
        value: asBuffer(record.data),
        ...('key' in record && { key: Buffer.from(record.key) }),
      })),
    })
    const offset = offsets?.[0]?.offset
    if (offset === undefined || offset < 0n) throw new Error('the broker returned no offset')
    return offset
  }

  const failureOf = (cause: unknown): AppendFailure => {
    const error = describeError(cause, options).message
    return isApiError(cause, 'MESSAGE_TOO_LARGE') ? { error, tooLarge: true } : { error }
  }

  return async (partition: number, records: readonly Append[]): Promise<AppendOutcome[]> => {
    let maxBatchBytes: number
    try {
      maxBatchBytes = await appendable()
    } catch (cause) {
      const failure = failureOf(cause)
      return records.map(() => failure)
    }
    const stored = await appendInOrder(records, maxBatchBytes, batch => sendBatch(partition, batch), failureOf)
    return stored.map(outcome =>
      typeof outcome === 'bigint' ? { lane: topic.laneOf(partition), position: toPosition(outcome) } : outcome,
    )
  }
}

function asBuffer(data: Uint8Array): Buffer {
  return Buffer.from(data.buffer, data.byteOffset, data.byteLength)
}
