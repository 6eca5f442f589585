import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createRequire } from 'node:module'
import { dirname } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import {
  CreateStreamCommand,
  DeleteStreamCommand,
  DescribeStreamSummaryCommand,
  KinesisClient,
  ListStreamsCommand,
  ResourceNotFoundException,
  type StreamDescriptionSummary,
} from '@aws-sdk/client-kinesis'
import { NodeHttpHandler } from '@smithy/node-http-handler'
import { freePorts } from '../support/ports.ts'

/** Server that has Kinesis' API. */
export interface Kinesis {
  endpoint: string
  client: KinesisClient
  /** Creates a stream. An existing stream of the same name is deleted first. */
  freshStream(stream: string, shards: number): Promise<void>
  /** Returns when the stream takes requests again after a change. */
  untilActive(stream: string): Promise<void>
}

/** A stand-in for Kinesis (kinesis-local) in a process of its own, on loopback. */
export interface KinesisEngine extends Kinesis {
  stop(): Promise<void>
}

export const KINESIS_REGION = 'us-east-1'
const START_LIMIT_MS = 300_000
/** Time that the stand-in needs to change a stream. AWS needs half a minute. */
const CHANGES = ['CREATE_STREAM', 'DELETE_STREAM', 'SPLIT_SHARD', 'MERGE_SHARDS']

/** The stand-in listens on every interface and has no setting for it: a server with a port only gets loopback. */
const ON_LOOPBACK = `
  import { Server } from 'node:net'
  const { listen } = Server.prototype
  Server.prototype.listen = function (port, ...rest) {
    return typeof port === 'number' ? listen.call(this, port, '127.0.0.1', ...rest) : listen.call(this, port, ...rest)
  }`

/** @throws Error with what the process said when it does not start */
export async function startKinesis(): Promise<KinesisEngine> {
  const main = createRequire(import.meta.url).resolve('kinesis-local')
  const [port, tlsPort] = (await freePorts(2)) as [number, number]
  const preload = `data:text/javascript,${encodeURIComponent(ON_LOOPBACK)}`
  const server = spawn(process.execPath, ['--import', preload, main], {
    cwd: dirname(main),
    env: {
      ...process.env,
      KINESIS_MOCK_PLAIN_PORT: String(port),
      KINESIS_MOCK_TLS_PORT: String(tlsPort),
      LOG_LEVEL: 'ERROR',
      ...Object.fromEntries(CHANGES.map(change => [`${change}_DURATION`, '20ms'])),
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let said = ''
  for (const stream of [server.stdout, server.stderr]) stream.on('data', (chunk: Buffer) => (said += chunk))
  process.once('exit', () => server.kill('SIGKILL'))
  const kinesis = kinesisAt(`http://127.0.0.1:${port}`)
  const deadline = Date.now() + START_LIMIT_MS
  while (!(await kinesis.client.send(new ListStreamsCommand({})).catch(() => null))) {
    if (server.exitCode !== null || Date.now() > deadline) throw new Error(`kinesis-local did not start:\n${said}`)
    await sleep(50)
  }

  return {
    ...kinesis,
    async stop() {
      kinesis.client.destroy()
      server.kill('SIGKILL')
      if (server.exitCode === null && server.signalCode === null) await once(server, 'exit')
    },
  }
}

export function kinesisAt(endpoint: string): Kinesis {
  // The adapter under test finds them where it does on AWS.
  process.env.AWS_ACCESS_KEY_ID ??= 'test'
  process.env.AWS_SECRET_ACCESS_KEY ??= 'test'
  const client = new KinesisClient({ endpoint, region: KINESIS_REGION, requestHandler: new NodeHttpHandler() })

  async function describe(StreamName: string): Promise<StreamDescriptionSummary | null> {
    try {
      const answer = await client.send(new DescribeStreamSummaryCommand({ StreamName }))
      return answer.StreamDescriptionSummary ?? null
    } catch (error) {
      if (error instanceof ResourceNotFoundException) return null
      throw error
    }
  }
  async function until(stream: string, status: string | null): Promise<void> {
    while (((await describe(stream))?.StreamStatus ?? null) !== status) await sleep(10)
  }

  return {
    endpoint,
    client,
    untilActive: stream => until(stream, 'ACTIVE'),
    async freshStream(stream, shards) {
      const earlier = await describe(stream)
      if (earlier) {
        await client.send(new DeleteStreamCommand({ StreamName: stream }))
        await until(stream, null)
        // Sequence numbers start at the second of a stream's creation, and AWS takes longer than a second to delete one.
        const second = (ms: number) => Math.floor(ms / 1000)
        const earlierMs = earlier.StreamCreationTimestamp?.getTime() ?? 0
        while (second(Date.now()) <= second(earlierMs)) await sleep(10)
      }
      await client.send(new CreateStreamCommand({ StreamName: stream, ShardCount: shards }))
      await until(stream, 'ACTIVE')
    },
  }
}
