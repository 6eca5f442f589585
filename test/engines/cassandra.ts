import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { mkdir, mkdtemp, open, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { connect } from 'node:net'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { connect as connectTls } from 'node:tls'
import { freePorts } from '../support/ports.ts'
import { COMPILE_ONCE, ENGINES_FOLDER, resolveJars } from './java.ts'

/** The log-in that a new server with password authentication knows. */
export const FIRST_LOGIN = { username: 'cassandra', password: 'cassandra' }
export const LOCAL_DATA_CENTER = 'datacenter1'

/** Time limit of a start; 5 to 20 s are usual. */
const START_LIMIT_MS = 300_000
export const KEYSTORE_PASSWORD = 'landcover'

export interface CassandraOptions {
  /** Clients must log in: FIRST_LOGIN. */
  password?: boolean
  /** Clients must use TLS and trust the server's `ca`. */
  tls?: boolean
}

/** A real Cassandra node on loopback, with its data in a folder of its own. */
export interface Cassandra {
  /** `127.0.0.1:port`, the same after a restart. */
  contactPoint: string
  /** PEM of the certificate that the server's is signed with; undefined without TLS. */
  ca: string | undefined
  /** Ends the server as `kill -9` does; its data stays. */
  kill(): Promise<void>
  /** Freezes the server: connections stay open and nothing answers. */
  freeze(): void
  thaw(): void
  /** Starts the killed server again on the same data and port. */
  restart(): Promise<void>
  /** Ends the server and removes its data. */
  stop(): Promise<void>
}

/**
 * Starts a Cassandra node and waits until it answers CQL.
 *
 * @throws Error with the end of the server's log when it does not start
 */
export async function startCassandra({ password = false, tls = false }: CassandraOptions = {}): Promise<Cassandra> {
  const jars = await resolveJars(join(import.meta.dirname, 'cassandra'), 'cassandra')
  await mkdir(ENGINES_FOLDER, { recursive: true })
  const folder = await mkdtemp(join(ENGINES_FOLDER, 'cassandra-data-'))
  const [port, ...innerPorts] = (await freePorts(3)) as [number, number, number]
  const keystore = tls ? join(folder, 'server.p12') : undefined
  const ca = keystore && createCertificate(keystore)
  const log = join(folder, 'log')
  await writeFile(join(folder, 'cassandra.yaml'), serverSettings(folder, port, innerPorts, password, keystore))
  await writeFile(join(folder, 'logback.xml'), LOGGING)
  await mkdir(join(folder, 'tmp'))
  const javaArguments = await serverArguments(folder, jars)

  let server: ChildProcess
  const start = async () => {
    const output = await open(log, 'a')
    server = spawn('java', javaArguments, { cwd: folder, stdio: ['ignore', output.fd, output.fd] })
    await output.close()
    await untilItAnswers(server, port, ca, log)
    if (password) await untilLogged(server, log, "Created default superuser role 'cassandra'")
  }
  const kill = async () => {
    if (hasEnded(server)) return
    const ended = once(server, 'exit')
    server.kill('SIGKILL')
    await ended
  }
  // A test process that ends early must not leave a server behind.
  const endWithUs = () => server.kill('SIGKILL')
  process.once('exit', endWithUs)
  const stop = async () => {
    await kill()
    process.off('exit', endWithUs)
    await rm(folder, { recursive: true, force: true })
  }
  try {
    await start()
  } catch (error) {
    await stop()
    throw error
  }
  return {
    contactPoint: `127.0.0.1:${port}`,
    ca,
    kill,
    freeze: () => void server.kill('SIGSTOP'),
    thaw: () => void server.kill('SIGCONT'),
    restart: start,
    stop,
  }
}

/**
 * Cassandra's settings: one node that owns the whole ring, sized for tests. A write is acknowledged when the commit
 * log holds it on the disk (`batch`). The usual `periodic` would not do for tests that kill the server: it copies a
 * write into mapped memory, which does survive the process, but replay stops at the last section header, and those
 * follow up to 100 ms later.
 */
function serverSettings(
  folder: string,
  port: number,
  [storagePort, secureStoragePort]: [number, number],
  password: boolean,
  keystore: string | undefined,
): string {
  const settings = {
    cluster_name: 'landcover test',
    partitioner: 'org.apache.cassandra.dht.Murmur3Partitioner',
    num_tokens: 1,
    initial_token: '0',
    endpoint_snitch: 'SimpleSnitch',
    seed_provider: [
      {
        class_name: 'org.apache.cassandra.locator.SimpleSeedProvider',
        parameters: [{ seeds: `127.0.0.1:${storagePort}` }],
      },
    ],
    listen_address: '127.0.0.1',
    storage_port: storagePort,
    ssl_storage_port: secureStoragePort,
    rpc_address: '127.0.0.1',
    native_transport_port: port,
    auto_bootstrap: false,
    hinted_handoff_enabled: false,
    data_file_directories: [join(folder, 'data')],
    commitlog_directory: join(folder, 'commitlog'),
    hints_directory: join(folder, 'hints'),
    saved_caches_directory: join(folder, 'saved_caches'),
    cdc_raw_directory: join(folder, 'cdc'),
    commitlog_sync: 'batch',
    commitlog_segment_size: '8MiB',
    memtable_heap_space: '64MiB',
    memtable_offheap_space: '64MiB',
    file_cache_size: '32MiB',
    networking_cache_size: '16MiB',
    key_cache_size: '8MiB',
    counter_cache_size: '0MiB',
    concurrent_reads: 8,
    concurrent_writes: 8,
    ...(password && {
      authenticator: { class_name: 'org.apache.cassandra.auth.PasswordAuthenticator' },
      authorizer: 'CassandraAuthorizer',
    }),
    ...(keystore && {
      client_encryption_options: {
        enabled: true,
        optional: false,
        keystore,
        keystore_password: KEYSTORE_PASSWORD,
        store_type: 'PKCS12',
        require_client_auth: false,
      },
    }),
  }
  // YAML takes JSON as it is.
  return JSON.stringify(settings, null, 2)
}

const LOGGING = `<configuration>
  <appender name="OUT" class="ch.qos.logback.core.ConsoleAppender">
    <encoder><pattern>%d{HH:mm:ss.SSS} %-5level %logger{0} %msg%n</pattern></encoder>
  </appender>
  <root level="INFO"><appender-ref ref="OUT"/></root>
</configuration>
`

/** Parts of the JDK that Cassandra reaches into, which since Java 16 it must be allowed to. */
const OPENED_PACKAGES = [
  'java.base/java.io',
  'java.base/java.lang',
  'java.base/java.lang.reflect',
  'java.base/java.math',
  'java.base/java.net',
  'java.base/java.nio',
  'java.base/java.util',
  'java.base/java.util.concurrent',
  'java.base/java.util.concurrent.atomic',
  'java.base/jdk.internal.loader',
  'java.base/jdk.internal.math',
  'java.base/jdk.internal.misc',
  'java.base/jdk.internal.module',
  'java.base/jdk.internal.ref',
  'java.base/jdk.internal.reflect',
  'java.base/jdk.internal.util.jar',
  'java.base/sun.nio.ch',
  'java.management.rmi/com.sun.jmx.remote.internal.rmi',
  'java.rmi/sun.rmi.registry',
  'java.rmi/sun.rmi.server',
  'java.rmi/sun.rmi.transport',
  'java.rmi/sun.rmi.transport.tcp',
  'java.sql/java.sql',
  'jdk.management/com.sun.management.internal',
]

async function serverArguments(folder: string, jars: string): Promise<string[]> {
  const memoryMeter = (await readdir(jars)).find(name => /^jamm-.*\.jar$/.test(name)) as string
  return [
    // A suite makes some hundred keyspaces of nine tables: half of this heap was full after 95.
    ...['-Xms128m', '-Xmx1g', '-Xss512k', '-XX:MaxDirectMemorySize=256m', '-XX:+UseSerialGC'],
    ...['-XX:+ExitOnOutOfMemoryError', '-XX:-UsePerfData'],
    COMPILE_ONCE,
    ...OPENED_PACKAGES.flatMap(name => [`--add-exports=${name}=ALL-UNNAMED`, `--add-opens=${name}=ALL-UNNAMED`]),
    `-javaagent:${join(jars, memoryMeter)}`,
    '-Djdk.attach.allowAttachSelf=true',
    '-Dio.netty.tryReflectionSetAccessible=true',
    '-Djava.net.preferIPv4Stack=true',
    `-Djava.io.tmpdir=${join(folder, 'tmp')}`,
    `-Dlogback.configurationFile=${join(folder, 'logback.xml')}`,
    `-Dcassandra.config=file://${join(folder, 'cassandra.yaml')}`,
    `-Dcassandra.storagedir=${folder}`,
    `-Dcassandra.logdir=${folder}`,
    '-Dcassandra-foreground=yes',
    // A ring of one node waits for no other.
    '-Dcassandra.skip_wait_for_gossip_to_settle=0',
    '-Dcassandra.ring_delay_ms=0',
    '-Dcassandra.superuser_setup_delay_ms=0',
    ...['-cp', `${folder}:${join(jars, '*')}`, 'org.apache.cassandra.service.CassandraDaemon'],
  ]
}

/** Makes a key and a certificate for 127.0.0.1 that is its own authority; returns the certificate as PEM. */
export function createCertificate(keystore: string): string {
  const store = ['-keystore', keystore, '-storetype', 'PKCS12', '-storepass', KEYSTORE_PASSWORD, '-alias', 'server']
  const key = ['-keyalg', 'EC', '-dname', 'CN=landcover test', '-ext', 'SAN=IP:127.0.0.1', '-validity', '30']
  keytool(['-genkeypair', ...store, ...key])
  return keytool(['-exportcert', '-rfc', ...store])
}

function keytool(keytoolArguments: string[]): string {
  const { status, stdout, stderr } = spawnSync('keytool', keytoolArguments, { encoding: 'utf8' })
  if (status !== 0) throw new Error(`keytool failed: ${stdout}${stderr}`)
  return stdout
}

function hasEnded(server: ChildProcess): boolean {
  return server.exitCode !== null || server.signalCode !== null
}

async function untilItAnswers(server: ChildProcess, port: number, ca: string | undefined, log: string) {
  const giveUpAt = Date.now() + START_LIMIT_MS
  while (!(await answersCql(port, ca))) await pauseUnlessHopeless(server, giveUpAt, log)
}

async function untilLogged(server: ChildProcess, log: string, line: string) {
  const giveUpAt = Date.now() + START_LIMIT_MS
  while (!(await readFile(log, 'utf8')).includes(line)) await pauseUnlessHopeless(server, giveUpAt, log)
}

async function pauseUnlessHopeless(server: ChildProcess, giveUpAt: number, log: string) {
  if (hasEnded(server) || Date.now() > giveUpAt) {
    const said = existsSync(log) ? await readFile(log, 'utf8') : ''
    throw new Error(`Cassandra ${hasEnded(server) ? 'ended at its start' : 'does not answer'}:\n${said.slice(-4000)}`)
  }
  await sleep(100)
}

/** An OPTIONS request of the native protocol, version 4, and the operation code of its answer. */
const OPTIONS_REQUEST = Buffer.from([4, 0, 0, 0, 5, 0, 0, 0, 0])
const SUPPORTED = 6

/** An open port is not readiness: asks for the server's options, which needs no log-in. */
function answersCql(port: number, ca: string | undefined): Promise<boolean> {
  return new Promise(done => {
    const socket = ca ? connectTls({ port, host: '127.0.0.1', ca }) : connect({ port, host: '127.0.0.1' })
    const answer = (answered: boolean) => {
      socket.destroy()
      done(answered)
    }
    socket.setTimeout(2_000, () => answer(false))
    socket.once('error', () => answer(false))
    socket.once('close', () => answer(false))
    socket.once(ca ? 'secureConnect' : 'connect', () => socket.write(OPTIONS_REQUEST))
    socket.once('data', data => answer(data[4] === SUPPORTED))
  })
}
