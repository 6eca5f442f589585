import { setTimeout as sleep } from 'node:timers/promises'
import {
  Admin,
  type ClusterTopicMetadata,
  type Connection,
  compatibilityPartitioner,
  ListOffsetTimestamps,
  ProduceAcks,
  Producer,
} from '@platformatic/kafka'
import { laneName, type Position, START, toPosition } from '../../core/lane.ts'
import type { LogRecord } from '../../core/record.ts'
import type { Append, AppendFailure, AppendOutcome, EventLog, Waiting } from '../../ports/event-log.ts'
import { type Groups, inGroups } from '../in-groups.ts'
import { appendInOrder, largestRecord } from './append.ts'
import { clientOptions, describeError, isApiError, isPassing, type KafkaEventLogOptions } from './connection.ts'
import { type FetchVersion, fetchPartition, firstTimeOf, ISOLATION, newestFetch, type Page, pageOf } from './fetch.ts'
import { offsetAt, readStanding, standingOf, type TopicStanding, topicOf } from './topic.ts'

export type { KafkaEventLogOptions, KafkaLogin } from './connection.ts'

/** Approximate size at which a read ends, in bytes, so that a large limit cannot take all memory. */
const MAX_READ_BYTES = 8 * 1024 * 1024
/** Attempts of a read while a partition has no leader. The waits between them are 100, 200, … ms, 3 s in all. */
const READ_ATTEMPTS = 6
const FIRST_WAIT_MS = 100

/**
 * Opens the event log on a Kafka topic with message.timestamp.type=LogAppendTime: a partition is a lane, an offset is
 * a position. Needs Kafka 3.1 or later, where a fetch names its topic by id.
 *
 * An append is acknowledged when all in-sync replicas have it (acks=all; the topic's min.insync.replicas says how many
 * replicas that must be). Records that come while a request to their partition is under way share the next request.
 *
 * A batch is never sent twice without the caller's knowledge, with one exception: a broker that refuses a batch because
 * it no longer leads the partition has not stored it, so the same batch goes to the new leader. When a batch of a lane
 * fails, the later records of the call for that lane are not sent, so that sending again keeps the order.
 *
 * A key goes to the partition that Java's default partitioner gives it: murmur2 of its UTF-8 bytes, without the sign,
 * modulo the number of partitions (BuiltInPartitioner.partitionForKey of org.apache.kafka.clients.producer.internals).
 *
 * Reads use no consumer group and see committed records only. They skip what retention has removed: `firstKept` returns
 * the first position from which a lane is complete. A record that the broker did not stamp is never returned: the lane
 * stops before it with an error.
 *
 * The topic's settings may change while it is open. Nothing is appended while the broker would not stamp records, and
 * nothing is read or appended while the topic is compacted.
 *
 * @throws Error that says what to do when no broker answers, the log-in is refused, or the topic is missing, is
 *   compacted, or keeps its producers' times
 */
export async function openKafkaEventLog(options: KafkaEventLogOptions): Promise<EventLog> {
  const client = clientOptions(options)
  const reader = new Admin(client)
  const producer = new Producer({ ...client, acks: ProduceAcks.ALL })
  const close = async (): Promise<void> => {
    await Promise.all([reader.close(), producer.close()])
  }
  try {
    const standing = await readStanding(reader, options)
    const refusal = standing.compacted ?? standing.unstamped
    if (refusal) throw new Error(refusal)
    const topic = await openTopic(reader, options.topic)
    const fetchVersion = await newestFetch(reader)
    return eventLogOf(options, { reader, producer, topic, fetchVersion, standing, close })
  } catch (error) {
    await close()
    throw describeError(error, options)
  }
}

interface Opened {
  reader: Admin
  producer: Producer
  topic: Topic
  fetchVersion: FetchVersion
  standing: TopicStanding
  close(): Promise<void>
}

function eventLogOf(options: KafkaEventLogOptions, opened: Opened): EventLog {
  const { reader, producer, topic, close } = opened
  const { identity, laneOf } = topic
  const saying = <T>(action: Promise<T>): Promise<T> =>
    action.catch(error => Promise.reject(describeError(error, options)))
  const standing = standingOf(reader, options, opened.standing)
  const partitions = partitionReader(opened)

  const partitionOf = (lane: string): Promise<number> => saying(topic.partitionOf(lane))

  async function partitionFor(record: Append): Promise<number> {
    return 'lane' in record ? partitionOf(record.lane) : partitionOfKey(record.key, topic.partitions())
  }

  function partitionOfKey(key: string, among: number): number {
    return compatibilityPartitioner({ topic: options.topic }, Buffer.from(key)) % among
  }

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

  /** Returns the largest batch that the topic accepts, in bytes. @throws Error when nothing may be appended now */
  async function appendable(): Promise<number> {
    await topic.current()
    const { compacted, unstamped, maxBatchBytes } = await standing()
    const refusal = compacted ?? unstamped
    if (refusal) throw new Error(refusal)
    return maxBatchBytes
  }

  /** Groups by partition. Records that come while a request to their partition is under way share the next request. */
  const groups = new Map<number, Groups<Append, AppendOutcome>>()

  function groupsOf(partition: number): Groups<Append, AppendOutcome> {
    const known = groups.get(partition) ?? inGroups(records => appendTo(partition, records))
    groups.set(partition, known)
    return known
  }

  async function appendTo(partition: number, records: readonly Append[]): Promise<AppendOutcome[]> {
    let maxBatchBytes: number
    try {
      maxBatchBytes = await appendable()
    } catch (cause) {
      const failure = failureOf(cause)
      return records.map(() => failure)
    }
    const stored = await appendInOrder(records, maxBatchBytes, batch => sendBatch(partition, batch), failureOf)
    return stored.map(outcome =>
      typeof outcome === 'bigint' ? { lane: laneOf(partition), position: toPosition(outcome) } : outcome,
    )
  }

  async function readable(): Promise<void> {
    const { compacted } = await standing()
    if (compacted) throw new Error(compacted)
  }

  /** Records by lane that the last read fetched beyond its limit. The next read usually continues there. */
  const ahead = new Map<string, { records: LogRecord[]; next: bigint; after: Position }>()

  return {
    identity,
    maxRecordBytes: largestRecord(opened.standing.maxBatchBytes),
    async lanes() {
      await saying(topic.current())
      return Array.from({ length: topic.partitions() }, (_, partition) => ({
        name: laneOf(partition),
        parents: [],
        closed: false,
      }))
    },
    destinationOf: (key, among = topic.partitions()) => ({ lane: laneOf(partitionOfKey(key, among)) }),
    async append(records) {
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
    },
    async read(lane, after, limit) {
      const partition = await partitionOf(lane)
      await saying(readable())
      const kept = ahead.get(lane)
      ahead.delete(lane)
      let records = kept?.after === after ? kept.records : []
      let next = kept?.after === after ? kept.next : offsetBehind(after)
      let bytes = byteLength(records)
      while (records.length < limit && bytes < MAX_READ_BYTES) {
        const page = await saying(partitions.page(partition, next))
        if (page.isUnstamped && page.next === next && records.length === 0) throw new Error(unstampedAt(lane, next))
        if (page.next === next) break
        records = records.concat(page.records)
        bytes += byteLength(page.records)
        next = page.next
      }
      const result = records.slice(0, limit)
      const last = result.at(-1)
      if (last && records.length > limit) ahead.set(lane, { after: last.position, records: records.slice(limit), next })
      return result
    },
    async waiting({ lane, lastPosition, lastArrivalMs }) {
      const partition = await partitionOf(lane)
      const { compacted, unstamped } = await saying(standing())
      const { oldestMs, reason } = await saying(
        partitions.waiting(partition, offsetBehind(lastPosition), lastArrivalMs),
      )
      return { oldestMs, reason: reason ?? compacted ?? unstamped }
    },
    async firstKept(lane) {
      const partition = await partitionOf(lane)
      return toPosition(await saying(offsetAt(reader, options.topic, partition, ListOffsetTimestamps.EARLIEST)))
    },
    async end(lane) {
      const partition = await partitionOf(lane)
      const offset = await saying(offsetAt(reader, options.topic, partition, ListOffsetTimestamps.LATEST))
      return offset === 0n ? START : toPosition(offset - 1n)
    },
    close,
  }
}

type Topic = Awaited<ReturnType<typeof openTopic>>

/** Opens one topic by its id, and maps its partitions to lanes. */
async function openTopic(admin: Admin, name: string) {
  const described = await topicOf(admin, name)
  const { id } = described
  const identity = `${name}.${id}`
  let partitions = described.partitionsCount

  /** Returns the topic's metadata, at most a few seconds old. */
  async function current(): Promise<ClusterTopicMetadata> {
    const topic = await topicOf(admin, name)
    if (topic.id !== id) throw new Error(`the topic ${name} was deleted and created again: open the log again`)
    partitions = topic.partitionsCount
    return topic
  }

  const laneOf = (partition: number): string => laneName(identity, String(partition))

  /** Returns the partition of a lane. @throws Error when there is no such lane */
  async function partitionOf(lane: string): Promise<number> {
    const partition = lane.startsWith(`${identity}.`) ? Number(lane.slice(identity.length + 1)) : Number.NaN
    const isLane = (): boolean => lane === laneOf(partition) && partition < partitions
    if (!isLane()) {
      // Metadata that is a few seconds old lacks a partition that was just added.
      admin.clearMetadata()
      await current()
    }
    if (!isLane()) throw new Error(`the log ${identity} has no lane '${lane}'`)
    return partition
  }

  return { id, name, identity, current, laneOf, partitionOf, partitions: () => partitions }
}

/** Reads each partition from the broker that leads it. */
function partitionReader({ reader, topic, fetchVersion }: Opened) {
  async function leaderOf(partition: number): Promise<Connection> {
    const { partitions: leaders } = await topic.current()
    const leader = leaders[partition]?.leader as number
    const connection = (await reader.connectToBrokers([leader])).get(leader)
    if (!connection) throw new Error(`the leader of partition ${partition} is not known`)
    return connection
  }

  const fetch = async (partition: number, offset: bigint, isolation: (typeof ISOLATION)[keyof typeof ISOLATION]) =>
    fetchPartition(fetchVersion, await leaderOf(partition), topic.id, partition, offset, isolation)

  async function pageOnce(partition: number, offset: bigint): Promise<Page> {
    try {
      return pageOf(await fetch(partition, offset, ISOLATION.committed), topic.laneOf(partition), offset)
    } catch (error) {
      if (!isApiError(error, 'OFFSET_OUT_OF_RANGE')) throw error
    }
    const earliest = await offsetAt(reader, topic.name, partition, ListOffsetTimestamps.EARLIEST)
    if (offset < earliest) return { records: [], next: earliest, isUnstamped: false, isHeldBack: false }
    throw new Error(
      `${topic.laneOf(partition)} ends before offset ${offset}, which was read before: the partition has lost acknowledged records (see unclean.leader.election.enable)`,
    )
  }

  async function page(partition: number, offset: bigint): Promise<Page> {
    for (let attempt = 1; ; attempt++) {
      try {
        return await pageOnce(partition, offset)
      } catch (error) {
        if (attempt === READ_ATTEMPTS || !isPassing(error)) throw error
        reader.clearMetadata()
        await sleep(FIRST_WAIT_MS * 2 ** (attempt - 1))
      }
    }
  }

  /** Describes what waits from an offset on: committed records, or records that the log does not return. */
  async function waiting(partition: number, offset: bigint, lastArrivalMs: number | null): Promise<Waiting> {
    for (let next = offset; ; ) {
      const { records, next: behind, isUnstamped, isHeldBack } = await page(partition, next)
      const [first] = records
      if (first) return { oldestMs: first.arrivalMs, reason: null }
      // Its arrival time is unknown, but it cannot be before the last applied record.
      if (isUnstamped) return { oldestMs: lastArrivalMs, reason: unstampedAt(topic.laneOf(partition), behind) }
      if (isHeldBack) {
        const oldestMs = firstTimeOf(await fetch(partition, behind, ISOLATION.uncommitted))
        return { oldestMs, reason: heldBack(topic.name, partition, behind) }
      }
      if (behind === next) return { oldestMs: null, reason: null }
      next = behind
    }
  }

  return { page, waiting }
}

function unstampedAt(lane: string, offset: bigint): string {
  return `the lane ${lane} stops before offset ${offset}: the record there has its producer's time instead of its arrival time, because the topic was not set to message.timestamp.type=LogAppendTime when it arrived. See "Records without the broker's time" in docs/engines.md`
}

function heldBack(topic: string, partition: number, offset: bigint): string {
  return `another producer's open transaction holds back what lies behind offset ${offset} of partition ${partition} of the topic ${topic}: these records are counted when that transaction commits, aborts or times out (kafka-transactions.sh finds and aborts it)`
}

function offsetBehind(position: Position): bigint {
  return position === START ? 0n : BigInt(position) + 1n
}

function byteLength(records: readonly LogRecord[]): number {
  return records.reduce((sum, { data }) => sum + data.byteLength, 0)
}

function asBuffer(data: Uint8Array): Buffer {
  return Buffer.from(data.buffer, data.byteOffset, data.byteLength)
}
