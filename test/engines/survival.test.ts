import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { liveImage, toWireEvent } from '../../data/generator.ts'
import { randomNumbers } from '../../data/random.ts'
import { openKafkaEventLog } from '../../functions/adapters/kafka/event-log.ts'
import { createProducer } from '../../functions/ingest/producer.ts'
import type { ClassStatsRow } from '../../functions/serving/schemas.ts'
import { eventually, type System, startSystem, totalCount } from '../support/landcover.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'
import { type Cassandra, startCassandra } from './cassandra.ts'
import { describeWithJava } from './java.ts'
import { type KafkaEngine, startKafka } from './kafka.ts'
import { freshTopic } from './kafka-topics.ts'

const EVENTS = 500_000
const KILLS = 10
const TOPIC = 'image-events'
const SEED = 20_261_122
const PATIENCE_MS = 10 * 60_000

describeWithJava('the system on Kafka and Cassandra', () => {
  let kafka: KafkaEngine
  let cassandra: Cassandra

  beforeAll(async () => {
    ;[kafka, cassandra] = await Promise.all([startKafka(), startCassandra()])
    await freshTopic(kafka.brokers, TOPIC, { partitions: 3 })
  })
  afterAll(async () => {
    await Promise.all([kafka?.stop(), cassandra?.stop()])
  })

  const start = (state: string) =>
    startSystem(state, [
      ...['--log', `kafka://${kafka.brokers[0]}/${TOPIC}`],
      ...['--store', `cassandra://${cassandra.contactPoint}/landcover`],
    ])

  it(`counts ${EVENTS} events exactly while it is killed ${KILLS} times and both servers restart`, {
    timeout: PATIENCE_MS,
  }, async () => {
    const random = randomNumbers(SEED, 0, 0)
    const state = temporaryFolder()
    let system = await start(state)
    const log = await openKafkaEventLog({ brokers: kafka.brokers, topic: TOPIC })
    const producer = createProducer(log, { ids: 3 })
    const expected = new Map<string, { count: number; micros: number }>()

    let index = 0
    async function publish(events: number): Promise<void> {
      for (const end = index + events; index < end; index++) {
        const event = toWireEvent(liveImage({ seed: SEED, index, atMs: Date.now() }))
        const of = expected.get(event.class_name) ?? { count: 0, micros: 0 }
        expected.set(event.class_name, of)
        of.count++
        of.micros += Math.round(event.ndvi_mean * 1e6)
        await producer.add(event)
      }
    }

    for (let kill = 0; kill < KILLS; kill++) {
      const published = publish(EVENTS / KILLS)
      await sleep(200 + random() * 1_500)
      await system.kill()
      if (kill === 3) await again(cassandra)
      if (kill === 6) await again(kafka)
      system = await start(state)
      await published
    }
    await again(cassandra)
    await producer.close()
    expect(producer.summary()).toMatchObject({ acknowledged: EVENTS, unacknowledged: 0, pending: 0 })

    const rows = await untilCounted(system, EVENTS)
    for (const row of rows) {
      const of = expected.get(row.class_name)
      expect(row.count, row.class_name).toBe(of?.count)
      expect(Math.round((row.ndvi_avg as number) * row.count * 1e6), row.class_name).toBe(of?.micros)
    }
    // Heartbeats may still wait behind the last event.
    await eventually(system.health, ({ speed }) => speed.lag_ms === 0)
    expect((await system.interrupt()).code).toBe(0)
    await log.close()
  })
})

async function again(server: KafkaEngine | Cassandra): Promise<void> {
  await server.kill()
  await server.restart()
}

/** Waits for the count to reach the number, and a little longer for it to go beyond. */
async function untilCounted(system: System, events: number): Promise<ClassStatsRow[]> {
  await eventually(
    () => system.classStats().catch(() => []),
    rows => totalCount(rows) >= events,
  )
  await sleep(3_000)
  return system.classStats()
}
