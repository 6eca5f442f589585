import { readFileSync, rmSync } from 'node:fs'
import { mkdtemp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { liveImage, toWireEvent } from '../../data/generator.ts'
import { openKafkaEventLog } from '../../functions/adapters/kafka/event-log.ts'
import type { WireEvent } from '../../functions/core/event.ts'
import { createProducer, type ProducerOptions } from '../../functions/ingest/producer.ts'
import type { EventLog } from '../../functions/ports/event-log.ts'
import { type Cassandra, startCassandra } from '../engines/cassandra.ts'
import { startCqlProxy } from '../engines/cql-proxy.ts'
import { type KafkaEngine, startKafka } from '../engines/kafka.ts'
import { freshTopic } from '../engines/kafka-topics.ts'
import { type System, startSystem, totalCount } from '../support/landcover.ts'
import { printTable, quantile } from './report.ts'

const TOPIC = 'image-events'
const PARTITIONS = 3
/** Number of events that are generated in advance and used in turns, so that generating them is not measured. */
const DISTINCT_EVENTS = 50_000

/** Measures the system on real Kafka and Cassandra, with both servers on the same machine. */
export async function benchEngines(): Promise<void> {
  const [kafka, cassandra] = await Promise.all([startKafka(), startCassandra()])
  try {
    await benchThroughput(kafka, cassandra)
    await benchDelays(kafka, cassandra)
  } finally {
    await Promise.all([kafka.stop(), cassandra.stop()])
  }
}

/** Measures from the first event passed to the producer until the totals in Cassandra include the last. */
async function benchThroughput(kafka: KafkaEngine, cassandra: Cassandra): Promise<void> {
  const rows: object[] = []
  for (const { records, events, packing } of [
    { records: 'packed', events: 1_000_000, packing: { ids: PARTITIONS } },
    { records: 'one event each', events: 50_000, packing: { ids: 64, maxEvents: 1 } },
  ]) {
    const proxy = await startCqlProxy(cassandra.contactPoint)
    await withSystem(kafka, proxy.contactPoint, async (system, log) => {
      const startMs = performance.now()
      const executedBefore = proxy.executed()
      await publish(log, events, packing)
      const publishedMs = performance.now()
      await untilCounted(system, events)
      const seconds = (performance.now() - startMs) / 1000
      rows.push({
        records,
        events,
        'events/s published': Math.round(events / ((publishedMs - startMs) / 1000)),
        'events/s end to end': Math.round(events / seconds),
        'statements per 1,000 events': (((proxy.executed() - executedBefore) * 1000) / events).toFixed(2),
        'peak memory MB': peakMemoryMb(system),
      })
    })
    await proxy.close()
  }
  printTable('Kafka to Cassandra, publish to totals', rows)
}

async function publish(log: EventLog, events: number, options: ProducerOptions): Promise<void> {
  const made = makeEvents()
  const producer = createProducer(log, options)
  for (let index = 0; index < events; index++) await producer.add(made[index % made.length] as WireEvent)
  await producer.close()
}

/** Notes the published count ten times a second, and measures when the API shows this count. */
async function benchDelays(kafka: KafkaEngine, cassandra: Cassandra): Promise<void> {
  const rows: object[] = []
  for (const { rate, seconds } of [
    { rate: 20, seconds: 20 },
    { rate: 2_000, seconds: 20 },
  ]) {
    await withSystem(kafka, cassandra.contactPoint, async (system, log) => {
      const made = makeEvents()
      const producer = createProducer(log, { ids: PARTITIONS, lingerMs: 5 })
      const marks: { count: number; atMs: number }[] = []
      const delays: number[] = []
      let sent = 0
      const startMs = performance.now()
      const sending = (async () => {
        for (; sent < rate * seconds; ) {
          const due = Math.floor(((performance.now() - startMs) / 1000) * rate)
          for (; sent < due; sent++) await producer.add(made[sent % made.length] as WireEvent)
          if (sent > (marks.at(-1)?.count ?? 0)) marks.push({ count: sent, atMs: performance.now() })
          await sleep(Math.max(100, 1000 / rate))
        }
        await producer.close()
      })()
      while (delays.length < marks.length || sent < rate * seconds) {
        const seen = await countedImages(system)
        const nowMs = performance.now()
        for (let mark = marks[delays.length]; mark && mark.count <= seen; mark = marks[delays.length]) {
          delays.push(nowMs - mark.atMs)
        }
        await sleep(5)
      }
      await sending
      rows.push({
        'events/s': rate,
        marks: delays.length,
        'p50 ms': quantile(delays, 0.5).toFixed(0),
        'p95 ms': quantile(delays, 0.95).toFixed(0),
      })
    })
  }
  printTable('Kafka to Cassandra, publish to visible in the API', rows)
}

async function withSystem(
  kafka: KafkaEngine,
  contactPoint: string,
  work: (system: System, log: EventLog) => Promise<void>,
): Promise<void> {
  const state = await mkdtemp(join(tmpdir(), 'landcover-bench-'))
  await freshTopic(kafka.brokers, TOPIC, { partitions: PARTITIONS })
  const log = await openKafkaEventLog({ brokers: kafka.brokers, topic: TOPIC })
  const keyspace = `bench_${Date.now()}`
  const system = await startSystem(state, [
    ...['--log', `kafka://${kafka.brokers[0]}/${TOPIC}`],
    ...['--store', `cassandra://${contactPoint}/${keyspace}`],
  ])
  try {
    await work(system, log)
  } finally {
    await system.interrupt()
    await log.close()
    rmSync(state, { recursive: true })
  }
}

function makeEvents(): WireEvent[] {
  const atMs = Date.now()
  return Array.from({ length: DISTINCT_EVENTS }, (_, index) => toWireEvent(liveImage({ seed: 1, index, atMs })))
}

async function untilCounted(system: System, events: number): Promise<void> {
  while ((await countedImages(system)) < events) await sleep(20)
}

async function countedImages(system: System): Promise<number> {
  return totalCount(await system.classStats())
}

/** Peak resident memory of the system, from Linux. */
function peakMemoryMb(system: System): number | string {
  try {
    const status = readFileSync(`/proc/${system.child.pid}/status`, 'utf8')
    return Math.round(Number(/VmHWM:\s+(\d+)/.exec(status)?.[1]) / 1024)
  } catch {
    return 'unknown'
  }
}
