import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createWriteStream } from 'node:fs'
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'
import { Admin, ProduceAcks, Producer } from '@platformatic/kafka'
import { freePorts } from '../support/ports.ts'
import { COMPILE_ONCE, ENGINES_FOLDER, resolveJars } from './java.ts'

/** The only user of the listener with a log-in. */
export const KAFKA_USER = { username: 'app', password: 'right-password' }

/** Time for which a log-in by a token is valid, ms. Then the broker asks for another on the same connection. */
const LOGIN_MS = 1_500

/** A token as the broker takes it: without a signature, which would take a server that knows the keys. */
export function bearerToken(validMs: number): string {
  const [issued, expires] = [Date.now(), Date.now() + validMs].map(ms => ms / 1000)
  const parts = [{ alg: 'none' }, { sub: KAFKA_USER.username, iat: issued, exp: expires }]
  return `${parts.map(part => Buffer.from(JSON.stringify(part)).toString('base64url')).join('.')}.`
}

/** A Kafka broker in a separate process, on loopback. */
export interface KafkaEngine {
  /** The folder of the broker's jars, for programs that use the Java client. */
  jars: string
  /** The listener without a log-in. */
  brokers: string[]
  /** The listener with SASL: PLAIN, SCRAM-SHA-256, SCRAM-SHA-512 and OAUTHBEARER. */
  saslBrokers: string[]
  /** The same over TLS, with a certificate that signs itself. */
  tlsBrokers: string[]
  certificate: string
  /** Ends the broker as `kill -9` does. */
  kill(): Promise<void>
  /** Starts the broker again on the same data and ports. */
  restart(): Promise<void>
  /** Ends the broker and removes its data. */
  stop(): Promise<void>
}

const START_LIMIT_MS = 300_000

const JVM = ['-Xms64m', '-Xmx256m', '-XX:+UseSerialGC', COMPILE_ONCE, '-Dorg.slf4j.simpleLogger.defaultLogLevel=warn']

/**
 * Starts Kafka in KRaft mode: one node that is broker and controller. Returns once a record was stored, since the
 * port opens well before the broker can serve.
 *
 * @throws Error with the end of the broker's log when it does not get there
 */
export async function startKafka(): Promise<KafkaEngine> {
  const jars = await resolveJars(join(import.meta.dirname, 'kafka'), 'kafka')
  const ports = await freePorts(4)
  const [port, saslPort, tlsPort] = ports as [number, number, number]
  await mkdir(ENGINES_FOLDER, { recursive: true })
  const folder = await mkdtemp(join(ENGINES_FOLDER, 'kafka-data-'))
  const config = join(folder, 'server.properties')
  const logFile = join(folder, 'broker.log')
  await writeFile(config, properties(folder, ports))
  const certificate = await makeCertificate(folder)
  const java = (program: string[]): ChildProcess => {
    const child = spawn('java', [...JVM, '-cp', join(jars, '*'), ...program], { stdio: ['ignore', 'pipe', 'pipe'] })
    const log = createWriteStream(logFile, { flags: 'a' })
    for (const stream of [child.stdout, child.stderr]) stream?.pipe(log, { end: false })
    return child
  }
  const failed = async (what: string): Promise<Error> => {
    const said = await readFile(logFile, 'utf8').catch(() => '')
    return new Error(`Kafka ${what}. The end of its log:\n${said.slice(-3000)}`)
  }

  const [code] = await once(java(['kafka.tools.StorageTool', 'format', '--config', config, ...FORMAT]), 'exit')
  if (code !== 0) throw await failed('could not format its storage')

  const brokers = [`127.0.0.1:${port}`]
  let broker: ChildProcess | null = null
  const end = async (signal: NodeJS.Signals): Promise<void> => {
    if (!broker) return
    const child = broker
    broker = null
    if (child.exitCode !== null || child.signalCode !== null) return
    child.kill(signal)
    await once(child, 'exit')
  }
  // A test process that dies must not leave its broker behind.
  process.once('exit', () => broker?.kill('SIGKILL'))
  const start = async (): Promise<void> => {
    const child = java(['kafka.Kafka', config])
    broker = child
    const deadline = Date.now() + START_LIMIT_MS
    while (!(await storesRecords(brokers))) {
      if (child.exitCode !== null) throw await failed('ended while it started')
      if (Date.now() > deadline) {
        await end('SIGKILL')
        throw await failed(`stored no record within ${START_LIMIT_MS / 1000} s`)
      }
      await sleep(100)
    }
  }
  await start()
  return {
    jars,
    brokers,
    saslBrokers: [`127.0.0.1:${saslPort}`],
    tlsBrokers: [`127.0.0.1:${tlsPort}`],
    certificate,
    kill: () => end('SIGKILL'),
    restart: start,
    async stop() {
      // The data is thrown away: an orderly end would only take time.
      await end('SIGKILL')
      await rm(folder, { recursive: true, force: true })
    },
  }
}

const FORMAT = [
  '--standalone',
  '--cluster-id',
  'bGFuZGNvdmVyLXRlc3RzIQ',
  ...['SCRAM-SHA-256', 'SCRAM-SHA-512'].flatMap(mechanism => [
    '--add-scram',
    `${mechanism}=[name=${KAFKA_USER.username},password=${KAFKA_USER.password}]`,
  ]),
]

const KEY_STORE = { file: 'broker.p12', password: 'test-only' }

/** Makes the broker's key and returns its certificate as PEM. */
async function makeCertificate(folder: string): Promise<string> {
  const store = ['-keystore', join(folder, KEY_STORE.file), '-storepass', KEY_STORE.password, '-alias', 'broker']
  const subject = ['-dname', 'CN=localhost', '-ext', 'san=ip:127.0.0.1,dns:localhost', '-keyalg', 'EC']
  const keytool = promisify(execFile)
  await keytool('keytool', ['-genkeypair', ...store, ...subject])
  const { stdout } = await keytool('keytool', ['-exportcert', '-rfc', ...store])
  return stdout
}

function properties(folder: string, ports: number[]): string {
  const names = ['OPEN', 'LOGIN', 'SECURE', 'CONTROLLER']
  const listeners = names.map((name, index) => `${name}://127.0.0.1:${ports[index]}`).join(',')
  const scram = 'org.apache.kafka.common.security.scram.ScramLoginModule required;'
  const plain = `org.apache.kafka.common.security.plain.PlainLoginModule required user_${KAFKA_USER.username}="${KAFKA_USER.password}";`
  const bearer = `org.apache.kafka.common.security.oauthbearer.OAuthBearerLoginModule required unsecuredLoginStringClaim_sub="${KAFKA_USER.username}";`
  const logins = ['login', 'secure'].flatMap(name => [
    [`listener.name.${name}.sasl.enabled.mechanisms`, 'PLAIN,SCRAM-SHA-256,SCRAM-SHA-512,OAUTHBEARER'],
    [`listener.name.${name}.plain.sasl.jaas.config`, plain],
    [`listener.name.${name}.scram-sha-256.sasl.jaas.config`, scram],
    [`listener.name.${name}.scram-sha-512.sasl.jaas.config`, scram],
    [`listener.name.${name}.oauthbearer.sasl.jaas.config`, bearer],
    [`listener.name.${name}.oauthbearer.connections.max.reauth.ms`, LOGIN_MS],
  ])
  return Object.entries({
    'process.roles': 'broker,controller',
    'node.id': 1,
    'controller.quorum.bootstrap.servers': `127.0.0.1:${ports[3]}`,
    listeners,
    'advertised.listeners': listeners,
    'listener.security.protocol.map': 'OPEN:PLAINTEXT,LOGIN:SASL_PLAINTEXT,SECURE:SASL_SSL,CONTROLLER:PLAINTEXT',
    'inter.broker.listener.name': 'OPEN',
    'controller.listener.names': 'CONTROLLER',
    ...Object.fromEntries(logins),
    'ssl.keystore.location': join(folder, KEY_STORE.file),
    'ssl.keystore.password': KEY_STORE.password,
    'log.dirs': join(folder, 'data'),
    'auto.create.topics.enable': false,
    // One node: Kafka's own topics cannot have three copies.
    'offsets.topic.num.partitions': 1,
    'offsets.topic.replication.factor': 1,
    'transaction.state.log.num.partitions': 1,
    'transaction.state.log.replication.factor': 1,
    'transaction.state.log.min.isr': 1,
    'share.coordinator.state.topic.num.partitions': 1,
    'share.coordinator.state.topic.replication.factor': 1,
    'share.coordinator.state.topic.min.isr': 1,
    // Small and soon back: a killed broker's session must end before it may register again.
    'num.network.threads': 2,
    'num.io.threads': 2,
    'log.cleaner.dedupe.buffer.size': 16 * 1024 * 1024,
    'broker.session.timeout.ms': 3000,
    'broker.heartbeat.interval.ms': 300,
  })
    .map(([name, value]) => `${name}=${value}`)
    .join('\n')
}

async function storesRecords(brokers: string[]): Promise<boolean> {
  const options = { clientId: 'readiness', bootstrapBrokers: brokers, retries: 0, timeout: 1000, connectTimeout: 500 }
  const admin = new Admin(options)
  const producer = new Producer({ ...options, acks: ProduceAcks.ALL })
  try {
    const topics = await admin.listTopics()
    if (!topics.includes('readiness')) await admin.createTopics({ topics: ['readiness'], partitions: 1, replicas: 1 })
    await producer.send({ messages: [{ topic: 'readiness', value: Buffer.from('stored?') }], acks: ProduceAcks.ALL })
    return true
  } catch {
    return false
  } finally {
    await Promise.all([admin.close(), producer.close()])
  }
}
