import { expect, test } from 'vitest'
import { openKafkaEventLog } from '../../functions/adapters/kafka/event-log.ts'
import { type Position, START, toPosition } from '../../functions/core/lane.ts'
import type { LogRecord } from '../../functions/core/record.ts'
import type { EventLog } from '../../functions/ports/event-log.ts'
import { describeWithJava } from './java.ts'
import type { KafkaEngine } from './kafka.ts'
import { cursorAt, type KafkaTools, kafkaTools, startKafkaForGroup, texts, until } from './kafka-log.ts'
import { freshTopic } from './kafka-topics.ts'

describeWithJava('the settings of a Kafka topic', () => {
  let kafka: KafkaEngine
  let tools: KafkaTools
  startKafkaForGroup(started => {
    kafka = started
    tools = kafkaTools(started)
  })

  test('refuses a topic with producers’ times and names the command that corrects it', async () => {
    await freshTopic(kafka.brokers, 'create-time', { 'message.timestamp.type': 'CreateTime' })
    const refused = await openKafkaEventLog({ brokers: kafka.brokers, topic: 'create-time' }).catch(error => error)
    const [, command] = /kafka-configs\.sh (.*?) \(/.exec(refused.message) ?? []
    expect(command).toContain('--add-config message.timestamp.type=LogAppendTime')
    await tools.java('kafka.admin.ConfigCommand', ...(command as string).split(' '))
    await tools.withLog('create-time', async log => expect(await log.lanes()).toHaveLength(3))
  })

  test('refuses a missing topic and names the command that creates it', async () => {
    const opening = openKafkaEventLog({ brokers: kafka.brokers, topic: 'missing' })
    await expect(opening).rejects.toThrow(
      `kafka-topics.sh --bootstrap-server ${kafka.brokers} --create --topic missing --partitions 4 --config message.timestamp.type=LogAppendTime`,
    )
  })

  test('refuses a compacted topic and names the command that changes it', async () => {
    for (const policy of ['compact', '[compact,delete]']) {
      await freshTopic(kafka.brokers, 'compacted', { 'cleanup.policy': policy.replaceAll(/[[\]]/g, '') })
      const refused = await openKafkaEventLog({ brokers: kafka.brokers, topic: 'compacted' }).catch(error => error)
      const [, command] = /kafka-configs\.sh (.*?) \(/.exec(refused.message) ?? []
      expect(command).toContain('--add-config cleanup.policy=delete')
      await tools.java('kafka.admin.ConfigCommand', ...(command as string).split(' '))
      await tools.withLog('compacted', async log => expect(await log.lanes()).toHaveLength(3))
    }
  })

  test('notices that its topic is compacted now, neither reads nor appends, and continues when it no longer is', async () => {
    await freshTopic(kafka.brokers, 'compacted-later')
    await tools.withLog('compacted-later', async log => {
      const lane = `${log.identity}.0`
      await log.append([{ lane, data: Buffer.from('before') }])
      await tools.configure('compacted-later', 'cleanup.policy=compact')
      const reason = await until(async () => (await log.waiting(cursorAt(lane, START))).reason)
      expect(reason).toContain('the topic compacted-later has cleanup.policy=compact')
      await expect(log.read(lane, START, 1)).rejects.toThrow('cleanup.policy=compact')
      expect(await log.append([{ key: 'k', data: Buffer.from('meanwhile') }])).toEqual([
        { error: expect.stringContaining('cleanup.policy=compact') },
      ])
      await tools.configure('compacted-later', 'cleanup.policy=delete')
      await until(async () => (await log.waiting(cursorAt(lane, START))).reason === null)
      expect(texts(await log.read(lane, START, 10))).toEqual(['before'])
    })
  })

  test('stops before a record that the broker did not stamp, says where, and continues after that record was removed', async () => {
    await freshTopic(kafka.brokers, 'unstamped', { partitions: 2 })
    await tools.withLog('unstamped', async log => {
      const [lane, other] = [`${log.identity}.0`, `${log.identity}.1`]
      const [before] = await log.append([{ lane, data: Buffer.from('stamped before') }])
      await tools.configure('unstamped', 'message.timestamp.type=CreateTime')
      await until(async () => (await log.waiting(cursorAt(other, START))).reason)
      const [refused] = await log.append([{ lane, data: Buffer.from('would be unstamped') }])
      expect(refused).toEqual({ error: expect.stringContaining('message.timestamp.type=CreateTime') })
      await tools.foreignProducer('unstamped', 'unstamped')
      await tools.configure('unstamped', 'message.timestamp.type=LogAppendTime')
      await until(async () => (await log.waiting(cursorAt(other, START))).reason === null)
      await log.append([{ lane, data: Buffer.from('stamped after') }])

      expect(texts(await readToUnstamped(log, lane))).toEqual(['stamped before'])
      const { position } = before as { position: Position }
      await expect(log.read(lane, position, 10)).rejects.toThrow(/stops before offset 1: .*docs\/engines.md/)
      expect(await log.waiting(cursorAt(lane, position, 1234))).toEqual({
        oldestMs: 1234,
        reason: expect.stringContaining(`the lane ${lane} stops before offset 1`),
      })
      // The position is within the batch, which the broker sends whole.
      await expect(log.read(lane, toPosition(1), 10)).rejects.toThrow('stops before offset 2')

      await tools.withAdmin(admin =>
        admin.deleteRecords({ topics: [{ name: 'unstamped', partitions: [{ partition: 0, offset: 4n }] }] }),
      )
      expect(texts(await log.read(lane, position, 10))).toEqual(['stamped after'])
      expect(await log.firstKept(lane)).toBe(toPosition(4))
    })
  })
})

/** Returns the records of a lane before it stops. */
async function readToUnstamped(log: EventLog, lane: string): Promise<LogRecord[]> {
  const records: LogRecord[] = []
  for (let after: Position = START; ; after = (records.at(-1) as LogRecord).position) {
    const page = await log.read(lane, after, 60).catch(() => [])
    if (page.length === 0) return records
    records.push(...page)
  }
}
