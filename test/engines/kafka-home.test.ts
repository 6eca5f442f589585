import { Admin } from '@platformatic/kafka'
import { expect, test } from 'vitest'
import { openKafkaEventLog } from '../../functions/adapters/kafka/event-log.ts'
import type { WireEvent } from '../../functions/core/event.ts'
import { someEvents } from '../support/events-csv.ts'
import { eventually, runBatch, type System, startSystem, totalCount } from '../support/landcover.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'
import { describeWithJava } from './java.ts'
import type { KafkaEngine } from './kafka.ts'
import { startKafkaForGroup } from './kafka-log.ts'
import { freshTopic } from './kafka-topics.ts'

describeWithJava('a system on Kafka', () => {
  let kafka: KafkaEngine
  startKafkaForGroup(started => {
    kafka = started
  })

  async function withAdmin<T>(use: (admin: Admin) => Promise<T>): Promise<T> {
    const admin = new Admin({ clientId: 'tests', bootstrapBrokers: kafka.brokers })
    try {
      return await use(admin)
    } finally {
      await admin.close()
    }
  }

  const start = (state: string, topic: string) =>
    startSystem(state, ['--slot', '10s', '--log', `kafka://${kafka.brokers}/${topic}`])
  const counts = (system: System, count: number) => eventually(system.classStats, rows => totalCount(rows) === count)

  async function post({ url }: System, key: string, events: readonly WireEvent[]): Promise<void> {
    const body = events.map(event => JSON.stringify(event)).join('\n')
    const headers = { 'Content-Type': 'application/x-ndjson', 'Idempotency-Key': key }
    const response = await fetch(`${url}/api/events`, { method: 'POST', headers, body })
    expect({ status: response.status, body: await response.json() }).toMatchObject({ status: 202 })
  }

  test('counts repeated requests once, also after partitions were added, and batch runs continue', async () => {
    const topic = 'repeated'
    await freshTopic(kafka.brokers, topic, { partitions: 1 })
    const state = temporaryFolder()
    const system = await start(state, topic)
    const events = someEvents(120)
    const postAll = async () => {
      for (let n = 0; n < 12; n++) await post(system, `key-${n}`, events.slice(n * 10, (n + 1) * 10))
    }
    await postAll()
    await counts(system, 120)
    const assignments = [1, 2, 3].map(() => ({ brokerIds: [1] }))
    await withAdmin(admin => admin.createPartitions({ topics: [{ name: topic, count: 4, assignments }] }))
    await eventually(system.health, ({ speed }) => speed.lanes.length === 4)
    await postAll()
    // Records behind the copies are counted after them.
    await post(
      system,
      'the-last',
      someEvents(1).map(event => ({ ...event, image_id: 'the-last' })),
    )
    await counts(system, 121)
    // The run that covers the copies: all lanes are one slot further.
    await eventually(
      () => system.get<{ count: number }[]>('/api/batch/class-stats'),
      rows => totalCount(rows) === 121,
    )
    await system.interrupt()
    const { code, stderr } = await runBatch(['--state', state]).finished
    expect(stderr).not.toContain('differ')
    expect(code).toBe(0)
  })

  test('says how many records the topic had removed before they were read', async () => {
    const topic = 'removed'
    await freshTopic(kafka.brokers, topic, { partitions: 1 })
    const state = temporaryFolder()
    const first = await start(state, topic)
    await post(first, 'a', someEvents(3))
    await counts(first, 3)
    await first.interrupt()

    const log = await openKafkaEventLog({ brokers: kafka.brokers, topic })
    const lane = `${log.identity}.0`
    const appendSome = async (ids: readonly string[]): Promise<bigint> => {
      const events = someEvents(ids.length).map((event, n) => ({ ...event, image_id: ids[n] }))
      const outcomes = await log.append(events.map(event => ({ lane, data: Buffer.from(JSON.stringify(event)) })))
      return BigInt((outcomes[0] as { position: string }).position)
    }
    const removedFrom = await appendSome(['removed-1', 'removed-2', 'removed-3', 'removed-4', 'removed-5'])
    const offset = await appendSome(['kept-1', 'kept-2'])
    await log.close()
    await withAdmin(admin => admin.deleteRecords({ topics: [{ name: topic, partitions: [{ partition: 0, offset }] }] }))

    const again = await start(state, topic)
    await counts(again, 5)
    const { speed, reasons } = await eventually(again.health, health => health.speed.lanes[0]?.lost_records !== 0)
    // Heartbeats that the first system sent and did not read are among them.
    const lost = speed.lanes[0]?.lost_records as number
    expect(lost).toBeGreaterThanOrEqual(Number(offset - removedFrom))
    expect(lost).toBeLessThanOrEqual(Number(offset))
    expect(reasons.join()).toContain(`Up to ${lost} records of ${lane} are missing`)
  })
})
