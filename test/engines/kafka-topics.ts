import { Admin, ListOffsetTimestamps } from '@platformatic/kafka'

/** Creates a topic. An existing topic of the same name is deleted first. */
export async function freshTopic(
  brokers: string[],
  topic: string,
  { partitions = 3, ...settings }: { partitions?: number; [setting: string]: string | number } = {},
): Promise<void> {
  const admin = new Admin({ clientId: 'tests', bootstrapBrokers: brokers, retries: 0 })
  try {
    if ((await admin.listTopics()).includes(topic)) await admin.deleteTopics({ topics: [topic] })
    const configs = Object.entries({ 'message.timestamp.type': 'LogAppendTime', ...settings })
    const [created] = await admin.createTopics({
      topics: [topic],
      partitions,
      replicas: 1,
      configs: configs.map(([name, value]) => ({ name, value: String(value) })),
    })
    // The controller answers before the broker knows the topic and leads its partitions.
    const indexes = Array.from({ length: partitions }, (_, partition) => partition)
    const offsets = indexes.map(partitionIndex => ({ partitionIndex, timestamp: ListOffsetTimestamps.LATEST }))
    for (;;) {
      try {
        const metadata = await admin.metadata({ topics: [topic], forceUpdate: true })
        if (metadata.topics.get(topic)?.id !== created?.id) continue
        await admin.listOffsets({ topics: [{ name: topic, partitions: offsets }] })
        break
      } catch {}
    }
  } finally {
    await admin.close()
  }
}
