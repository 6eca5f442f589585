import {
  type Admin,
  type ClusterTopicMetadata,
  ConfigResourceTypes,
  compatibilityPartitioner,
} from '@platformatic/kafka'
import { laneName } from '../../core/lane.ts'
import { commandFlags, isApiError, type KafkaEventLogOptions } from './connection.ts'

/** State of a topic's settings. */
export interface TopicStanding {
  /** Largest batch that the topic accepts, in bytes. */
  maxBatchBytes: number
  /** Reason why the topic may have lost stored records to compaction, and what to do; null when it cannot. */
  compacted: string | null
  /** Reason why records appended now would not get their arrival time, and what to do; null when they get it. */
  unstamped: string | null
}

/** Maximum age of the settings that an append or a read relies on, ms. */
const STANDING_AGE_MS = 10_000

/** Reads the topic's settings. @throws Error with the command that creates the topic, when it is missing */
export async function readStanding(admin: Admin, options: KafkaEventLogOptions): Promise<TopicStanding> {
  const { topic } = options
  const resource = { resourceType: ConfigResourceTypes.TOPIC, resourceName: topic }
  const [described] = await admin.describeConfigs({ resources: [resource] }).catch(error => {
    if (!isApiError(error, 'UNKNOWN_TOPIC_OR_PARTITION')) throw error
    throw new Error(
      `the topic ${topic} does not exist. Create it: kafka-topics.sh ${commandFlags(options)} --create --topic ${topic} --partitions 4 --config message.timestamp.type=LogAppendTime`,
    )
  })
  const setting = (name: string) => described?.configs.find(config => config.name === name)?.value ?? ''
  const [type, policy] = [setting('message.timestamp.type'), setting('cleanup.policy')]
  const isCompacted = policy.split(',').some(each => each.trim() === 'compact')
  const change = (config: string) =>
    `kafka-configs.sh ${commandFlags(options)} --alter --entity-type topics --entity-name ${topic} --add-config ${config}`
  return {
    maxBatchBytes: Number(setting('max.message.bytes')),
    compacted: isCompacted
      ? `the topic ${topic} has cleanup.policy=${policy}: Kafka would remove records that were never counted, and would refuse records without a key. Change it: ${change('cleanup.policy=delete')} (records that it already removed are lost)`
      : null,
    unstamped:
      type === 'LogAppendTime'
        ? null
        : `the topic ${topic} has message.timestamp.type=${type}: its records would have their producers' times instead of their arrival times. Change it: ${change('message.timestamp.type=LogAppendTime')} (records that the topic already has keep their producers' times: if there are any, use a new topic, or see "Records without the broker's time" in docs/engines.md)`,
  }
}

/** Creates a reader that caches the topic's standing while it is fresh. A standing with a fault is not cached. */
export function standingOf(admin: Admin, options: KafkaEventLogOptions, first: TopicStanding) {
  let known = { standing: first, atMs: performance.now() }
  let asking: Promise<TopicStanding> | null = null
  const ask = async () => {
    const standing = await readStanding(admin, options)
    known = { standing, atMs: performance.now() }
    return standing
  }
  return (): Promise<TopicStanding> => {
    const { standing, atMs } = known
    const isGood = standing.compacted === null && standing.unstamped === null
    if (isGood && performance.now() - atMs < STANDING_AGE_MS) return Promise.resolve(standing)
    asking ??= ask().finally(() => {
      asking = null
    })
    return asking
  }
}

/** Reads the metadata of the topic: its id and its partitions. */
export async function topicOf(admin: Admin, topic: string): Promise<ClusterTopicMetadata> {
  const metadata = await admin.metadata({ topics: [topic] })
  return metadata.topics.get(topic) as ClusterTopicMetadata
}

/**
 * Reads an offset of a partition.
 *
 * @param timestamp one of ListOffsetTimestamps: the first offset that the partition has, or the one after its last
 */
export async function offsetAt(admin: Admin, topic: string, partition: number, timestamp: bigint): Promise<bigint> {
  const partitions = [{ partitionIndex: partition, timestamp }]
  const [described] = await admin.listOffsets({ topics: [{ name: topic, partitions }] })
  return described?.partitions[0]?.offset ?? 0n
}

/** Topic that is open, with the lanes of its partitions. */
export type Topic = Awaited<ReturnType<typeof openTopic>>

/** Opens one topic by its id, and maps its partitions to lanes. */
export async function openTopic(admin: Admin, name: string) {
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

  /** Returns the partition that Java's default partitioner gives to a key, among a number of partitions. */
  function partitionOfKey(key: string, among: number = partitions): number {
    return compatibilityPartitioner({ topic: name }, Buffer.from(key)) % among
  }

  return { id, name, identity, current, laneOf, partitionOf, partitionOfKey, partitions: () => partitions }
}
