import { Admin } from '@platformatic/kafka'

/** Makes a topic anew, also where one of its name exists. */
export async function freshTopic(
  brokers: string[],
  topic: string,
  { partitions = 3, ...settings }: { partitions?: number; [setting: string]: string | number } = {},
): Promise<void> {
  const admin = new Admin({ clientId: 'tests', bootstrapBrokers: brokers })
  try {
    if ((await admin.listTopics()).includes(topic)) await admin.deleteTopics({ topics: [topic] })
    const configs = Object.entries({ 'message.timestamp.type': 'LogAppendTime', ...settings })
    await admin.createTopics({
      topics: [topic],
      partitions,
      replicas: 1,
      configs: configs.map(([name, value]) => ({ name, value: String(value) })),
    })
  } finally {
    await admin.close()
  }
}
