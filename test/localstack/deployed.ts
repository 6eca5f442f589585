import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readdir, readFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { extname, join, relative } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { CloudFormationClient, DescribeStacksCommand } from '@aws-sdk/client-cloudformation'
import { InvokeCommand, LambdaClient } from '@aws-sdk/client-lambda'
import {
  DeleteObjectsCommand,
  GetObjectCommand,
  ListBucketsCommand,
  ListObjectsV2Command,
  ListObjectVersionsCommand,
  NoSuchKey,
  PutObjectCommand,
  S3Client,
} from '@aws-sdk/client-s3'
import { DescribeExecutionCommand, SFNClient, StartExecutionCommand } from '@aws-sdk/client-sfn'
import { namesOf } from '../../infra/names.ts'
import { ACCOUNT, type LocalStack, REGION } from './localstack.ts'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))
const SITE = join(ROOT, 'web/dist')
const STAGE = 'local'

/** Resource types that LocalStack accepts but does not create. Nothing that the test checks may depend on them. */
const NOT_THERE = [
  'Custom::S3AutoDeleteObjects',
  'AWS::CloudWatch::Dashboard',
  'AWS::Logs::MetricFilter',
  'AWS::Logs::QueryDefinition',
  'Custom::AWSCDKOpenIdConnectProvider',
]

export const NAMES = namesOf({ name: STAGE }, ACCOUNT, REGION)

/** Runs the `cdk` command on a LocalStack. @returns its output @throws Error with its output if it fails */
export async function cdk(localStack: LocalStack, args: readonly string[]): Promise<string> {
  const child = spawn(process.execPath, [join(ROOT, 'node_modules/aws-cdk/bin/cdk'), ...args], {
    cwd: ROOT,
    env: {
      ...process.env,
      ...localStack.environment,
      PATH: `${join(process.execPath, '..')}:${process.env.PATH}`,
      CDK_DISABLE_CLI_TELEMETRY: 'true',
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let said = ''
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => (said += chunk))
  const [code] = await once(child, 'close')
  if (code !== 0) throw new Error(`cdk ${args.join(' ')} ended with ${code}:\n${said.slice(-6000)}`)
  return said
}

/** Resource types that a LocalStack has skipped, except the known ones. */
export async function passedOver(localStack: LocalStack): Promise<string[]> {
  const log = await localStack.log()
  const kinds = log.matchAll(/No resource provider found for "?([\w:]+)/g).map(([, kind]) => kind as string)
  return [...new Set(kinds)].filter(kind => !NOT_THERE.includes(kind)).sort()
}

export interface Answer {
  status: number
  type: string | null
  body: string
}

/** Deployed system, seen from outside. */
export function deployedSystem(localStack: LocalStack) {
  const settings = { endpoint: localStack.endpoint, region: REGION }
  const functions = new LambdaClient(settings)
  const s3 = new S3Client({ ...settings, forcePathStyle: true })
  const states = new SFNClient(settings)
  return {
    s3,
    ...deployedApi(localStack),
    ...deployedBuckets(s3),
    /** @returns the answer of the function @throws Error with the function's own error */
    async invoke(name: string, payload: object = {}): Promise<unknown> {
      const answer = await functions.send(
        new InvokeCommand({ FunctionName: `landcover-${STAGE}-${name}`, Payload: JSON.stringify(payload) }),
      )
      const text = Buffer.from(answer.Payload ?? []).toString()
      if (answer.FunctionError) throw new Error(`${name} failed: ${text}`)
      return JSON.parse(text || 'null')
    },
    /** Runs the state machine of the batch layer until it ends. */
    async runBatch(): Promise<{ status: string; output: string }> {
      const stateMachineArn = `arn:aws:states:${REGION}:${ACCOUNT}:stateMachine:landcover-${STAGE}-batch`
      const { executionArn } = await states.send(new StartExecutionCommand({ stateMachineArn, input: '{}' }))
      for (;;) {
        const { status, output, error, cause } = await states.send(new DescribeExecutionCommand({ executionArn }))
        if (status !== 'RUNNING') return { status: String(status), output: output ?? `${error}: ${cause}` }
        await sleep(250)
      }
    },
    close() {
      for (const client of [functions, s3, states]) client.destroy()
    },
  }
}

/** The API of the deployed system. */
function deployedApi({ endpoint }: LocalStack) {
  async function apiUrl(): Promise<string> {
    const client = new CloudFormationClient({ endpoint, region: REGION })
    const { Stacks } = await client.send(new DescribeStacksCommand({ StackName: `landcover-${STAGE}-pipeline` }))
    client.destroy()
    const url = Stacks?.[0]?.Outputs?.find(({ OutputKey }) => OutputKey?.startsWith('FrontApiUrl'))?.OutputValue ?? ''
    // No DNS knows its host name. LocalStack serves the same under a path.
    const id = /^https?:\/\/([a-z0-9]+)\./.exec(url)?.[1] ?? /restapis\/([a-z0-9]+)/.exec(url)?.[1]
    return `${endpoint}/_aws/execute-api/${id}/v1`
  }

  let api: Promise<string> | undefined
  /** Answer of the API, with any status. */
  async function ask(path: string, request?: RequestInit): Promise<Answer> {
    api ??= apiUrl()
    const response = await fetch((await api) + path, request)
    return { status: response.status, type: response.headers.get('content-type'), body: await response.text() }
  }

  return {
    ask,
    apiUrl,
    async get<Body>(path: string): Promise<Body> {
      const { status, body } = await ask(path)
      if (status !== 200) throw new Error(`${path} answered ${status}: ${body}`)
      return JSON.parse(body) as Body
    },
  }
}

/** The buckets of the deployed system. */
function deployedBuckets(s3: S3Client) {
  return {
    async keysOf(bucket: string, Prefix: string): Promise<string[]> {
      const { Contents = [] } = await s3.send(new ListObjectsV2Command({ Bucket: bucket, Prefix }))
      return Contents.map(({ Key }) => Key as string)
    },
    /** Uploads the page. CDK's function would do this, but does not run here. */
    async uploadSite(): Promise<void> {
      for (const file of await readdir(SITE, { recursive: true, withFileTypes: true })) {
        if (!file.isFile()) continue
        const path = join(file.parentPath, file.name)
        const Key = relative(SITE, path)
        await s3.send(new PutObjectCommand({ Bucket: NAMES.siteBucket, Key, Body: await readFile(path) }))
      }
    },
    /** Empties the buckets. CDK's function would do this, but does not run here. */
    async emptyBuckets(): Promise<void> {
      const { Buckets = [] } = await s3.send(new ListBucketsCommand({}))
      const ours = new Set<string | undefined>([NAMES.bucket, NAMES.siteBucket, NAMES.logBucket])
      for (const Bucket of Buckets.map(({ Name }) => Name).filter(name => ours.has(name))) {
        for (;;) {
          const { Versions = [], DeleteMarkers = [] } = await s3.send(new ListObjectVersionsCommand({ Bucket }))
          const Objects = [...Versions, ...DeleteMarkers].map(({ Key, VersionId }) => ({ Key, VersionId }))
          if (Objects.length === 0) break
          await s3.send(new DeleteObjectsCommand({ Bucket, Delete: { Objects } }))
        }
      }
    },
  }
}
export type DeployedSystem = ReturnType<typeof deployedSystem>

const TYPES: Record<string, string> = {
  '.html': 'text/html',
  '.js': 'text/javascript',
  '.css': 'text/css',
  '.svg': 'image/svg+xml',
}

/** Stand-in for CloudFront, which LocalStack does not have: serves the page's bucket and the API on one origin. */
export async function startDistribution({ s3, ask }: DeployedSystem): Promise<{ url: string; close(): void }> {
  async function answerTo(path: string): Promise<{ status: number; type: string; body: Uint8Array | string }> {
    if (path.startsWith('/api/')) {
      const { status, type, body } = await ask(path)
      return { status, type: type ?? '', body }
    }
    const Key = path === '/' ? 'index.html' : path.slice(1)
    try {
      const { Body } = await s3.send(new GetObjectCommand({ Bucket: NAMES.siteBucket, Key }))
      const body = (await Body?.transformToByteArray()) ?? ''
      return { status: 200, type: TYPES[extname(Key)] ?? 'application/octet-stream', body }
    } catch (error) {
      if (error instanceof NoSuchKey) return { status: 404, type: 'text/plain', body: '' }
      throw error
    }
  }

  const server = createServer(async (request, response) => {
    const { status, type, body } = await answerTo(request.url ?? '/')
    response.writeHead(status, { 'Content-Type': type }).end(body)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    close: () => void server.close(),
  }
}

/**
 * Kills the processes in which a function runs, like a crash in the middle of a batch.
 *
 * @returns the number of processes
 */
export async function crash(name: string): Promise<number> {
  let killed = 0
  for (const pid of (await readdir('/proc')).filter(entry => /^\d+$/.test(entry))) {
    const environment = await readFile(`/proc/${pid}/environ`, 'utf8').catch(() => '')
    if (!environment.split('\0').includes(`AWS_LAMBDA_FUNCTION_NAME=landcover-${STAGE}-${name}`)) continue
    process.kill(Number(pid), 'SIGKILL')
    killed += 1
  }
  return killed
}
