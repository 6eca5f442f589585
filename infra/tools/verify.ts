import { spawnSync } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { CloudFormationClient, DescribeStacksCommand } from '@aws-sdk/client-cloudformation'
import { GetTableCommand, KeyspacesClient } from '@aws-sdk/client-keyspaces'
import { InvokeCommand, LambdaClient, ListEventSourceMappingsCommand } from '@aws-sdk/client-lambda'
import {
  DescribeExecutionCommand,
  paginateListStateMachines,
  SFNClient,
  StartExecutionCommand,
} from '@aws-sdk/client-sfn'
import { defaultProvider } from '@aws-sdk/credential-provider-node'
import { SignatureV4 } from '@smithy/signature-v4'
import type { APIGatewayProxyResult } from 'aws-lambda'
import { Sha256 } from '../../functions/adapters/aws/sha256.ts'
import { TABLES } from '../../functions/adapters/row-encoding/tables.ts'
import { runCommand, UsageError } from '../../functions/cli/command.ts'
import { MINUTE_MS, SECOND_MS } from '../../functions/core/time.ts'
import type { ClassStatsRow, Health } from '../../functions/serving/schemas.ts'

/** A check of a deployed stage that tests on a laptop cannot do. docs/not-verified.md lists the checks by name. */
interface Check {
  name: string
  /** @returns what was seen; null if the stage has no such part @throws Error that says what is wrong */
  run(stage: DeployedStage): Promise<string | null>
}

interface DeployedStage {
  name: string
  region: string
  api: string
  /** Null without CloudFront. */
  dashboard: string | null
}

const COUNTED_WITHIN_MS = 30 * SECOND_MS
const BATCH_WITHIN_MS = 40 * MINUTE_MS

export const CHECKS: readonly Check[] = [
  {
    name: 'the tables of Keyspaces are active',
    async run({ name, region }) {
      const client = new KeyspacesClient({ region })
      const states = await Promise.all(
        TABLES.map(async ({ name: tableName }) => {
          const { status } = await client.send(new GetTableCommand({ keyspaceName: `landcover_${name}`, tableName }))
          return [tableName, status] as const
        }),
      )
      const idle = states.filter(([, status]) => status !== 'ACTIVE')
      if (idle.length > 0) throw new Error(idle.map(([table, status]) => `${table} is ${status}`).join(', '))
      return `${states.length} tables`
    },
  },
  {
    name: 'both consumers of the stream are enabled',
    async run({ name, region }) {
      const client = new LambdaClient({ region })
      const seen: string[] = []
      for (const consumer of ['speed', 'archive']) {
        const FunctionName = `landcover-${name}-${consumer}`
        const { EventSourceMappings = [] } = await client.send(new ListEventSourceMappingsCommand({ FunctionName }))
        const [mapping] = EventSourceMappings
        if (mapping?.State !== 'Enabled') throw new Error(`${consumer} is ${mapping?.State ?? 'missing'}`)
        seen.push(`${consumer}: ${mapping.LastProcessingResult}`)
      }
      return seen.join(', ')
    },
  },
  {
    name: 'unsigned events are refused',
    async run({ api }) {
      const { status } = await fetch(`${api}api/events`, { method: 'POST', body: '{}' })
      if (status !== 403) throw new Error(`the answer is ${status}`)
      return 'the answer is 403'
    },
  },
  {
    name: 'reads that bypass CloudFront are refused',
    async run({ api, dashboard }) {
      if (!dashboard) return null
      const { status } = await fetch(`${api}api/health`)
      if (status !== 401 && status !== 403) throw new Error(`the answer is ${status}`)
      return `the answer is ${status}`
    },
  },
  {
    name: 'the function of the allowlist runs in CloudFront',
    async run({ name, region, dashboard }) {
      if (!dashboard) return null
      const allowlist = `landcover-${name}-${region}-allowlist`
      const found = cloudFront<{ ETag: string }>('describe-function', '--name', allowlist, '--stage', 'LIVE')
      if (!found) return null
      const event = JSON.stringify(VIEWER_REQUEST)
      const options = ['--name', allowlist, '--if-match', found.ETag, '--stage', 'LIVE']
      const tested = cloudFront<FunctionTest>('test-function', ...options, '--event-object', base64(event))
      const { FunctionErrorMessage: message, FunctionOutput: output } = tested?.TestResult ?? {}
      if (message || !output) throw new Error(message ?? 'it has no output')
      const { response } = JSON.parse(output) as { response?: { statusCode: number } }
      if (response?.statusCode !== 403) throw new Error(`it lets a viewer with an IPv6 address pass: ${output}`)
      return 'it refuses a viewer with an IPv6 address'
    },
  },
  {
    name: 'a signed event is counted, and only once',
    async run(stage) {
      const before = await imagesOf(stage)
      const [event, key] = [JSON.stringify(someEvent()), randomUUID()]
      const sentMs = Date.now()
      for (let time = 0; time < 3; time++) {
        const { status } = await sendSigned(stage, event, key)
        if (status !== 202) throw new Error(`the answer is ${status}`)
      }
      while ((await imagesOf(stage)) === before) {
        if (Date.now() - sentMs > COUNTED_WITHIN_MS) throw new Error(`not counted within ${COUNTED_WITHIN_MS / 1000} s`)
        await sleep(200)
      }
      const tookMs = Date.now() - sentMs
      await sleep(5 * SECOND_MS)
      const more = (await imagesOf(stage)) - before
      return `${tookMs} ms until it was counted; ${more} more images in total, 1 if nobody else sends`
    },
  },
  {
    name: 'the health is ok',
    async run(stage) {
      const { status, reasons } = (await ask(stage, '/api/health')) as Health
      if (status !== 'ok') throw new Error(reasons.join('; '))
      return status
    },
  },
  {
    name: 'CloudFront serves the dashboard, with its security headers',
    async run({ dashboard }) {
      if (!dashboard) return null
      const response = await fetch(dashboard)
      if (!response.ok) throw new Error(`the answer is ${response.status}`)
      const missing = ['strict-transport-security', 'x-content-type-options', 'x-frame-options'].filter(
        header => !response.headers.has(header),
      )
      if (missing.length > 0) throw new Error(`these headers are missing: ${missing.join(', ')}`)
      return dashboard
    },
  },
  {
    name: 'the state machine publishes a view with Athena',
    async run({ name, region }) {
      const client = new SFNClient({ region })
      const stateMachineArn = await stateMachineNamed(client, `landcover-${name}-batch`)
      const { executionArn } = await client.send(new StartExecutionCommand({ stateMachineArn, input: '{}' }))
      for (const startMs = Date.now(); ; await sleep(2 * SECOND_MS)) {
        const { status, output, error, cause } = await client.send(new DescribeExecutionCommand({ executionArn }))
        if (status === 'SUCCEEDED') return output ?? ''
        if (status !== 'RUNNING') throw new Error(`${error}: ${cause}`)
        if (Date.now() - startMs > BATCH_WITHIN_MS) throw new Error('it is still running')
      }
    },
  },
]

/** CloudFront event of a viewer with an IPv6 address. Every allowlist refuses it. */
const VIEWER_REQUEST = {
  version: '1.0',
  context: { eventType: 'viewer-request' },
  viewer: { ip: '2001:db8::1' },
  request: { method: 'GET', uri: '/', headers: {}, cookies: {}, querystring: {} },
}

interface FunctionTest {
  TestResult: { FunctionErrorMessage?: string; FunctionOutput?: string }
}

const base64 = (text: string) => Buffer.from(text).toString('base64')

/**
 * Calls CloudFront with the AWS CLI.
 *
 * @returns the answer; null if there is no such function @throws Error with what the CLI said
 */
function cloudFront<Answer>(action: string, ...options: string[]): Answer | null {
  const args = ['cloudfront', action, ...options, '--output', 'json']
  const { status, stdout, stderr, error } = spawnSync('aws', args, { encoding: 'utf8' })
  if (error) throw new Error('the AWS CLI (aws) is needed for this check', { cause: error })
  if (stderr.includes('NoSuchFunctionExists')) return null
  if (status !== 0) throw new Error(stderr.trim())
  return JSON.parse(stdout) as Answer
}

/** @returns ARN of a state machine @throws Error if there is none of this name */
async function stateMachineNamed(client: SFNClient, name: string): Promise<string> {
  for await (const { stateMachines = [] } of paginateListStateMachines({ client }, {})) {
    const arn = stateMachines.find(each => each.name === name)?.stateMachineArn
    if (arn) return arn
  }
  throw new Error(`the state machine ${name} does not exist`)
}

/** Sends a GET request as readers do. If we may not read (401, 403), invokes the serving function directly. */
async function ask({ name, region, api, dashboard }: DeployedStage, path: string): Promise<unknown> {
  const response = await fetch((dashboard ?? api).replace(/\/$/, '') + path)
  if (response.ok) return response.json()
  if (response.status !== 401 && response.status !== 403) throw new Error(`${path} answers ${response.status}`)
  const client = new LambdaClient({ region })
  const { Payload } = await client.send(
    new InvokeCommand({
      FunctionName: `landcover-${name}-serving`,
      Payload: JSON.stringify({ httpMethod: 'GET', path, headers: {}, queryStringParameters: null }),
    }),
  )
  const { statusCode, body } = JSON.parse(Buffer.from(Payload ?? []).toString('utf8')) as APIGatewayProxyResult
  if (statusCode !== 200) throw new Error(`${path} answers ${statusCode}`)
  return JSON.parse(body)
}

async function imagesOf(stage: DeployedStage): Promise<number> {
  const rows = (await ask(stage, '/api/class-stats')) as ClassStatsRow[]
  return rows.reduce((sum, { count }) => sum + count, 0)
}

function someEvent() {
  const timestamp = new Date().toISOString()
  return { image_id: `verify-${randomUUID()}`, class_name: 'Forest', ndvi_mean: 0.7, timestamp }
}

async function sendSigned({ api, region }: DeployedStage, body: string, key: string): Promise<Response> {
  const { host, hostname, pathname, protocol, port } = new URL(`${api}api/events`)
  const signer = new SignatureV4({ service: 'execute-api', region, credentials: defaultProvider(), sha256: Sha256 })
  const { headers } = await signer.sign({
    method: 'POST',
    ...{ protocol, hostname, path: pathname, body },
    ...(port && { port: Number(port) }),
    headers: { host, 'content-type': 'application/json', 'idempotency-key': key },
  })
  return fetch(`${api}api/events`, { method: 'POST', headers, body })
}

async function stageOf(name: string, region: string): Promise<DeployedStage> {
  const client = new CloudFormationClient({ region })
  const { Stacks } = await client.send(new DescribeStacksCommand({ StackName: `landcover-${name}-pipeline` }))
  const output = (start: string) =>
    Stacks?.[0]?.Outputs?.find(({ OutputKey }) => OutputKey?.startsWith(start))?.OutputValue ?? null
  const api = output('FrontApiUrl')
  if (!api) throw new Error(`the stack landcover-${name}-pipeline has no output FrontApiUrl`)
  return { name, region, api, dashboard: output('FrontDashboardUrl') }
}

if (import.meta.main) {
  await runCommand(
    {
      usage: 'npm run verify -- --stage NAME',
      summary: 'Checks a deployed stage for what tests on a laptop cannot show. It sends an event.',
      flags: { stage: { type: 'string', value: 'NAME', help: 'Name of the deployed stage' } },
    },
    async ({ stage: name }) => {
      const region = process.env.AWS_REGION
      if (!name) throw new UsageError('--stage is missing: give the name of the stage, such as --stage dev')
      if (!region)
        throw new UsageError('AWS_REGION is not set: set it to the region of the stage, such as eu-central-1')
      const stage = await stageOf(name, region)
      let failed = 0
      for (const { name: what, run } of CHECKS) {
        const seen = await run(stage).catch(error => error as Error)
        if (seen instanceof Error) failed++
        const word = seen instanceof Error ? 'FAILED' : seen === null ? 'absent' : 'ok'
        process.stdout.write(`${word.padEnd(7)} ${what}: ${seen instanceof Error ? seen.message : (seen ?? '')}\n`)
      }
      process.stdout.write(`${CHECKS.length - failed} of ${CHECKS.length} checks passed\n`)
      return failed > 0 ? 1 : 0
    },
  )
}
