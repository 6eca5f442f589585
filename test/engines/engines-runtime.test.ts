import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import cassandra from 'cassandra-driver'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { connectCassandra } from '../../functions/adapters/cassandra/client.ts'
import { openKafkaEventLog } from '../../functions/adapters/kafka/event-log.ts'
import { TABLES } from '../../functions/adapters/row-encoding/tables.ts'
import type { WireEvent } from '../../functions/core/event.ts'
import { START } from '../../functions/core/lane.ts'
import {
  eventually,
  run,
  runProduce,
  runRedrive,
  runStart,
  type System,
  startSystem,
  totalCount,
} from '../support/landcover.ts'
import { readPath } from '../support/read-files.ts'
import { recount } from '../support/recount.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'
import { type Cassandra, FIRST_LOGIN, LOCAL_DATA_CENTER, startCassandra } from './cassandra.ts'
import { describeWithJava } from './java.ts'
import { KAFKA_USER, type KafkaEngine, startKafka } from './kafka.ts'
import { freshTopic } from './kafka-topics.ts'
import { KINESIS_REGION, startKinesis } from './kinesis.ts'

const SAMPLE = join(import.meta.dirname, '../../data/sample')
const SLOT_MS = 2_000
/** Maximum time that an unreachable server may make a person wait. */
const SECONDS_MS = 10_000

describeWithJava('a system on Kafka and Cassandra', () => {
  let kafka: KafkaEngine
  let cassandraServer: Cassandra
  beforeAll(async () => {
    ;[kafka, cassandraServer] = await Promise.all([startKafka(), startCassandra({ password: true })])
  })
  afterAll(async () => {
    await Promise.all([kafka?.stop(), cassandraServer?.stop()])
  })

  let state: string
  let topic: string
  let keyspace: string
  let runs = 0
  beforeEach(async () => {
    state = temporaryFolder()
    topic = `runtime-${++runs}`
    keyspace = `home_${runs}`
    await freshTopic(kafka.brokers, topic)
  })

  const kafkaAddress = () => `kafka://${kafka.brokers}/${topic}`
  const saslAddress = () => `kafka://${kafka.saslBrokers}/${topic}`
  const storeAddress = () => `cassandra://${cassandraServer.contactPoint}/${keyspace}`
  const login = {
    LANDCOVER_CASSANDRA_USERNAME: FIRST_LOGIN.username,
    LANDCOVER_CASSANDRA_PASSWORD: FIRST_LOGIN.password,
  }

  /** Waits until the topic has a record. */
  async function untilAppended(): Promise<void> {
    const log = await openKafkaEventLog({ brokers: kafka.brokers, topic })
    const ends = async () => Promise.all((await log.lanes()).map(({ name }) => log.end(name)))
    await eventually(ends, all => all.some(end => end !== START)).finally(() => log.close())
  }

  const start = (args: string[], environment: NodeJS.ProcessEnv = login) => startSystem(state, args, environment)
  /** Publishes the sample. @param args may override the usual ones */
  const produce = (args: string[], environment?: NodeJS.ProcessEnv) =>
    runProduce(['--state', state, '--limit', '0', '--delay', '0', ...args], environment)

  describe.each([
    ['Kafka and Cassandra', true, true],
    ['Kafka and the embedded store', true, false],
    ['the embedded log and Cassandra', false, true],
  ])('on %s', (_, onKafka, onCassandra) => {
    const flags = () => [
      ...(onKafka ? ['--log', kafkaAddress()] : []),
      ...(onCassandra ? ['--store', storeAddress()] : []),
    ]

    test('counts the committed sample exactly, and continues where it ended', async () => {
      const events = await sampleEvents()
      const system = await start(flags())
      const { code, stdout } = await produce(onKafka ? ['--to', kafkaAddress()] : []).finished
      expect(stdout).toMatch(new RegExp(`^${events.length} events in .*, 0 rejected\n$`))
      expect(code).toBe(0)
      await untilCounted(system, events.length)
      expect(await system.classStats()).toEqual(expectedStats(events, 1))
      expect((await system.health()).status).toBe('ok')

      await system.interrupt()
      // No address this time: the state knows its servers, and `produce` finds them there.
      const again = await start([])
      expect((await produce([]).finished).code).toBe(0)
      await untilCounted(again, 2 * events.length)
      expect(await again.classStats()).toEqual(expectedStats(events, 2))
    })
  })

  test('a Kinesis stream works as well, with its region and endpoint from AWS’s own variables', async () => {
    const kinesis = await startKinesis()
    try {
      await kinesis.freshStream('runtime', 2)
      const aws = { AWS_ENDPOINT_URL: kinesis.endpoint, AWS_REGION: KINESIS_REGION }
      const events = await sampleEvents()
      const system = await start(['--log', 'kinesis://runtime'], aws)
      expect(await produce(['--to', 'kinesis://runtime'], aws).finished).toMatchObject({ code: 0 })
      await untilCounted(system, events.length)
      expect(await system.classStats()).toEqual(expectedStats(events, 1))
      await system.interrupt()
    } finally {
      await kinesis.stop()
    }
  })

  test('log-ins come from the environment or from files that it names', async () => {
    const passwordFile = join(state, 'password')
    await writeFile(passwordFile, `${KAFKA_USER.password}\n`)
    const kafkaLogin = {
      LANDCOVER_KAFKA_USERNAME: KAFKA_USER.username,
      LANDCOVER_KAFKA_PASSWORD_FILE: passwordFile,
      LANDCOVER_LOG: saslAddress(),
      LANDCOVER_STORE: storeAddress(),
    }
    for (const mechanism of ['PLAIN', 'SCRAM-SHA-256', 'SCRAM-SHA-512']) {
      const environment = { ...kafkaLogin, LANDCOVER_KAFKA_SASL: mechanism }
      expect(await produce([], environment).finished).toMatchObject({ code: 0 })
    }
    const events = await sampleEvents()
    const system = await start([], { ...login, ...kafkaLogin })
    await untilCounted(system, 3 * events.length)
    expect(await system.classStats()).toEqual(expectedStats(events, 3))
  })

  test('single events, packed events and records of other producers count in the same way', async () => {
    const events = await sampleEvents()
    const system = await start(['--log', kafkaAddress(), '--store', storeAddress()])
    const { code } = await produce(['--limit', '40', '--delay', '0.001', '--to', kafkaAddress()]).finished
    expect(code).toBe(0)
    const log = await openKafkaEventLog({ brokers: kafka.brokers, topic })
    await log.append(events.slice(40).map((event, n) => ({ key: `${n}`, data: Buffer.from(JSON.stringify(event)) })))
    await log.close()
    await untilCounted(system, events.length)
    expect(await system.classStats()).toEqual(expectedStats(events, 1))
  })

  test('a topic that accepts only small records gets only small ones', async () => {
    await freshTopic(kafka.brokers, topic, { 'max.message.bytes': 8_000 })
    const events = await sampleEvents()
    const system = await start(['--log', kafkaAddress(), '--store', storeAddress()])
    expect(await produce(['--to', kafkaAddress()]).finished).toMatchObject({ code: 0 })
    await untilCounted(system, events.length)
    expect(await system.classStats()).toEqual(expectedStats(events, 1))
  })

  test('a refused event counts after a redrive has sent it to the topic, and only once', async () => {
    const servers = ['--log', kafkaAddress(), '--store', storeAddress()]
    const events = (await sampleEvents()).map(event => ({ ...event, class_name: 'Wetland' }))
    const log = await openKafkaEventLog({ brokers: kafka.brokers, topic })
    for (const [n, event] of events.entries()) {
      await log.append([{ key: `${n}`, data: Buffer.from(JSON.stringify(event)) }])
    }
    await log.close()
    const before = await start(['--slot', '2s', ...servers])
    await eventually(before.health, ({ quarantine }) => quarantine.count >= events.length)
    await before.interrupt()
    const classes = join(state, 'classes.csv')
    await writeFile(classes, 'class_name\nWetland\n')
    const system = await start(['--classes', classes])
    await sleep(2 * SLOT_MS)
    for (const redriven of [events.length, 0]) {
      const { code, stdout } = await runRedrive(['--state', state], login).finished
      expect(stdout).toContain(`${redriven} entries redriven: the log has their ${redriven} events\n`)
      expect(code).toBe(0)
    }
    await untilCounted(system, events.length)
    expect(await system.classStats()).toEqual(expectedStats(events, 1))
  })

  test('a lost keyspace is rebuilt from the archive, and from the later records in the log', async () => {
    const events = await sampleEvents()
    const system = await start(['--slot', '2s', '--log', kafkaAddress(), '--store', storeAddress()])
    expect((await produce([]).finished).code).toBe(0)
    await untilCounted(system, events.length)
    expect((await produce([]).finished).code).toBe(0)
    await untilCounted(system, 2 * events.length)
    await system.interrupt()
    const client = new cassandra.Client({
      contactPoints: [cassandraServer.contactPoint],
      localDataCenter: LOCAL_DATA_CENTER,
      credentials: FIRST_LOGIN,
    })
    await client.execute(`DROP KEYSPACE ${keyspace}`)
    await client.shutdown()

    expect(await run('functions/cli/replay.ts', ['--state', state], login).finished).toMatchObject({ code: 0 })
    const again = await start([])
    await untilCounted(again, 2 * events.length)
    expect((await produce([]).finished).code).toBe(0)
    await untilCounted(again, 3 * events.length)
    expect(await again.classStats()).toEqual(expectedStats(events, 3))
    expect((await again.health()).reasons).toEqual([])
  })

  describe('prints one line, and exits with 1, when', () => {
    async function expectRefused(
      message: RegExp,
      args: string[],
      environment: NodeJS.ProcessEnv = login,
    ): Promise<void> {
      const beganMs = performance.now()
      const starting = runStart(['--no-demo', '--port', '0', '--state', state, ...args], environment)
      const { code, stderr } = await starting.finished
      expect(stderr).toMatch(message)
      expect(stderr.trimEnd().split('\n')).toHaveLength(1)
      expect(code).toBe(1)
      expect(performance.now() - beganMs).toBeLessThan(SECONDS_MS)
    }

    test('the password for Kafka is wrong', async () => {
      const wrong = { LANDCOVER_KAFKA_USERNAME: KAFKA_USER.username, LANDCOVER_KAFKA_PASSWORD: 'wrong-password' }
      await expectRefused(/refuses the log-in of 'app'/, ['--log', saslAddress()], wrong)
      const produced = await produce(['--to', saslAddress()], wrong).finished
      expect(produced).toMatchObject({ code: 1, stderr: expect.stringMatching(/^Kafka .*refuses the log-in.*\n$/) })
      expect(produced.stderr).not.toContain('wrong-password')
    })

    test('the password for Cassandra is wrong', async () => {
      const wrong = { ...login, LANDCOVER_CASSANDRA_PASSWORD: 'wrong-password' }
      await expectRefused(/Cassandra refuses the log-in/, ['--store', storeAddress()], wrong)
    })

    test('no broker answers', () =>
      expectRefused(/Kafka .*ECONNREFUSED/, ['--log', 'kafka://127.0.0.1:1/image-events']))

    test('no Cassandra node answers', () =>
      expectRefused(/no Cassandra node can be reached/, [
        '--log',
        kafkaAddress(),
        '--store',
        'cassandra://127.0.0.1:1',
      ]))

    test('the topic is missing', () =>
      expectRefused(/kafka-topics.sh .*--create --topic absent/, ['--log', `kafka://${kafka.brokers}/absent`]))

    test('the topic keeps its producers’ times', async () => {
      await freshTopic(kafka.brokers, topic, { 'message.timestamp.type': 'CreateTime' })
      await expectRefused(/kafka-configs.sh .*message.timestamp.type=LogAppendTime/, ['--log', kafkaAddress()])
    })

    test('the keyspace has rows of another state, or of one that --fresh has removed, until it is emptied', async () => {
      await (await start(['--store', storeAddress()])).interrupt()
      const { systemId } = JSON.parse(await readFile(join(state, 'landcover.json'), 'utf8'))
      const owned = new RegExp(`Cassandra keyspace ${keyspace} holds the rows of system ${systemId}; this is system `)
      await expectRefused(owned, ['--state', join(state, 'other'), '--store', storeAddress()])
      await expectRefused(/empty it: TRUNCATE \w+\.store_settings; .*TRUNCATE \w+\.lane_cursor;/, [
        '--fresh',
        '--store',
        storeAddress(),
      ])
      const client = await connectCassandra({
        contactPoints: [cassandraServer.contactPoint],
        localDataCenter: LOCAL_DATA_CENTER,
        credentials: FIRST_LOGIN,
      })
      for (const { name } of TABLES) await client.define(`TRUNCATE ${keyspace}.${name}`)
      await client.close()
      await (await start(['--store', storeAddress()])).interrupt()
    })

    test('the state has another log than the requested one', async () => {
      await produce([]).finished
      await expectRefused(/has its own file as its event log, not Kafka topic/, ['--log', kafkaAddress()])
    })
  })

  test('a broker that dies and comes back while events are produced loses and duplicates none', async () => {
    const system = await start(['--log', kafkaAddress(), '--store', storeAddress()])
    const producing = produce(['--limit', '400', '--delay', '0.02', '--to', kafkaAddress()])
    await untilCounted(system, 50)
    await kafka.kill()
    await eventually(
      async () => producing.stderr(),
      said => said.includes('not stored yet, sending again'),
    )
    await kafka.restart()
    expect(await producing.finished).toMatchObject({
      code: 0,
      stderr: expect.stringContaining('not stored yet, sending again'),
    })
    await untilCounted(system, 400)
    expect(await system.classStats()).toEqual(expectedStats((await sampleEvents()).slice(0, 400), 1))
  })

  test('a producer whose broker stays away says how many events were not acknowledged, and exits with 1', async () => {
    const producing = produce(['--delay', '0.02', '--to', kafkaAddress()])
    const untilSaid = (text: string) =>
      eventually(
        async () => producing.stderr(),
        said => said.includes(text),
      )
    await untilAppended()
    await kafka.kill()
    try {
      await untilSaid('not stored yet')
      producing.child.kill('SIGINT')
      await untilSaid('Stop a second time')
      producing.child.kill('SIGINT')
      const { code, stdout } = await producing.finished
      expect(stdout).toMatch(/^\d+ events in .*, 1 not acknowledged \(the log may have them or not\)\n$/)
      expect(code).toBe(1)
    } finally {
      await kafka.restart()
    }
  })
})

async function sampleEvents(): Promise<WireEvent[]> {
  const events: WireEvent[] = []
  for await (const read of readPath(SAMPLE, { now: Date.now })) if ('event' in read) events.push(read.event())
  return events
}

/** Expected answer of /api/class-stats for repeated events, by a naive recount. */
function expectedStats(events: WireEvent[], times: number) {
  const repeated = Array.from({ length: times }, () => events).flat()
  return [...recount(repeated, event => event.class_name)]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([class_name, { count, ndviSum, ndviMin, ndviMax, bands }]) => ({
      class_name,
      count,
      ndvi_avg: expect.closeTo(Number(ndviSum) / count / 1e6, 12),
      ndvi_min: ndviMin === null ? null : ndviMin / 1e6,
      ndvi_max: ndviMax === null ? null : ndviMax / 1e6,
      red_avg: expect.closeTo(Number(bands.red.sum) / bands.red.count / 1e3, 9),
      nir_avg: expect.closeTo(Number(bands.nir.sum) / bands.nir.count / 1e3, 9),
      brightness_avg: expect.closeTo(Number(bands.brightness.sum) / bands.brightness.count / 1e3, 9),
      ndvi_stddev: expect.any(Number),
    }))
}

/** Waits until at least so many images are counted. */
async function untilCounted(system: System, images: number): Promise<void> {
  await eventually(system.classStats, rows => totalCount(rows) >= images)
}
