import { type Admin, type ClusterTopicMetadata, ConfigResourceTypes } from '@platformatic/kafka'
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
