import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { CreateBucketCommand, S3Client } from '@aws-sdk/client-s3'
import { CreateSecretCommand, SecretsManagerClient } from '@aws-sdk/client-secrets-manager'
import type { APIGatewayProxyResult, MSKEvent } from 'aws-lambda'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { generateImages, toWireEvent } from '../../data/generator.ts'
import { openKafkaEventLog } from '../../functions/adapters/kafka/event-log.ts'
import { LOG_METADATA_PREFIX } from '../../functions/adapters/published-log-metadata.ts'
import { openS3ObjectStore } from '../../functions/adapters/s3/object-store.ts'
import type { WireEvent } from '../../functions/core/event.ts'
import { type Position, START, toSequenceNumber } from '../../functions/core/lane.ts'
import { DEFAULT_LATENESS } from '../../functions/core/lateness.ts'
import { MINUTE_MS } from '../../functions/core/time.ts'
import { createProducer } from '../../functions/ingest/producer.ts'
import type { BatchResponse } from '../../functions/lambda/decode-event.ts'
import type { EventLog } from '../../functions/ports/event-log.ts'
import type { Variables } from '../../functions/runtime/aws/variables.ts'
import type { ClassStatsRow, Health } from '../../functions/serving/schemas.ts'
import { buildBundles, bundleOf, type FunctionName } from '../../infra/constructs/bundles.ts'
import { type Cassandra, startCassandra } from '../engines/cassandra.ts'
import { KAFKA_USER, type KafkaEngine, startKafka } from '../engines/kafka.ts'
import { freshTopic } from '../engines/kafka-topics.ts'
import { expectExactly } from '../process/kills.ts'
import { wireEvent } from '../support/factories.ts'
import { eventually, totalCount } from '../support/landcover.ts'
import { LOCALSTACK_START_TIMEOUT_MS, type LocalStack, REGION, startLocalStack } from './localstack.ts'
import { describeWithLocalStack } from './python.ts'

const TOPIC = 'image-events'
const BUCKET = 'landcover-kafka'
const SLOT_MS = 10 * MINUTE_MS
const EVENTS = 5_000
const SEED = 11

/**
 * Deployed bundles with the settings of a stage on Kafka. LocalStack has no MSK, so this file passes records from the
 * topic to the functions, like event source mappings. Each test continues from the state of the previous one.
 */
describeWithLocalStack('the functions of a stage on Kafka', () => {
  let localStack: LocalStack
  let kafka: KafkaEngine
  let cassandra: Cassandra
  let log: EventLog
  let folder: string
  const processes = new Map<FunctionName, ChildProcess>()
  const sent: WireEvent[] = []

  beforeAll(async () => {
    ;[localStack, kafka, cassandra] = await Promise.all([startLocalStack(), startKafka(), startCassandra()])
    Object.assign(process.env, localStack.environment)
    const s3 = new S3Client({ endpoint: localStack.endpoint, region: REGION, forcePathStyle: true })
    await s3.send(new CreateBucketCommand({ Bucket: BUCKET }))
    s3.destroy()
    const secrets = new SecretsManagerClient({ endpoint: localStack.endpoint, region: REGION })
    const secret = { Name: 'kafka', SecretString: JSON.stringify(KAFKA_USER) }
    const { ARN: secretArn = '' } = await secrets.send(new CreateSecretCommand(secret))
    secrets.destroy()
    await freshTopic(kafka.brokers, TOPIC)
    log = await openKafkaEventLog({ brokers: kafka.brokers, topic: TOPIC })

    folder = mkdtempSync(join(tmpdir(), 'landcover-kafka-'))
    writeFileSync(join(folder, 'ca.pem'), kafka.certificate)
    await buildBundles('kafka', join(folder, 'dist'))
    const inReach = { LANDCOVER_LOG: `kafka://${kafka.tlsBrokers}/${TOPIC}`, LANDCOVER_LOG_LOGIN: secretArn }
    const store = { LANDCOVER_STORE: `cassandra://${cassandra.contactPoint}/landcover` }
    start('heartbeat', inReach)
    start('ingest', inReach)
    start('speed', { ...store, LANDCOVER_RULES: 'class-zscore' })
    start('archive', {})
    start('serving', store)
  }, LOCALSTACK_START_TIMEOUT_MS)
  afterAll(async () => {
    for (const child of processes.values()) child.kill()
    await log?.close()
    await Promise.all([kafka?.stop(), cassandra?.stop(), localStack?.stop()])
    if (folder) rmSync(folder, { recursive: true })
  })

  function start(name: FunctionName, variables: Partial<Variables>): void {
    const bundle = bundleOf(name, join(folder, 'dist'))
    const child = fork(join(import.meta.dirname, 'function-process.ts'), [join(bundle, 'index.mjs')], {
      env: {
        ...process.env,
        LAMBDA_TASK_ROOT: bundle,
        NODE_EXTRA_CA_CERTS: join(folder, 'ca.pem'),
        LANDCOVER_STAGE: 'kafka',
        LANDCOVER_SLOT_MS: String(SLOT_MS),
        LANDCOVER_LATENESS: JSON.stringify(DEFAULT_LATENESS),
        LANDCOVER_BUCKET: BUCKET,
        ...variables,
      },
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    })
    processes.set(name, child)
  }

  async function invoke<Result>(name: FunctionName, event: object = {}): Promise<Result> {
    const child = processes.get(name) as ChildProcess
    child.send(event)
    const [{ result, error }] = (await once(child, 'message')) as [{ result: Result; error?: string }]
    if (error) throw new Error(`${name}: ${error}`)
    return result
  }

  /** Offset that a consumer has reached, by partition. */
  const positions = { speed: new Map<string, Position>(), archive: new Map<string, Position>() }

  /** Event that a mapping would deliver now: records of every partition in one event. */
  async function delivery(consumer: 'speed' | 'archive'): Promise<{ event: MSKEvent; read: Map<string, Position> }> {
    const records: MSKEvent['records'] = {}
    const read = new Map<string, Position>()
    for (const { name } of await log.lanes()) {
      const found = await log.read(name, positions[consumer].get(name) ?? START, 100)
      const last = found.at(-1)
      if (!last) continue
      read.set(name, last.position)
      const partition = Number(name.slice(log.identity.length + 1))
      records[`${TOPIC}-${partition}`] = found.map(({ position, arrivalMs, data }) => ({
        topic: TOPIC,
        partition,
        offset: Number(toSequenceNumber(position)),
        timestamp: arrivalMs,
        timestampType: 'LOG_APPEND_TIME',
        key: '',
        value: Buffer.from(data).toString('base64'),
        headers: [],
      }))
    }
    return { event: { eventSource: 'aws:kafka', eventSourceArn: 'arn', bootstrapServers: '', records }, read }
  }

  /** Delivers all records. */
  async function drain(consumer: 'speed' | 'archive'): Promise<void> {
    for (;;) {
      const { event, read } = await delivery(consumer)
      if (read.size === 0) return
      expect(await invoke<BatchResponse>(consumer, event)).toEqual({ batchItemFailures: [] })
      for (const [lane, position] of read) positions[consumer].set(lane, position)
    }
  }

  async function publish(events: readonly WireEvent[]): Promise<void> {
    const producer = createProducer(log, { ids: 3, maxEvents: 50 })
    for (const event of events) await producer.add(event)
    await producer.close()
    sent.push(...events)
  }

  async function ask<Body>(path: string): Promise<Body> {
    const { statusCode, body } = await invoke<APIGatewayProxyResult>('serving', request('GET', path))
    expect(statusCode, body).toBe(200)
    return JSON.parse(body) as Body
  }

  it('give every record back until the first heartbeat published the metadata of the topic', async () => {
    await publish(Array.from(generateImages({ seed: SEED, images: EVENTS, days: 2, untilMs: Date.now() }), toWireEvent))
    const { event } = await delivery('speed')
    const { batchItemFailures } = await invoke<BatchResponse>('speed', event)
    expect(batchItemFailures.length).toBeGreaterThan(0)
    expect(batchItemFailures.map(({ itemIdentifier }) => itemIdentifier)).toEqual(
      Object.keys(event.records).map(partition => ({ partition, offset: 0 })),
    )
  })

  it('count and archive every event exactly, without access to the brokers', async () => {
    await invoke('heartbeat')
    await Promise.all([drain('speed'), drain('archive')])
    expectExactly(await ask<ClassStatsRow[]>('/api/class-stats'), sent, SEED)
    const objects = openS3ObjectStore({ bucket: BUCKET, endpoint: localStack.endpoint, region: REGION })
    expect(await Array.fromAsync(objects.list(LOG_METADATA_PREFIX))).toEqual([`${LOG_METADATA_PREFIX}outline.json`])
    const files = await Array.fromAsync(objects.list('archive/'))
    for (const { name } of await log.lanes())
      expect(
        files.some(key => key.includes(`/${name}-`)),
        name,
      ).toBe(true)
  })

  it('accept events over HTTP, once each', async () => {
    const event = { ...wireEvent({ image_id: 'by-http' }), timestamp: new Date().toISOString() }
    const headers = { 'Content-Type': 'application/json', 'Idempotency-Key': 'a-key' }
    for (let time = 0; time < 3; time++) {
      const body = JSON.stringify(event)
      const answer = await invoke<APIGatewayProxyResult>('ingest', { ...request('POST', '/api/events'), headers, body })
      expect(answer.statusCode, answer.body).toBe(202)
    }
    sent.push(event)
    await drain('speed')
    // Equal questions share an answer for a moment.
    const rows = await eventually(
      () => ask<ClassStatsRow[]>('/api/class-stats'),
      answer => totalCount(answer) >= sent.length,
    )
    expectExactly(rows, sent, SEED)
  })

  it('know how long records have waited', async () => {
    await invoke('heartbeat')
    await drain('speed')
    const upToDate = await ask<Health>('/api/health')
    expect(upToDate.speed.lanes.map(({ lane, lag_ms }) => [lane, lag_ms]).sort()).toEqual(
      (await log.lanes()).map(({ name }) => [name, 0]),
    )
    expect(upToDate.watermark).not.toBeNull()
    await invoke('heartbeat')
    // Answers know the lag of a moment ago.
    await eventually(
      () => ask<Health>('/api/health'),
      ({ speed }) => (speed.lag_ms ?? 0) > 0,
    )
  })
})

function request(httpMethod: string, path: string): object {
  return {
    ...{ httpMethod, path, resource: path, headers: {}, multiValueHeaders: {}, body: null, isBase64Encoded: false },
    ...{ queryStringParameters: null, multiValueQueryStringParameters: null, pathParameters: null },
    requestContext: { httpMethod, path, resourcePath: path, identity: {} },
  }
}
