import { type Admin, type ClusterTopicMetadata, ConfigResourceTypes } from '@platformatic/kafka'
import { commandFlags, isApiError, type KafkaEventLogOptions } from './connection.ts'

/** What a topic's settings come to. */
export interface TopicStanding {
  /** The largest batch that the topic takes, in bytes. */
  maxBatchBytes: number
  /** Why its records cannot be trusted to be all that were stored, and what to do; null where they can. */
  compacted: string | null
  /** Why records that are appended now would not carry the time of their arrival, and what to do; null where they would. */
  unstamped: string | null
}

/** How old the settings may be that an append or a read relies on, ms. */
const STANDING_AGE_MS = 10_000

/** @throws Error with the command that creates the topic, where it is missing */
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
      ? `the topic ${topic} has cleanup.policy=${policy}: Kafka would remove records that were never counted, and takes none without a key. Change it: ${change('cleanup.policy=delete')} (what was removed already is gone)`
      : null,
    unstamped:
      type === 'LogAppendTime'
        ? null
        : `the topic ${topic} has message.timestamp.type=${type}: its records would carry their producers' times, not their times of arrival. Change it: ${change('message.timestamp.type=LogAppendTime')} (records that it holds already keep their producers' times: take a new topic where there are any, or see "Records without the broker's time" in docs/engines.md)`,
  }
}

/** The topic's standing, asked for again when it is old. One that is not as it should be is asked for every time. */
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

/** @param timestamp of ListOffsetTimestamps: the first offset that a partition still has, or the one behind its last */
export async function offsetAt(admin: Admin, topic: string, partition: number, timestamp: bigint): Promise<bigint> {
  const partitions = [{ partitionIndex: partition, timestamp }]
  const [described] = await admin.listOffsets({ topics: [{ name: topic, partitions }] })
  return described?.partitions[0]?.offset ?? 0n
}
