import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync } from 'node:fs'
import { mkdir, mkdtemp, open, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { openTrinoClient, type TrinoConnection } from '../../functions/adapters/sql/trino-client.ts'
import { ARCHIVE_PREFIX } from '../../functions/archive/layout.ts'
import { ARCHIVE_PARTITION, archiveTableDdl, type TableParameters } from '../../functions/archive/table.ts'
import { IMPORT_SLOT, slotName } from '../../functions/core/slot.ts'
import { HOUR_MS } from '../../functions/core/time.ts'
import { NOON_MS } from '../support/factories.ts'
import { freePorts } from '../support/ports.ts'
import { COMPILE_ONCE, describeWithJava, ENGINES_FOLDER, javaMissing, javaSince, resolveJars } from './java.ts'

/** Time limit of a start; 10 to 50 s are usual. */
const START_LIMIT_MS = 300_000
/** The first start also fetches half a gigabyte. */
export const TRINO_START_TIMEOUT_MS = 2 * START_LIMIT_MS
const JAVA_VERSION = 25
export const TRINO_CATALOG = 'hive'

/** An archive that Trino has as the table of a schema of its own. */
export interface TrinoArchive {
  connection: TrinoConnection
  /** Folder of the objects, among them those of the archive. */
  folder: string
}

/** A real Trino on loopback, with its metastore in a folder of its own. */
export interface Trino {
  /** `http://127.0.0.1:port` */
  url: string
  /** @param parameters of the table, as in Glue: how it finds its slots; otherwise those of the hours around noon */
  freshArchive(parameters?: TableParameters): Promise<TrinoArchive>
  /**
   * As freshArchive, over the objects of an S3 bucket, as the schema schemaOfBucket().
   *
   * @throws Error where the server was started without `s3`, or the bucket is not there
   */
  archiveOfBucket(bucket: string, parameters?: TableParameters): Promise<TrinoConnection>
  /** Ends the server and removes its folder. */
  stop(): Promise<void>
}

/** An S3, or what stands in for it, that takes any keys. */
export interface TrinoS3 {
  endpoint: string
  region: string
}

export function schemaOfBucket(bucket: string): string {
  return bucket.replaceAll('-', '_')
}

/** Like describeWithJava, for Trino. Trino needs a later Java than the other engines accept. */
export function describeWithTrino(name: string, tests: () => void): void {
  describeWithJava(name, tests, () => javaMissing() ?? (javaSince(JAVA_VERSION) ? null : NO_JAVA))
}

const NO_JAVA = `Trino needs a JDK ${JAVA_VERSION} or later: install one beside the other, or name its folder in JAVA_HOME`

/**
 * Starts Trino: one node that is coordinator and worker, with tables over Parquet files of a folder. Returns once it
 * has written and read a table.
 *
 * @throws Error with the end of the server's log when it does not get there
 */
export async function startTrino(s3?: TrinoS3): Promise<Trino> {
  const java = javaSince(JAVA_VERSION)
  if (!java) throw new Error(NO_JAVA)
  const programs = await resolveJars(join(import.meta.dirname, 'trino'), 'trino', 'unpack-dependencies')
  await mkdir(ENGINES_FOLDER, { recursive: true })
  const folder = await mkdtemp(join(ENGINES_FOLDER, 'trino-data-'))
  const [port] = (await freePorts(1)) as [number]
  const url = `http://127.0.0.1:${port}`
  await writeSettings(folder, url, port, s3)
  // Only the plugin of the connector is loaded, so that the start is quick.
  await symlink(join(programs, 'trino-hive-476'), join(folder, 'plugin', 'hive'))

  const logFile = join(folder, 'log')
  const output = await open(logFile, 'a')
  const server = spawn(java, serverArguments(folder, join(programs, 'trino-server-core-476')), {
    cwd: folder,
    stdio: ['ignore', output.fd, output.fd],
  })
  await output.close()
  // A test process that ends early must not leave a server behind.
  const endWithUs = () => server.kill('SIGKILL')
  process.once('exit', endWithUs)
  const hasEnded = () => server.exitCode !== null || server.signalCode !== null
  const stop = async () => {
    if (!hasEnded()) {
      server.kill('SIGKILL')
      await once(server, 'exit')
    }
    process.off('exit', endWithUs)
    await rm(folder, { recursive: true, force: true })
  }

  const deadline = Date.now() + START_LIMIT_MS
  while (!(await answers(url))) {
    if (hasEnded() || Date.now() > deadline) {
      const said = await readFile(logFile, 'utf8')
      await stop()
      throw new Error(`Trino did not start. The end of its log:\n${said.slice(-4000)}`)
    }
    await sleep(250)
  }
  let archives = 0
  async function makeArchive(schema: string, location: string, parameters: TableParameters) {
    const connection = { url, catalog: TRINO_CATALOG, schema }
    const client = openTrinoClient(connection)
    await client.run(`create schema ${schema}`)
    await client.run(archiveTableDdl(location, parameters))
    await client.close()
    return connection
  }
  return {
    url,
    async freshArchive(parameters = HOURS_AROUND_NOON) {
      const schema = `archive_${++archives}`
      mkdirSync(join(folder, schema, ARCHIVE_PREFIX), { recursive: true })
      const connection = await makeArchive(schema, `local:///${schema}/${ARCHIVE_PREFIX}`, parameters)
      return { connection, folder: join(folder, schema) }
    },
    async archiveOfBucket(bucket, parameters = HOURS_AROUND_NOON) {
      if (!s3) throw new Error('this Trino was started without S3')
      return makeArchive(schemaOfBucket(bucket), `s3://${bucket}/${ARCHIVE_PREFIX}`, parameters)
    },
    stop,
  }
}

/**
 * Parameters of a table that finds the hourly slots around NOON_MS and that of imports, and looks for no others:
 * statements of tests mostly do not say which slots they want.
 */
const HOURS_AROUND_NOON: TableParameters = {
  'projection.enabled': 'true',
  [`projection.${ARCHIVE_PARTITION.name}.type`]: 'enum',
  [`projection.${ARCHIVE_PARTITION.name}.values`]: [
    IMPORT_SLOT,
    ...Array.from({ length: 25 }, (_, at) => NOON_MS + (at - 12) * HOUR_MS),
  ]
    .map(slot => slotName(slot, HOUR_MS))
    .join(),
}

async function writeSettings(folder: string, url: string, port: number, s3: TrinoS3 | undefined): Promise<void> {
  const settings = {
    'config.properties': {
      coordinator: true,
      'node-scheduler.include-coordinator': true,
      'http-server.http.port': port,
      'discovery.uri': url,
      'query.max-memory': '400MB',
      'query.max-memory-per-node': '400MB',
      'memory.heap-headroom-per-node': '200MB',
      'catalog.management': 'static',
    },
    'log.properties': { 'io.trino': 'WARN' },
    [`catalog/${TRINO_CATALOG}.properties`]: {
      'connector.name': 'hive',
      'hive.metastore': 'file',
      'hive.metastore.catalog.dir': 'local:///metastore',
      'hive.metastore.disable-location-checks': true,
      'fs.native-local.enabled': true,
      'local.location': folder,
      ...(s3 && {
        'fs.native-s3.enabled': true,
        's3.endpoint': s3.endpoint,
        's3.region': s3.region,
        's3.path-style-access': true,
        's3.aws-access-key': 'test',
        's3.aws-secret-key': 'test',
      }),
      'hive.non-managed-table-writes-enabled': true,
      'hive.security': 'allow-all',
      'hive.partition-projection-enabled': true,
      'hive.ignore-absent-partitions': true,
    },
  }
  for (const name of ['etc/catalog', 'metastore', 'plugin', 'tmp']) await mkdir(join(folder, name), { recursive: true })
  for (const [name, properties] of Object.entries(settings)) {
    const lines = Object.entries(properties).map(([key, value]) => `${key}=${value}\n`)
    await writeFile(join(folder, 'etc', name), lines.join(''))
  }
}

function serverArguments(folder: string, program: string): string[] {
  return [
    ...['-Xmx1g', '-XX:+UseSerialGC', '-XX:ReservedCodeCacheSize=256M', '-XX:-UsePerfData'],
    COMPILE_ONCE,
    ...['-XX:+ExitOnOutOfMemoryError', '-XX:+EnableDynamicAgentLoading', '-Djdk.attach.allowAttachSelf=true'],
    ...['--add-modules', 'jdk.incubator.vector', '-Dfile.encoding=UTF-8'],
    `-Djava.io.tmpdir=${join(folder, 'tmp')}`,
    `-Dconfig=${join(folder, 'etc/config.properties')}`,
    `-Dlog.levels-file=${join(folder, 'etc/log.properties')}`,
    `-Dplugin.dir=${join(folder, 'plugin')}`,
    `-Dnode.data-dir=${folder}`,
    ...['-Dnode.environment=test', '-Dnode.id=test', '-Dnode.internal-address=127.0.0.1'],
    // Without it Trino listens on every interface.
    '-Dnode.bind-ip=127.0.0.1',
    ...['-cp', join(program, 'lib/*'), 'io.trino.server.TrinoServer'],
  ]
}

/**
 * Its port is open long before it takes statements, and it takes statements before it knows of a node that reads or
 * writes tables: writing one shows both.
 */
async function answers(url: string): Promise<boolean> {
  const client = openTrinoClient({ url, catalog: TRINO_CATALOG, schema: 'ready' })
  try {
    await client.run('create schema if not exists ready')
    await client.run('create table if not exists written as select 1 as one')
    return (await client.run('select one from written')).rows.length === 1
  } catch {
    return false
  } finally {
    await client.close()
  }
}
