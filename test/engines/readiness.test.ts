import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { someEvents } from '../support/events-csv.ts'
import { eventually, startSystem, totalCount } from '../support/landcover.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'
import { describeWithJava } from './java.ts'
import { type KafkaEngine, startKafka } from './kafka.ts'
import { freshTopic } from './kafka-topics.ts'

describeWithJava('the probes of a system', () => {
  let kafka: KafkaEngine
  beforeAll(async () => {
    kafka = await startKafka()
  })
  afterAll(() => kafka?.stop())

  it('say that it lives and is not ready while its Kafka is killed, and that it is ready when Kafka is back', async () => {
    const topic = 'readiness'
    await freshTopic(kafka.brokers, topic)
    const log = `kafka://${kafka.brokers}/${topic}`
    const system = await startSystem(join(temporaryFolder(), 'state'), ['--slot', '2s', '--log', log])
    const ask = async (path: string) => {
      const response = await fetch(system.url + path)
      return { status: response.status, body: (await response.json()) as { reasons?: string[] } }
    }
    await eventually(
      () => ask('/readyz'),
      ({ status }) => status === 200,
    )

    await kafka.kill()
    const { body } = await eventually(
      () => ask('/readyz'),
      ({ status }) => status === 503,
    )
    expect(body.reasons?.join(' ')).toMatch(/^The event log cannot be read: \S/)
    expect((await ask('/livez')).status).toBe(200)

    await kafka.restart()
    await eventually(
      () => ask('/readyz'),
      ({ status }) => status === 200,
    )
    const headers = { 'Content-Type': 'application/x-ndjson' }
    const events = someEvents(3).map(event => JSON.stringify(event))
    const sent = await fetch(`${system.url}/api/events`, { method: 'POST', headers, body: events.join('\n') })
    expect(sent.status).toBe(202)
    await eventually(system.classStats, rows => totalCount(rows) === 3)
  })
})
