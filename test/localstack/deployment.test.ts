import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { ListBucketsCommand } from '@aws-sdk/client-s3'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { generateImages, toWireEvent } from '../../data/generator.ts'
import { pauseConsumer } from '../../functions/adapters/aws/deployed-function.ts'
import { connectCassandra } from '../../functions/adapters/cassandra/client.ts'
import { openKinesisEventLog } from '../../functions/adapters/kinesis/event-log.ts'
import { TABLES } from '../../functions/adapters/row-encoding/tables.ts'
import type { WireEvent } from '../../functions/core/event.ts'
import { IMPORT_SLOT, slotName } from '../../functions/core/slot.ts'
import { SECOND_MS } from '../../functions/core/time.ts'
import { createProducer } from '../../functions/ingest/producer.ts'
import type { EventLog } from '../../functions/ports/event-log.ts'
import type { AnomalyRow, ClassStatsRow, Health } from '../../functions/serving/schemas.ts'
import { CHECKS } from '../../infra/tools/verify.ts'
import { type AthenaServer, executeOnTrino, startAthenaServer } from '../engines/athena-server.ts'
import { type Cassandra, LOCAL_DATA_CENTER, startCassandra } from '../engines/cassandra.ts'
import { schemaOfBucket, startTrino, TRINO_START_TIMEOUT_MS, type Trino } from '../engines/trino.ts'
import { expectExactly } from '../process/kills.ts'
import { launchBrowser } from '../support/browser.ts'
import { someEvents, writeEvents } from '../support/events-csv.ts'
import { wireEvent } from '../support/factories.ts'
import { eventually, run, totalCount } from '../support/landcover.ts'
import { readPath } from '../support/read-files.ts'
import { REAL_TILES } from '../support/real-tiles.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'
import { cdk, crash, type DeployedSystem, deployedSystem, NAMES, passedOver, startDistribution } from './deployed.ts'
import { ACCOUNT, LOCALSTACK_START_TIMEOUT_MS, type LocalStack, REGION, startLocalStack } from './localstack.ts'
import { describeWithLocalStack } from './python.ts'

const SLOT_MS = 20 * SECOND_MS
const EVENTS = 50_000
const DEPLOY_MS = 900_000
const SEED = 7

/** Names of the checks in infra/tools/verify.ts whose services LocalStack has. */
const HERE: ReadonlySet<string> = new Set([
  'both consumers of the stream are enabled',
  'a signed event is counted, and only once',
  'the state machine publishes a view with Athena',
])

/** Each test continues from the state of the previous one. */
describeWithLocalStack('the deployed system', () => {
  let localStack: LocalStack
  let cassandra: Cassandra
  let trino: Trino
  let athena: AthenaServer
  let system: DeployedSystem
  let log: EventLog
  let context: string[]

  const deploy = (rules: string) =>
    cdk(localStack, [
      'deploy',
      '--all',
      '--require-approval',
      'never',
      '--method',
      'direct',
      ...context,
      ...told({ rules }),
    ])

  beforeAll(
    async () => {
      ;[localStack, cassandra] = await Promise.all([startLocalStack(), startCassandra()])
      Object.assign(process.env, localStack.environment)
      trino = await startTrino({ endpoint: localStack.endpoint, region: REGION })
      athena = await startAthenaServer(executeOnTrino(trino))
      context = told({
        stage: 'local',
        slotMs: SLOT_MS,
        cassandra: `cassandra://${cassandra.contactPoint}/landcover`,
        athena: athena.endpoint,
        database: schemaOfBucket(NAMES.bucket),
      })
      await cdk(localStack, ['bootstrap', `aws://${ACCOUNT}/${REGION}`, ...context, ...told({ rules: 'class-zscore' })])
      await deploy('class-zscore')
      await trino.archiveOfBucket(NAMES.bucket, slotsFromNow())
      system = deployedSystem(localStack)
      log = await openKinesisEventLog({ stream: NAMES.stream, endpoint: localStack.endpoint, region: REGION })
    },
    LOCALSTACK_START_TIMEOUT_MS + TRINO_START_TIMEOUT_MS + DEPLOY_MS,
  )
  afterAll(async () => {
    await log?.close()
    system?.close()
    await athena?.close()
    await Promise.all([trino?.stop(), cassandra?.stop()])
    await localStack?.stop()
  })

  /** All events that the system has accepted. */
  const sent: WireEvent[] = []

  async function publish(events: readonly WireEvent[]): Promise<void> {
    const producer = createProducer(log, { ids: 4 })
    for (const event of events) await producer.add(event)
    await producer.close()
    sent.push(...events)
  }

  const classStats = () => system.get<ClassStatsRow[]>('/api/class-stats')
  const health = () => system.get<Health>('/api/health')

  async function expectAllCounted(): Promise<void> {
    expectExactly(await eventually(classStats, rows => totalCount(rows) >= sent.length), sent, SEED)
  }

  it('has no resources that LocalStack skipped, except the known ones', async () => {
    expect(await passedOver(localStack)).toEqual([])
  })

  it('counts real tiles and generated events from Kinesis exactly', async () => {
    if (existsSync(REAL_TILES)) await publish(await realTiles())
    await publish(generated(EVENTS, SEED))
    await expectAllCounted()
    expect((await health()).quarantine.count).toBe(0)
  })

  it('accepts events over HTTP, once for each idempotency key, and says what is wrong with invalid requests', async () => {
    const event = { ...wireEvent({ image_id: 'by-http' }), timestamp: new Date().toISOString() }
    const headers = { 'Content-Type': 'application/json', 'Idempotency-Key': 'a-key' }
    const send = (body: string) => system.ask('/api/events', { method: 'POST', headers, body })
    for (let time = 0; time < 3; time++) {
      const { status, body } = await send(JSON.stringify(event))
      expect(JSON.parse(body)).toEqual({ accepted: 1 })
      expect(status).toBe(202)
    }
    sent.push(event)
    await expectAllCounted()
    const { status, type, body } = await send(`${JSON.stringify(event)}\n{"class_name":"Forest"}`)
    expect([status, type]).toEqual([400, 'application/problem+json'])
    expect(JSON.parse(body)).toMatchObject({ errors: [{ line: 2, reason: 'invalid-event' }] })
  })

  it('publishes a batch view with its state machine, and joins it with newer events', async () => {
    const { batch } = await eventually(
      async () => {
        await system.invoke('heartbeat')
        const run = await system.runBatch()
        // On a busy machine, lanes may be archived later than a run waits for.
        if (!run.output.startsWith('LanesBehind')) expect(run.status, run.output).toBe('SUCCEEDED')
        return health()
      },
      ({ batch }) => batch.images === sent.length,
    )
    expect(batch.lanes_behind).toEqual([])
    expectExactly(await system.get('/api/batch/class-stats'), sent, SEED)
    expectExactly(await classStats(), sent, SEED)
    const files = await system.keysOf(NAMES.bucket, 'archive/')
    expect(files.filter(key => !key.endsWith('.parquet'))).toEqual([])
    await publish(generated(1_000, SEED + 1))
    await expectAllCounted()
  })

  it('raises an alert for an event far from the baseline of that view, and for no other', async () => {
    // A process caches the baseline for a minute. A new process has no cached baseline.
    await crash('speed')
    const timestamp = new Date().toISOString()
    const lake = (await classStats()).find(({ class_name }) => class_name === 'SeaLake') as ClassStatsRow
    const image = (image_id: string, ndvi_mean: number) => ({
      ...{ image_id, class_name: 'SeaLake', timestamp },
      ndvi_mean: Math.round(ndvi_mean * 1e6) / 1e6,
    })
    const usual = Array.from({ length: 20 }, (_, at) => image(`usual-${at}`, lake.ndvi_avg as number))
    const odd = Array.from({ length: 5 }, (_, at) => image(`odd-${at}`, 0.9 + at / 100))
    await publish([...usual, ...odd])
    await expectAllCounted()
    const anomalies = await system.get<AnomalyRow[]>('/api/anomalies?limit=1000')
    const ids = anomalies.map(({ image_id }) => image_id).filter(id => /^(usual|odd)-/.test(id))
    expect(ids.sort()).toEqual(odd.map(({ image_id }) => image_id))
  })

  it('serves its dashboard from the bucket', async () => {
    await system.uploadSite()
    const distribution = await startDistribution(system)
    const browser = await launchBrowser()
    try {
      const page = await browser.newPage()
      const errors: string[] = []
      page.on('console', message => message.type() === 'error' && errors.push(message.text()))
      page.on('pageerror', error => errors.push(error.message))
      await page.goto(distribution.url)
      await page.locator('body[data-state="ready"]').waitFor()
      await page.getByRole('button', { name: 'Sea lake' }).waitFor()
      expect(errors).toEqual([])
    } finally {
      distribution.close()
    }
  })

  it('quarantines a poison record with its reason, and counts the records beside it', async () => {
    await log.append([{ key: 'poison', data: Buffer.from('{"image_id": "half') }])
    await publish(generated(100, SEED + 2))
    await expectAllCounted()
    await eventually(health, ({ quarantine }) => quarantine.count === 1)
  })

  it('counts each event once, even if its function is killed repeatedly in the middle', async () => {
    const publishing = (async () => {
      for (let part = 0; part < 20; part++) await publish(generated(1_000, SEED + 100 + part))
    })()
    let killed = 0
    let isPublished = false
    void publishing.then(() => {
      isPublished = true
    })
    while (!isPublished || killed < 3) {
      killed += await crash('speed')
      await sleep(300)
    }
    await publishing
    await expectAllCounted()
  })

  it('loses nothing while Cassandra is down, reports it, and continues by itself', async () => {
    await cassandra.kill()
    await publish(generated(2_000, SEED + 3))
    expect(await system.invoke('speed', kinesisEvent())).toEqual({ batchItemFailures: [{ itemIdentifier: '1' }] })
    // Earlier questions may get their old answers. Answers about the system itself are current.
    const { status, type } = await system.ask('/api/health')
    expect([status, type]).toEqual([503, 'application/problem+json'])
    await cassandra.restart()
    expectExactly(
      await eventually(
        async () => ((await system.ask('/api/class-stats')).status === 200 ? await classStats() : []),
        rows => totalCount(rows) >= sent.length,
      ),
      sent,
      SEED,
    )
  })

  it('can be deployed again while events flow, and loses none', { timeout: DEPLOY_MS }, async () => {
    let isDeployed = false
    const deploying = deploy('image-range').finally(() => {
      isDeployed = true
    })
    for (let part = 0; part < 10 || !isDeployed; part++) {
      await publish(generated(200, SEED + 200 + part))
      await sleep(500)
    }
    await deploying
    await expectAllCounted()
    const pixels = { ndvi_std: 0.1, ndvi_min: -1, ndvi_max: 1 }
    const image = { ...wireEvent({ image_id: 'wide', ...pixels }), timestamp: new Date().toISOString() }
    await publish([image])
    await eventually(
      () => system.get<AnomalyRow[]>('/api/anomalies?limit=1000'),
      rows => rows.some(({ image_id, rule }) => image_id === 'wide' && rule === 'image-range'),
    )
  })

  it('works with the same commands as a system on a laptop', async () => {
    const command = async (name: string, ...args: string[]) => {
      const { code, stdout, stderr } = await run(`functions/cli/${name}.ts`, ['--stage', 'local', ...args]).finished
      expect(code, stderr).toBe(0)
      return stdout
    }
    expect(await command('redrive', '--list')).toMatch(/^not-json +1 +0 +0 +0 +1 /m)
    expect(await command('redrive')).toContain('1 entry left, still bad: not-json')
    const history = someEvents(60)
    const file = writeEvents(join(temporaryFolder(), 'history.csv'), history)
    expect(await command('import', '--data', file)).toMatch(/^import: 60 events of 1 file /)
    sent.push(...history)
    await expectAllCounted()
    expect(await command('import', '--data', file)).toContain('1 file imported before')
    expect(await command('batch', '--explain')).toContain(' images')
    await expectAllCounted()
    const { code, stderr } = await run('functions/cli/redrive.ts', ['--stage', 'absent']).finished
    expect([code, stderr]).toEqual([1, 'there is no function landcover-absent-batch in this account and region\n'])
  })

  it('rebuilds a lost speed store from its archive, while events flow', { timeout: DEPLOY_MS }, async () => {
    const replay = () => run('functions/cli/replay.ts', ['--stage', 'local']).finished
    expect(await replay()).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('only an empty one can be rebuilt'),
    })
    await pauseConsumer('landcover-local-speed')
    // Deliveries from before are still being processed.
    await sleep(5_000)
    await emptyTables(cassandra)
    await publish(generated(300, SEED + 300))
    const replaying = replay()
    while (!(await Promise.race([replaying.then(() => true), sleep(1_000, false)]))) {
      await publish(generated(20, SEED + 301 + sent.length))
      await system.invoke('heartbeat')
    }
    expect(await replaying).toMatchObject({ code: 0, stderr: '', stdout: expect.stringMatching(/^\d+ events of /) })
    // The consumer runs again by itself.
    await publish(generated(100, SEED + 400))
    await expectAllCounted()
  })

  it('passes the checks for stages on AWS, as far as LocalStack supports them', async () => {
    const stage = { name: 'local', region: REGION, api: `${await system.apiUrl()}/`, dashboard: null }
    const here = CHECKS.filter(({ name }) => HERE.has(name))
    expect(here).toHaveLength(HERE.size)
    // Schedules do not fire here. Without heartbeats, a shard without events would stay behind.
    const beating = new AbortController()
    const beats = (async () => {
      for (; !beating.signal.aborted; await sleep(SLOT_MS / 4)) await system.invoke('heartbeat')
    })()
    try {
      for (const { name, run } of here) expect(await run(stage), name).toEqual(expect.any(String))
    } finally {
      beating.abort()
      await beats
    }
  })

  it('can be destroyed without a trace', { timeout: DEPLOY_MS }, async () => {
    const destroy = (...what: string[]) =>
      cdk(localStack, ['destroy', ...what, '--force', ...context, ...told({ rules: 'image-range' })])
    await system.emptyBuckets()
    await destroy('landcover-local-pipeline')
    // Functions may have written objects in the meantime.
    await system.emptyBuckets()
    await destroy('--all')
    const { Buckets = [] } = await system.s3.send(new ListBucketsCommand({}))
    expect(Buckets.map(({ Name }) => Name).filter(name => name?.startsWith('landcover-'))).toEqual([])
  })
})

async function emptyTables({ contactPoint }: Cassandra): Promise<void> {
  const client = await connectCassandra({ contactPoints: [contactPoint], localDataCenter: LOCAL_DATA_CENTER })
  for (const { name } of TABLES) await client.define(`TRUNCATE landcover.${name}`)
  await client.close()
}

/** Context options on the command line of the app. */
function told(context: Record<string, string | number>): string[] {
  return Object.entries(context).flatMap(([name, value]) => ['-c', `${name}=${value}`])
}

function generated(images: number, seed: number): WireEvent[] {
  return Array.from(generateImages({ seed, images, days: 2, untilMs: Date.now() }), toWireEvent)
}

async function realTiles(): Promise<WireEvent[]> {
  const rows = await Array.fromAsync(readPath(REAL_TILES, { now: Date.now, timeIsNow: true }))
  return rows.map(row => {
    if (!('event' in row)) throw new Error(`a real tile cannot be read: ${JSON.stringify(row)}`)
    return row.event()
  })
}

/** Delivery of one record, as Lambda passes it. */
function kinesisEvent(): object {
  const kinesis = {
    ...{ sequenceNumber: '1', partitionKey: 'a', kinesisSchemaVersion: '1.0' },
    approximateArrivalTimestamp: Date.now() / 1000,
    data: Buffer.from(JSON.stringify(wireEvent())).toString('base64'),
  }
  const eventSourceARN = `arn:aws:kinesis:${REGION}:${ACCOUNT}:stream/${NAMES.stream}`
  return { Records: [{ eventSource: 'aws:kinesis', eventID: 'shardId-000000000000:1', eventSourceARN, kinesis }] }
}

/** Slots in the partition projection of the archive's table: the slot of imports, and those of the next half hour. */
function slotsFromNow(): Record<string, string> {
  const first = Math.floor(Date.now() / SLOT_MS) * SLOT_MS
  const slots = [IMPORT_SLOT, ...Array.from({ length: 90 }, (_, at) => first + at * SLOT_MS)]
  return {
    'projection.enabled': 'true',
    'projection.arrival_slot.type': 'enum',
    'projection.arrival_slot.values': slots.map(slot => slotName(slot, SLOT_MS)).join(),
  }
}
