import { Admin, ListOffsetTimestamps, ProduceAcks, Producer } from '@platformatic/kafka'
import { START, toPosition } from '../../core/lane.ts'
import type { EventLog } from '../../ports/event-log.ts'

import { largestRecord } from './append.ts'
import { appendByPartition } from './append-by-partition.ts'
import { clientOptions, describeError, type KafkaEventLogOptions } from './connection.ts'
import { type FetchVersion, newestFetch } from './fetch.ts'
import { partitionReader } from './partition-reader.ts'
import { laneReader, offsetBehind } from './read-lane.ts'
import { offsetAt, openTopic, readStanding, standingOf, type Topic, type TopicStanding } from './topic.ts'

export type { KafkaEventLogOptions, KafkaLogin } from './connection.ts'

/**
 * Opens the event log on a Kafka topic with message.timestamp.type=LogAppendTime: a partition is a lane, an offset is
 * a position. Needs Kafka 3.1 or later, where a fetch names its topic by id.
 *
 * An append is acknowledged when all in-sync replicas have it (acks=all; the topic's min.insync.replicas says how many
 * replicas that must be). Records that come while a request to their partition is under way share the next request.
 *
 * A batch is never sent twice without the caller's knowledge, with one exception. A broker that no longer leads the
 * partition refuses a batch without storing it, so the same batch goes to the new leader. When a batch of a lane fails,
 * the later records of the call for that lane are not sent, so that sending again keeps the order.
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
  const readLane = laneReader((partition, offset) => saying(partitions.page(partition, offset)))
  const partitionOf = (lane: string): Promise<number> => saying(topic.partitionOf(lane))

  /** Returns the largest batch that the topic accepts, in bytes. @throws Error when nothing may be appended now */
  async function appendable(): Promise<number> {
    await topic.current()
    const { compacted, unstamped, maxBatchBytes } = await standing()
    const refusal = compacted ?? unstamped
    if (refusal) throw new Error(refusal)
    return maxBatchBytes
  }

  async function readable(): Promise<void> {
    const { compacted } = await standing()
    if (compacted) throw new Error(compacted)
  }

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
    destinationOf: (key, among = topic.partitions()) => ({ lane: laneOf(topic.partitionOfKey(key, among)) }),
    append: appendByPartition({ options, producer, topic, partitionOf, appendable }),
    async read(lane, after, limit) {
      const partition = await partitionOf(lane)
      await saying(readable())
      return readLane({ lane, partition }, after, limit)
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
