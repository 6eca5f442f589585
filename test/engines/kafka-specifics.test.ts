import { execFile, spawn } from 'node:child_process'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'
import { Admin } from '@platformatic/kafka'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { openFolderObjectStore } from '../../functions/adapters/files/object-store.ts'
import { type KafkaEventLogOptions, openKafkaEventLog } from '../../functions/adapters/kafka/event-log.ts'
import { type Lane, type Position, START, toPosition, toSequenceNumber } from '../../functions/core/lane.ts'
import type { LogRecord } from '../../functions/core/record.ts'
import { HOUR_MS } from '../../functions/core/time.ts'
import { keyRoute } from '../../functions/ingest/key-route.ts'
import type { EventLog } from '../../functions/ports/event-log.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'
import { describeWithJava } from './java.ts'
import { bearerToken, KAFKA_USER, type KafkaEngine, startKafka } from './kafka.ts'
import { freshTopic } from './kafka-topics.ts'

describeWithJava('the event log on Kafka, special cases', () => {
  let kafka: KafkaEngine
  beforeAll(async () => {
    kafka = await startKafka()
  })
  afterAll(async () => {
    await kafka?.stop()
  })

  /** Runs with the log of a topic, and always closes it. */
  async function withLog(
    topic: string,
    use: (log: EventLog) => Promise<void>,
    options: Partial<KafkaEventLogOptions> = {},
  ): Promise<void> {
    const log = await openKafkaEventLog({ brokers: kafka.brokers, topic, ...options })
    try {
      await use(log)
    } finally {
      await log.close()
    }
  }

  async function withAdmin(use: (admin: Admin) => Promise<unknown>): Promise<void> {
    const admin = new Admin({ clientId: 'tests', bootstrapBrokers: kafka.brokers })
    try {
      await use(admin)
    } finally {
      await admin.close()
    }
  }

  async function java(program: string, ...parameters: string[]): Promise<string> {
    const { stdout } = await promisify(execFile)('java', ['-cp', join(kafka.jars, '*'), program, ...parameters])
    return stdout
  }
  const foreignProducer = (task: string, topic: string): Promise<string> =>
    java(join(import.meta.dirname, 'kafka/ForeignProducer.java'), task, kafka.brokers.join(','), topic)

  test('refuses a topic with producers’ times and names the command that corrects it', async () => {
    await freshTopic(kafka.brokers, 'create-time', { 'message.timestamp.type': 'CreateTime' })
    const refused = await openKafkaEventLog({ brokers: kafka.brokers, topic: 'create-time' }).catch(error => error)
    const [, command] = /kafka-configs\.sh (.*?) \(/.exec(refused.message) ?? []
    expect(command).toContain('--add-config message.timestamp.type=LogAppendTime')
    await java('kafka.admin.ConfigCommand', ...(command as string).split(' '))
    await withLog('create-time', async log => expect(await log.lanes()).toHaveLength(3))
  })

  test('refuses a missing topic and names the command that creates it', async () => {
    const opening = openKafkaEventLog({ brokers: kafka.brokers, topic: 'missing' })
    await expect(opening).rejects.toThrow(
      `kafka-topics.sh --bootstrap-server ${kafka.brokers} --create --topic missing --partitions 4 --config message.timestamp.type=LogAppendTime`,
    )
  })

  test('says which broker does not answer', async () => {
    const opening = openKafkaEventLog({ brokers: ['127.0.0.1:1'], topic: 'any' })
    await expect(opening).rejects.toThrow(/127\.0\.0\.1:1.*ECONNREFUSED/)
  })

  test('is another log after its topic was deleted and created again', async () => {
    await freshTopic(kafka.brokers, 'recreated')
    await withLog('recreated', async log => {
      const [lane] = (await log.lanes()) as [Lane, ...Lane[]]
      await log.append([{ lane: lane.name, data: Buffer.from('old') }])
      await freshTopic(kafka.brokers, 'recreated')
      await withLog('recreated', async again => {
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
    await withLog('growing', async log => {
      await withAdmin(admin =>
        admin.createPartitions({ topics: [{ name: 'growing', count: 2, assignments: [{ brokerIds: [1] }] }] }),
      )
      await withLog('growing', async grown => {
        const lane = `${log.identity}.1`
        await grown.append([{ lane, data: Buffer.from('in the new one') }])
        expect(texts(await eventually(() => log.read(lane, START, 1)))).toEqual(['in the new one'])
      })
    })
  })

  test('has the same lane for a key after partitions were added, given the number of partitions before', async () => {
    await freshTopic(kafka.brokers, 'rerouted', { partitions: 1 })
    await withLog('rerouted', async log => {
      const objects = openFolderObjectStore(temporaryFolder())
      const keys = Array.from({ length: 12 }, (_, n) => `key-${n}`)
      const routes = (of: EventLog) => Promise.all(keys.map(keyRoute(of, objects)))
      const before = await routes(log)
      const assignments = [1, 2, 3].map(() => ({ brokerIds: [1] }))
      await withAdmin(admin => admin.createPartitions({ topics: [{ name: 'rerouted', count: 4, assignments }] }))
      await until(async () => (await log.lanes()).length === 4)
      expect(await routes(log)).toEqual(before)
      await withLog('rerouted', async again => expect(await routes(again)).toEqual(before))
      expect(keys.map(key => log.destinationOf(key))).not.toEqual(before)
      const records = before.map((route, n) => ({ ...route, data: Buffer.from(`copy ${n}`) }))
      const lanes = (await log.append(records)).map(outcome => 'lane' in outcome && outcome.lane)
      expect(new Set(lanes)).toEqual(new Set([`${log.identity}.0`]))
    })
  })

  test('keeps what it acknowledged through kill -9, reports failures during the outage, and continues after it', async () => {
    await freshTopic(kafka.brokers, 'outage')
    await withLog('outage', async log => {
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

  test('logs in with each of the mechanisms', async () => {
    await freshTopic(kafka.brokers, 'login')
    for (const mechanism of ['PLAIN', 'SCRAM-SHA-256', 'SCRAM-SHA-512'] as const) {
      const options = { brokers: kafka.saslBrokers, sasl: { mechanism, ...KAFKA_USER } }
      await withLog(
        'login',
        async log => {
          const [stored] = await log.append([{ key: mechanism, data: Buffer.from(mechanism) }])
          const { lane } = stored as { lane: string }
          expect(texts(await readToEnd(log, lane))).toContain(mechanism)
        },
        options,
      )
    }
  })

  test('uses TLS with a broker whose certificate it trusts, and with no other', async () => {
    await freshTopic(kafka.brokers, 'encrypted')
    const sasl = { mechanism: 'SCRAM-SHA-512', ...KAFKA_USER } as const
    const options = { brokers: kafka.tlsBrokers, sasl, tls: { ca: kafka.certificate } }
    await withLog(
      'encrypted',
      async log => {
        const lane = `${log.identity}.0`
        await log.append([{ lane, data: Buffer.from('secret') }])
        expect(texts(await readToEnd(log, lane))).toEqual(['secret'])
      },
      options,
    )
    const trustingOthers = openKafkaEventLog({ ...options, topic: 'encrypted', tls: true })
    await expect(trustingOthers).rejects.toThrow('self-signed certificate')
  })

  test('reports a wrong password, without repeating it', async () => {
    for (const mechanism of ['PLAIN', 'SCRAM-SHA-256', 'SCRAM-SHA-512'] as const) {
      const sasl = { mechanism, username: KAFKA_USER.username, password: 'wrong-password' }
      const opening = openKafkaEventLog({ brokers: kafka.saslBrokers, topic: 'login', sasl })
      const error = await opening.then(
        () => null,
        reason => reason as Error,
      )
      expect(error?.message).toContain(`refuses the log-in of 'app' by ${mechanism}`)
      expect(error?.message).not.toContain('wrong-password')
    }
  })

  test('logs in with tokens, and with a new one whenever the broker requests it', async () => {
    await freshTopic(kafka.brokers, 'login')
    let tokens = 0
    const token = async () => {
      tokens++
      return bearerToken(60_000)
    }
    const options = { brokers: kafka.saslBrokers, sasl: { mechanism: 'OAUTHBEARER', token } } as const
    await withLog(
      'login',
      async log => {
        const lane = `${log.identity}.0`
        await log.append([{ lane, data: Buffer.from('before') }])
        const before = tokens
        await sleep(3_000)
        const [stored] = await log.append([{ lane, data: Buffer.from('after') }])
        expect(stored).toHaveProperty('position')
        expect(tokens).toBeGreaterThan(before)
      },
      options,
    )
  })

  test('reports a refused token', async () => {
    const sasl = { mechanism: 'OAUTHBEARER', token: async () => bearerToken(-60_000) } as const
    const opening = openKafkaEventLog({ brokers: kafka.saslBrokers, topic: 'login', sasl })
    await expect(opening).rejects.toThrow(/no log-in by OAUTHBEARER \(the broker says: invalid_token\)/)
  })

  test('reports a missing token', async () => {
    const sasl = { mechanism: 'OAUTHBEARER', token: () => Promise.reject(new Error('no credentials')) } as const
    const opening = openKafkaEventLog({ brokers: kafka.saslBrokers, topic: 'login', sasl })
    await expect(opening).rejects.toThrow('no log-in by OAUTHBEARER (no credentials)')
  })

  test('reads records that the Java client compressed with any codec, with the broker’s time', async () => {
    await freshTopic(kafka.brokers, 'codecs')
    const startMs = Date.now()
    await foreignProducer('codecs', 'codecs')
    await withLog('codecs', async log => {
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
    await foreignProducer('transactions', 'transactions')
    await withLog('transactions', async log => {
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
    const printed = (await foreignProducer('keys', 'keys')).trimEnd().split('\n')
    expect(printed).toHaveLength(300)
    await withLog('keys', async log => {
      const keys = printed.map(line => line.slice(line.indexOf(' ') + 1))
      const outcomes = await log.append(keys.map(key => ({ key, data: Buffer.from(key) })))
      const lanes = printed.map(line => `${log.identity}.${line.split(' ')[0]}`)
      expect(outcomes).toEqual(lanes.map(lane => ({ lane, position: expect.any(String) })))
    })
  })

  test('continues from the start of the log when retention has removed the next records', async () => {
    await freshTopic(kafka.brokers, 'retention')
    await withLog('retention', async log => {
      const lane = `${log.identity}.0`
      for (let n = 0; n < 10; n++) await log.append([{ lane, data: Buffer.from(`record ${n}`) }])
      await withAdmin(admin =>
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
    await withLog('shortened', async log => {
      await expect(log.read(`${log.identity}.0`, toPosition(5), 1)).rejects.toThrow('lost acknowledged records')
    })
  })

  test('refuses a record that is too large for the topic, and only that one', async () => {
    await freshTopic(kafka.brokers, 'narrow', { 'max.message.bytes': 1000 })
    await withLog('narrow', async log => {
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

  /** Changes a setting of a topic, and waits until the broker uses it. */
  const configure = (topic: string, config: string): Promise<string> =>
    java(
      'kafka.admin.ConfigCommand',
      ...`--bootstrap-server ${kafka.brokers} --alter --entity-type topics --entity-name ${topic} --add-config ${config}`.split(
        ' ',
      ),
    )
  const cursorAt = (lane: string, position: Position, lastArrivalMs: number | null = null) => ({
    lane,
    lastPosition: position,
    lastArrivalMs,
  })

  test('refuses a compacted topic and names the command that changes it', async () => {
    for (const policy of ['compact', '[compact,delete]']) {
      await freshTopic(kafka.brokers, 'compacted', { 'cleanup.policy': policy.replaceAll(/[[\]]/g, '') })
      const refused = await openKafkaEventLog({ brokers: kafka.brokers, topic: 'compacted' }).catch(error => error)
      const [, command] = /kafka-configs\.sh (.*?) \(/.exec(refused.message) ?? []
      expect(command).toContain('--add-config cleanup.policy=delete')
      await java('kafka.admin.ConfigCommand', ...(command as string).split(' '))
      await withLog('compacted', async log => expect(await log.lanes()).toHaveLength(3))
    }
  })

  test('notices that its topic is compacted now, neither reads nor appends, and continues when it no longer is', async () => {
    await freshTopic(kafka.brokers, 'compacted-later')
    await withLog('compacted-later', async log => {
      const lane = `${log.identity}.0`
      await log.append([{ lane, data: Buffer.from('before') }])
      await configure('compacted-later', 'cleanup.policy=compact')
      const reason = await until(async () => (await log.waiting(cursorAt(lane, START))).reason)
      expect(reason).toContain('the topic compacted-later has cleanup.policy=compact')
      await expect(log.read(lane, START, 1)).rejects.toThrow('cleanup.policy=compact')
      expect(await log.append([{ key: 'k', data: Buffer.from('meanwhile') }])).toEqual([
        { error: expect.stringContaining('cleanup.policy=compact') },
      ])
      await configure('compacted-later', 'cleanup.policy=delete')
      await until(async () => (await log.waiting(cursorAt(lane, START))).reason === null)
      expect(texts(await log.read(lane, START, 10))).toEqual(['before'])
    })
  })

  test('stops before a record that the broker did not stamp, says where, and continues after that record was removed', async () => {
    await freshTopic(kafka.brokers, 'unstamped', { partitions: 2 })
    await withLog('unstamped', async log => {
      const [lane, other] = [`${log.identity}.0`, `${log.identity}.1`]
      const [before] = await log.append([{ lane, data: Buffer.from('stamped before') }])
      await configure('unstamped', 'message.timestamp.type=CreateTime')
      await until(async () => (await log.waiting(cursorAt(other, START))).reason)
      const [refused] = await log.append([{ lane, data: Buffer.from('would be unstamped') }])
      expect(refused).toEqual({ error: expect.stringContaining('message.timestamp.type=CreateTime') })
      await foreignProducer('unstamped', 'unstamped')
      await configure('unstamped', 'message.timestamp.type=LogAppendTime')
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

      await withAdmin(admin =>
        admin.deleteRecords({ topics: [{ name: 'unstamped', partitions: [{ partition: 0, offset: 4n }] }] }),
      )
      expect(texts(await log.read(lane, position, 10))).toEqual(['stamped after'])
      expect(await log.firstKept(lane)).toBe(toPosition(4))
    })
  })

  test('reports since when an open transaction holds records back, and continues after it ends', async () => {
    await freshTopic(kafka.brokers, 'held-back', { partitions: 1 })
    await withLog('held-back', async log => {
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

const text = ({ data }: LogRecord): string => Buffer.from(data).toString()
const texts = (records: LogRecord[]): string[] => records.map(text)

function acknowledgedLanes(acknowledged: Map<string, string>): string[] {
  return [...new Set(Array.from(acknowledged.keys(), place => place.split(' ')[0] as string))]
}

async function readToEnd(log: EventLog, lane: string): Promise<LogRecord[]> {
  const records: LogRecord[] = []
  for (let after: Position = START; ; after = (records.at(-1) as LogRecord).position) {
    const page = await log.read(lane, after, 60)
    if (page.length === 0) return records
    records.push(...page)
  }
}

/** The first result that is not an empty list or an error; gives up with the test's own time limit. */
async function eventually<T>(attempt: () => Promise<T[]>): Promise<T[]> {
  for (;;) {
    const result = await attempt().catch(() => [])
    if (result.length > 0) return result
  }
}

/** The first answer that is neither false nor null; gives up with the test's own time limit. */
async function until<T>(ask: () => Promise<T | false | null>): Promise<T> {
  for (;;) {
    const answer = await ask()
    if (answer !== false && answer !== null) return answer
    await sleep(50)
  }
}

/** Returns the records of a lane before it stops. */
async function readToUnstamped(log: EventLog, lane: string): Promise<LogRecord[]> {
  const records: LogRecord[] = []
  for (let after: Position = START; ; after = (records.at(-1) as LogRecord).position) {
    const page = await log.read(lane, after, 60).catch(() => [])
    if (page.length === 0) return records
    records.push(...page)
  }
}
