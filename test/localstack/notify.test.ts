import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  CreateEventBusCommand,
  EventBridgeClient,
  PutRuleCommand,
  PutTargetsCommand,
} from '@aws-sdk/client-eventbridge'
import { CreateBucketCommand, S3Client } from '@aws-sdk/client-s3'
import { CreateSecretCommand, PutSecretValueCommand, SecretsManagerClient } from '@aws-sdk/client-secrets-manager'
import { CreateTopicCommand, SNSClient, SubscribeCommand } from '@aws-sdk/client-sns'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { openS3ObjectStore } from '../../functions/adapters/s3/object-store.ts'
import { encodeIncidents, incidentsKey } from '../../functions/batch/incidents-file.ts'
import type { Incident } from '../../functions/core/incidents/incident.ts'
import { openDecisions } from '../../functions/decisions/stored-decisions.ts'
import { openLedger } from '../../functions/notify/ledger.ts'
import type { ObjectStore } from '../../functions/ports/object-store.ts'
import type { TellingOutcome } from '../../functions/runtime/aws/notify.ts'
import type { Variables } from '../../functions/runtime/aws/variables.ts'
import type { AlertsFile } from '../../functions/runtime/config/alerts-file.ts'
import { buildBundles, bundleOf } from '../../infra/constructs/bundles.ts'
import { openIncident } from '../support/incidents.ts'
import { eventually } from '../support/landcover.ts'
import { LOCALSTACK_START_TIMEOUT_MS, type LocalStack, REGION, startLocalStack } from './localstack.ts'
import { describeWithLocalStack } from './python.ts'

const BUCKET = 'landcover-notify'
const BUS = 'landcover-notify'
const KEY = `whsec_${Buffer.alloc(32, 7).toString('base64')}`

/** The deployed notifier with S3, Secrets Manager, EventBridge and SNS. Each test continues from the one before. */
describeWithLocalStack('the deployed notifier', () => {
  let localStack: LocalStack
  let objects: ObjectStore
  let folder: string
  let webhook: { server: Server; bodies: WebhookBody[]; status: number }
  let queues: { bus: string; topic: string }
  let alerts: AlertsFile
  const processes = new Set<ChildProcess>()

  beforeAll(async () => {
    localStack = await startLocalStack()
    Object.assign(process.env, localStack.environment)
    const settings = { endpoint: localStack.endpoint, region: REGION }
    const s3 = new S3Client({ ...settings, forcePathStyle: true })
    await s3.send(new CreateBucketCommand({ Bucket: BUCKET }))
    s3.destroy()
    objects = openS3ObjectStore({ bucket: BUCKET, ...settings })
    folder = mkdtempSync(join(tmpdir(), 'landcover-notify-'))
    await buildBundles('kinesis', join(folder, 'dist'))
    webhook = await serveWebhook()
    const bus = await queueOf(localStack, 'bus')
    const events = new EventBridgeClient(settings)
    await events.send(new CreateEventBusCommand({ Name: BUS }))
    const EventPattern = JSON.stringify({ source: ['landcover'], 'detail-type': ['Incident changed'] })
    await events.send(new PutRuleCommand({ Name: 'all', EventBusName: BUS, EventPattern }))
    const Targets = [{ Id: 'queue', Arn: bus.arn }]
    await events.send(new PutTargetsCommand({ Rule: 'all', EventBusName: BUS, Targets }))
    events.destroy()
    const topic = await queueOf(localStack, 'topic')
    const sns = new SNSClient(settings)
    const { TopicArn = '' } = await sns.send(new CreateTopicCommand({ Name: 'incidents' }))
    await sns.send(new SubscribeCommand({ TopicArn, Protocol: 'sqs', Endpoint: topic.arn }))
    sns.destroy()
    queues = { bus: bus.url, topic: topic.url }
    const secret = await withSecrets(client =>
      client.send(new CreateSecretCommand({ Name: 'hook', SecretString: 'x' })),
    )
    const { port } = webhook.server.address() as AddressInfo
    alerts = {
      receivers: {
        program: { type: 'webhook', url: `http://127.0.0.1:${port}/`, secret: `${secret.ARN}#key` },
        bus: { type: 'eventbridge', bus: BUS },
        people: { type: 'sns', topic: TopicArn, hour: new Date().getUTCHours() },
      },
    }
  }, LOCALSTACK_START_TIMEOUT_MS)
  afterAll(async () => {
    for (const child of processes) child.kill()
    webhook?.server.close()
    await localStack?.stop()
    if (folder) rmSync(folder, { recursive: true })
  })

  async function withSecrets<Result>(ask: (client: SecretsManagerClient) => Promise<Result>): Promise<Result> {
    const client = new SecretsManagerClient({ endpoint: localStack.endpoint, region: REGION })
    return ask(client).finally(() => client.destroy())
  }

  /** Starts the function in a process of its own. */
  function start(): (event?: object) => Promise<TellingOutcome> {
    const bundle = bundleOf('notify', join(folder, 'dist'))
    const variables: Partial<Variables> = {
      LANDCOVER_STAGE: 'notify',
      LANDCOVER_BUCKET: BUCKET,
      LANDCOVER_ALERTS: JSON.stringify(alerts),
    }
    const child = fork(join(import.meta.dirname, 'function-process.ts'), [join(bundle, 'index.mjs')], {
      env: { ...process.env, LAMBDA_TASK_ROOT: bundle, ...variables },
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    })
    processes.add(child)
    return async (event = {}) => {
      child.send(event)
      const [{ result, error }] = (await once(child, 'message')) as [{ result: TellingOutcome; error?: string }]
      if (error) throw new Error(error)
      return result
    }
  }

  async function judge(revision: number, incidents: Incident[]): Promise<void> {
    const counts = { looks: 20, sites: 1, judgedSites: 1, skipped: null }
    await objects.put(
      incidentsKey(revision),
      encodeIncidents({ revision, looksDigest: `${revision}`, ...counts, incidents }),
    )
  }

  it('says which secret cannot be used, and not what is in it', async () => {
    await expect(start()()).rejects.toThrow(
      /the stage's alerts: receivers\.program\.secret: the secret arn:.* is not a JSON/,
    )
    const SecretId = (alerts.receivers.program as { secret: string }).secret.replace('#key', '')
    await withSecrets(client =>
      client.send(new PutSecretValueCommand({ SecretId, SecretString: JSON.stringify({ key: KEY }) })),
    )
  })

  it('tells a webhook, a bus and a topic of an incident, and only once', async () => {
    await judge(1, [openIncident()])
    const round = start()
    expect(await round()).toEqual({ untoldMs: 0 })
    await round()
    // Another process reads what was told from the bucket.
    await start()()
    expect(webhook.bodies.map(titlesOf)).toEqual([['New: site stand-1 (Forest) changed, NDVI -0.15 [warning]']])
    const events = await messagesOf(localStack, queues.bus, 1)
    expect(JSON.parse(events[0] ?? '')).toMatchObject({
      ...{ source: 'landcover', 'detail-type': 'Incident changed' },
      detail: { kind: 'opened', thread: 'a', incident: { site_id: 'stand-1' } },
    })
    const [notice] = await messagesOf(localStack, queues.topic, 1)
    expect(JSON.parse(notice ?? '')).toMatchObject({ Subject: 'landcover: 1 new' })
    expect([events.length, webhook.bodies.length]).toEqual([1, 1])
  })

  it('fails while a receiver is out of reach, and tells it when it is back; others do not wait', async () => {
    await judge(2, [openIncident({ severity: 'error' })])
    webhook.status = 503
    const round = start()
    await expect(round()).rejects.toThrow(/^Error: Telling program failed: 127\.0\.0\.1:\d+ answered 503$/)
    const [event] = await messagesOf(localStack, queues.bus, 1)
    expect(JSON.parse(event ?? '')).toMatchObject({ detail: { kind: 'changed', incident: { severity: 'error' } } })
    webhook.status = 200
    // The next process waits until the first one's claim is over.
    const next = start()
    await eventually(
      async () => {
        await next()
        return webhook.bodies
      },
      bodies => bodies.length === 2,
    )
    expect(webhook.bodies[1]?.data.messages).toMatchObject([{ kind: 'changed' }])
  })

  it('lets only one of several calls at the same time tell', async () => {
    await judge(3, [openIncident({ severity: 'error' }), openIncident({ id: 'b', site_id: 'stand-2' })])
    await Promise.all(Array.from({ length: 3 }, () => start()()))
    const told = webhook.bodies.slice(2)
    expect(told.map(titlesOf)).toEqual([['New: site stand-2 (Forest) changed, NDVI -0.15 [warning]']])
    expect(await messagesOf(localStack, queues.bus, 1)).toHaveLength(1)
  })

  it('tells that somebody has acknowledged an incident, and keeps all of it in the bucket', async () => {
    const { id, kind, class_name, site_id, opened_at } = openIncident()
    const incident = { id, kind, class_name, site_id, opened_at }
    await openDecisions(objects).add({ kind: 'acknowledge', by: 'Ann', incident }, Date.now())
    await start()()
    expect(webhook.bodies.at(-1)?.data.messages).toMatchObject([{ kind: 'acknowledged' }])
    const { pending, refused, told } = await openLedger(objects, 'program').read()
    expect({ pending, refused, threads: [...told.keys()].sort() }).toEqual({
      pending: [],
      refused: 0,
      threads: ['a', 'b'],
    })
  })
})

interface WebhookBody {
  data: { messages: { kind: string; title: string }[] }
}

const titlesOf = ({ data }: WebhookBody) => data.messages.map(({ title }) => title)

/** Program that takes what it is sent, unless it is told to answer otherwise. */
async function serveWebhook() {
  const found = { bodies: [] as WebhookBody[], status: 200 }
  const server = createServer(async (request, response) => {
    const chunks = await Array.fromAsync(request as AsyncIterable<Buffer>)
    if (found.status === 200) found.bodies.push(JSON.parse(Buffer.concat(chunks).toString('utf8')))
    response.writeHead(found.status).end()
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return Object.assign(found, { server })
}

async function sqs<Answer>({ endpoint }: LocalStack, action: string, body: object): Promise<Answer> {
  const response = await fetch(endpoint, {
    method: 'POST',
    headers: {
      'content-type': 'application/x-amz-json-1.0',
      'x-amz-target': `AmazonSQS.${action}`,
      authorization: `AWS4-HMAC-SHA256 Credential=test/20261127/${REGION}/sqs/aws4_request, SignedHeaders=host, Signature=0`,
    },
    body: JSON.stringify(body),
  })
  if (!response.ok) throw new Error(`SQS ${action}: ${response.status} ${await response.text()}`)
  return response.json() as Promise<Answer>
}

async function queueOf(localStack: LocalStack, QueueName: string): Promise<{ url: string; arn: string }> {
  const { QueueUrl } = await sqs<{ QueueUrl: string }>(localStack, 'CreateQueue', { QueueName })
  const { Attributes } = await sqs<{ Attributes: { QueueArn: string } }>(localStack, 'GetQueueAttributes', {
    QueueUrl,
    AttributeNames: ['QueueArn'],
  })
  return { url: QueueUrl, arn: Attributes.QueueArn }
}

/** Takes messages from a queue until there are as many, and those that are there beside them. */
async function messagesOf(localStack: LocalStack, QueueUrl: string, count: number): Promise<string[]> {
  const found: string[] = []
  const receive = async () => {
    const request = { QueueUrl, MaxNumberOfMessages: 10, WaitTimeSeconds: 1 }
    const { Messages = [] } = await sqs<{ Messages?: { Body: string; ReceiptHandle: string }[] }>(
      localStack,
      'ReceiveMessage',
      request,
    )
    for (const { Body, ReceiptHandle } of Messages) {
      found.push(Body)
      await sqs(localStack, 'DeleteMessage', { QueueUrl, ReceiptHandle }).catch(() => {})
    }
  }
  await eventually(
    async () => {
      await receive()
      return found
    },
    messages => messages.length >= count,
  )
  await receive()
  return found
}
