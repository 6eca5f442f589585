import { spawn } from 'node:child_process'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { openFolderObjectStore } from '../../functions/adapters/files/object-store.ts'
import { openKafkaEventLog } from '../../functions/adapters/kafka/event-log.ts'
import { type Lane, START, toPosition, toSequenceNumber } from '../../functions/core/lane.ts'
import type { LogRecord } from '../../functions/core/record.ts'
import { HOUR_MS } from '../../functions/core/time.ts'
import { keyRoute } from '../../functions/ingest/key-route.ts'
import type { EventLog } from '../../functions/ports/event-log.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'
import { describeWithJava } from './java.ts'
import type { KafkaEngine } from './kafka.ts'
import {
  cursorAt,
  eventually,
  type KafkaTools,
  kafkaTools,
  readToEnd,
  startKafkaForGroup,
  text,
  texts,
  until,
} from './kafka-log.ts'
import { freshTopic } from './kafka-topics.ts'

describeWithJava('the event log on Kafka, special cases', () => {
  let kafka: KafkaEngine
  let tools: KafkaTools
  startKafkaForGroup(started => {
    kafka = started
    tools = kafkaTools(started)
  })

  test('says which broker does not answer', async () => {
    const opening = openKafkaEventLog({ brokers: ['127.0.0.1:1'], topic: 'any' })
    await expect(opening).rejects.toThrow(/127\.0\.0\.1:1.*ECONNREFUSED/)
  })

  test('is another log after its topic was deleted and created again', async () => {
    await freshTopic(kafka.brokers, 'recreated')
    await tools.withLog('recreated', async log => {
      const [lane] = (await log.lanes()) as [Lane, ...Lane[]]
      await log.append([{ lane: lane.name, data: Buffer.from('old') }])
      await freshTopic(kafka.brokers, 'recreated')
      await tools.withLog('recreated', async again => {
        expect(again.identity).not.toBe(log.identity)
        await expect(again.read(lane.name, START, 1)).rejects.toThrow(lane.name)
      })
      await expect(log.read(lane.name, START, 1)).rejects.toThrow('deleted and created again')
      const [outcome] = await log.append([{ key: 'k', data: Buffer.from('to the old one') }])
      expect(outcome).toEqual({ error: expect.stringContaining('deleted and created again') })
    })
  })

  test('finds partitions that were added later', async () => {
    await freshTopic(kafka.brokers, 'growing', { partitions: 1 })
    await tools.withLog('growing', async log => {
      await tools.withAdmin(admin =>
        admin.createPartitions({ topics: [{ name: 'growing', count: 2, assignments: [{ brokerIds: [1] }] }] }),
      )
      await tools.withLog('growing', async grown => {
        const lane = `${log.identity}.1`
        await grown.append([{ lane, data: Buffer.from('in the new one') }])
        expect(texts(await eventually(() => log.read(lane, START, 1)))).toEqual(['in the new one'])
      })
    })
  })

  test('has the same lane for a key after partitions were added, given the number of partitions before', async () => {
    await freshTopic(kafka.brokers, 'rerouted', { partitions: 1 })
    await tools.withLog('rerouted', async log => {
      const objects = openFolderObjectStore(temporaryFolder())
      const keys = Array.from({ length: 12 }, (_, n) => `key-${n}`)
      const routes = (of: EventLog) => Promise.all(keys.map(keyRoute(of, objects)))
      const before = await routes(log)
      const assignments = [1, 2, 3].map(() => ({ brokerIds: [1] }))
      await tools.withAdmin(admin => admin.createPartitions({ topics: [{ name: 'rerouted', count: 4, assignments }] }))
      await until(async () => (await log.lanes()).length === 4)
      expect(await routes(log)).toEqual(before)
      await tools.withLog('rerouted', async again => expect(await routes(again)).toEqual(before))
      expect(keys.map(key => log.destinationOf(key))).not.toEqual(before)
      const records = before.map((route, n) => ({ ...route, data: Buffer.from(`copy ${n}`) }))
      const lanes = (await log.append(records)).map(outcome => 'lane' in outcome && outcome.lane)
      expect(new Set(lanes)).toEqual(new Set([`${log.identity}.0`]))
    })
  })

  test('keeps what it acknowledged through kill -9, reports failures during the outage, and continues after it', async () => {
    await freshTopic(kafka.brokers, 'outage')
    await tools.withLog('outage', async log => {
      const acknowledged = new Map<string, string>()
      let refused = 0
      const send = async (name: string): Promise<void> => {
        const records = Array.from({ length: 30 }, (_, n) => ({ key: `${n}`, data: Buffer.from(`${name} ${n}`) }))
        for (const [n, outcome] of (await log.append(records)).entries()) {
          if ('error' in outcome) refused++
          else acknowledged.set(`${outcome.lane} ${outcome.position}`, `${name} ${n}`)
        }
      }
      await send('before')
      expect(refused).toBe(0)
      // Some calls are under way when the broker dies.
      const underWay = Array.from({ length: 40 }, (_, n) => send(`under way ${n}`))
      await kafka.kill()
      await Promise.all(underWay)
      refused = 0
      await send('during the outage')
      expect(refused).toBe(30)
      const lanes = acknowledgedLanes(acknowledged)
      await expect(log.read(lanes[0] as string, START, 1)).rejects.toThrow('ECONNREFUSED')
      await kafka.restart()
      refused = 0
      await send('after')
      expect(refused).toBe(0)
      const found = new Map<string, string>()
      for (const lane of lanes) {
        for (const record of await readToEnd(log, lane)) found.set(`${lane} ${record.position}`, text(record))
      }
      for (const [place, value] of acknowledged) expect(found.get(place)).toBe(value)
    })
  })

  test('reads records that the Java client compressed with any codec, with the broker’s time', async () => {
    await freshTopic(kafka.brokers, 'codecs')
    const startMs = Date.now()
    await tools.foreignProducer('codecs', 'codecs')
    await tools.withLog('codecs', async log => {
      const records = await readToEnd(log, `${log.identity}.0`)
      const codecs = ['none', 'gzip', 'snappy', 'lz4', 'zstd']
      const sent = codecs.flatMap(codec => Array.from({ length: 100 }, (_, n) => `${codec} ${n}${' '.repeat(n * 10)}`))
      expect(texts(records)).toEqual(sent)
      for (const { arrivalMs } of records) expect(arrivalMs).toBeGreaterThanOrEqual(startMs)
      // The position is within a compressed batch, which the broker sends whole.
      const middle = records[250] as LogRecord
      const page = await log.read(middle.lane, middle.position, 3)
      expect(texts(page)).toEqual(sent.slice(251, 254))
    })
  })

  test('reads committed transactions only, from any position', async () => {
    await freshTopic(kafka.brokers, 'transactions')
    await tools.foreignProducer('transactions', 'transactions')
    await tools.withLog('transactions', async log => {
      const lane = `${log.identity}.0`
      const committed = [0, 1, 2, 3, 4].map(n => `committed ${n}`)
      const records = await readToEnd(log, lane)
      expect(texts(records)).toEqual(committed)
      const end = Number(toSequenceNumber((records.at(-1) as LogRecord).position))
      for (let offset = 0; offset <= end; offset++) {
        const after = toPosition(offset)
        const behind = records.filter(({ position }) => position > after)
        expect(texts(await log.read(lane, after, 10))).toEqual(texts(behind))
      }
    })
  })

  test('sends a key to the same partition as the Java client', async () => {
    await freshTopic(kafka.brokers, 'keys', { partitions: 7 })
    const printed = (await tools.foreignProducer('keys', 'keys')).trimEnd().split('\n')
    expect(printed).toHaveLength(300)
    await tools.withLog('keys', async log => {
      const keys = printed.map(line => line.slice(line.indexOf(' ') + 1))
      const outcomes = await log.append(keys.map(key => ({ key, data: Buffer.from(key) })))
      const lanes = printed.map(line => `${log.identity}.${line.split(' ')[0]}`)
      expect(outcomes).toEqual(lanes.map(lane => ({ lane, position: expect.any(String) })))
    })
  })

  test('continues from the start of the log when retention has removed the next records', async () => {
    await freshTopic(kafka.brokers, 'retention')
    await tools.withLog('retention', async log => {
      const lane = `${log.identity}.0`
      for (let n = 0; n < 10; n++) await log.append([{ lane, data: Buffer.from(`record ${n}`) }])
      await tools.withAdmin(admin =>
        admin.deleteRecords({ topics: [{ name: 'retention', partitions: [{ partition: 0, offset: 6n }] }] }),
      )
      const kept = [6, 7, 8, 9].map(n => `record ${n}`)
      expect(texts(await log.read(lane, START, 10))).toEqual(kept)
      expect(texts(await log.read(lane, toPosition(2), 10))).toEqual(kept)
      expect(texts(await log.read(lane, toPosition(7), 10))).toEqual(kept.slice(2))
    })
  })

  test('reports a lane that ends before the position that was read', async () => {
    await freshTopic(kafka.brokers, 'shortened')
    await tools.withLog('shortened', async log => {
      await expect(log.read(`${log.identity}.0`, toPosition(5), 1)).rejects.toThrow('lost acknowledged records')
    })
  })

  test('refuses a record that is too large for the topic, and only that one', async () => {
    await freshTopic(kafka.brokers, 'narrow', { 'max.message.bytes': 1000 })
    await tools.withLog('narrow', async log => {
      const sizes = [400, 400, 5000, 400, 400]
      const [lane, other] = [`${log.identity}.0`, `${log.identity}.1`]
      const outcomes = await log.append([
        ...sizes.map(size => ({ lane, data: Buffer.alloc(size) })),
        { lane: other, data: Buffer.from('elsewhere') },
      ])
      expect(outcomes[2]).toEqual({ error: expect.stringContaining('MESSAGE_TOO_LARGE'), tooLarge: true })
      expect(outcomes.filter(outcome => 'lane' in outcome)).toHaveLength(5)
      expect((await readToEnd(log, lane)).map(({ data }) => data.byteLength)).toEqual([400, 400, 400, 400])
    })
  })

  test('reports since when an open transaction holds records back, and continues after it ends', async () => {
    await freshTopic(kafka.brokers, 'held-back', { partitions: 1 })
    await tools.withLog('held-back', async log => {
      const lane = `${log.identity}.0`
      const transaction = spawn('java', [
        ...['-cp', join(kafka.jars, '*'), join(import.meta.dirname, 'kafka/ForeignProducer.java')],
        ...['open-transaction', kafka.brokers.join(','), 'held-back'],
      ])
      try {
        await until(async () => (await log.waiting(cursorAt(lane, START))).reason)
        const [stored] = await log.append([{ lane, data: Buffer.from('acknowledged') }])
        expect(stored).toHaveProperty('position')
        expect(await log.read(lane, START, 10)).toEqual([])
        const { oldestMs, reason } = await log.waiting(cursorAt(lane, START))
        expect(reason).toContain(
          'open transaction holds back what lies behind offset 0 of partition 0 of the topic held-back',
        )
        expect(Math.abs(Date.now() - (oldestMs as number))).toBeLessThan(HOUR_MS)
        transaction.stdin.end()
        const records = await eventually(() => log.read(lane, START, 10))
        expect(texts(records)).toEqual(['acknowledged'])
        const last = records.at(-1) as LogRecord
        expect(await log.waiting(cursorAt(lane, START))).toEqual({ oldestMs: last.arrivalMs, reason: null })
        expect(await log.waiting(cursorAt(lane, last.position))).toEqual({ oldestMs: null, reason: null })
      } finally {
        transaction.kill('SIGKILL')
      }
    })
  })
})

function acknowledgedLanes(acknowledged: Map<string, string>): string[] {
  return [...new Set(Array.from(acknowledged.keys(), place => place.split(' ')[0] as string))]
}
