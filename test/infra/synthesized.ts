import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Stage } from '../../infra/stages.ts'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))

/** Stages with what each must be told. */
export const STAGES = {
  dev: {},
  prod: { allowlist: '192.0.2.0/24', alarmMail: 'operations@example.org' },
  local: {
    slotMs: '60000',
    rules: 'class-zscore',
    cassandra: 'cassandra://127.0.0.1:9042/landcover',
    athena: 'http://127.0.0.1:8080',
    database: 'archive',
  },
} as const satisfies Record<string, Record<string, string>>
export type StageName = keyof typeof STAGES

/** Everything that is deployed in one of the tests: each stage as it is, and with the other kinds of log. */
export const DEPLOYMENTS = {
  dev: { stage: 'dev', change: {} },
  prod: { stage: 'prod', change: {} },
  local: { stage: 'local', change: {} },
  'prod with readers who sign in': { stage: 'prod', change: { reads: { access: 'cognito' } } },
  'prod read by pages of others': {
    stage: 'prod',
    change: { allowedOrigins: ['https://example.org', 'http://localhost:3000'] },
  },
  'prod read by pages of others, whose readers sign in': {
    stage: 'prod',
    change: { reads: { access: 'cognito' }, allowedOrigins: ['https://example.org'] },
  },
  'dev on MSK': {
    stage: 'dev',
    change: { eventLog: { kind: 'msk', brokers: 2, brokerType: 'kafka.t3.small', diskGb: 10, partitions: 2 } },
  },
  'prod on MSK': {
    stage: 'prod',
    change: { eventLog: { kind: 'msk', brokers: 3, brokerType: 'kafka.m7g.large', diskGb: 100, partitions: 6 } },
  },
  'dev on a Kafka of its own': {
    stage: 'dev',
    change: {
      eventLog: {
        kind: 'kafka',
        brokers: ['b1.example.org:9096', 'b2.example.org:9096'],
        topic: 'image-events',
        secretArn: 'arn:aws:secretsmanager:eu-central-1:123456789012:secret:kafka-AbCdEf',
        network: {
          subnetIds: ['subnet-0123456789abcdef0', 'subnet-0123456789abcdef1'],
          securityGroupId: 'sg-0123456789abcdef0',
        },
      },
    },
  },
} as const satisfies Record<string, { stage: StageName; change: Partial<Stage> }>
export type Deployment = keyof typeof DEPLOYMENTS

export interface Resource {
  Type: string
  Properties: Record<string, unknown>
  DeletionPolicy?: string
}

/** What a stage's app makes, as `cdk synth` would: every rule of cdk-nag has been held against it. */
export interface Synthesized {
  /** Of the validation: 0, or there is a finding without a reason. */
  exitCode: number
  said: string
  /** Resources of both stacks by their logical id. */
  resources: ReadonlyMap<string, Resource>
  /** Bytes of the largest template. */
  largest: number
  /** What would be looked up in an account first. */
  missing: unknown[]
}

export async function synthesize(deployment: Deployment): Promise<Synthesized> {
  const { stage, change } = DEPLOYMENTS[deployment]
  const folder = mkdtempSync(join(tmpdir(), 'landcover-cdk-'))
  const app = spawn(process.execPath, ['test/infra/adapted-app.ts'], {
    cwd: ROOT,
    env: {
      ...process.env,
      CDK_OUTDIR: folder,
      CDK_CONTEXT_JSON: JSON.stringify({ ...contextOfProject(), stage, ...STAGES[stage] }),
      CDK_DEFAULT_ACCOUNT: '123456789012',
      CDK_DEFAULT_REGION: 'eu-central-1',
      STAGE_CHANGE: JSON.stringify(change),
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let said = ''
  for (const stream of [app.stdout, app.stderr]) stream.on('data', (chunk: Buffer) => (said += chunk))
  const [exitCode] = (await once(app, 'close')) as [number]
  const templates = readdirSync(folder)
    .filter(name => name.endsWith('.template.json'))
    .map(name => readFileSync(join(folder, name), 'utf8'))
  const { missing = [] } = JSON.parse(readFileSync(join(folder, 'manifest.json'), 'utf8')) as { missing?: unknown[] }
  rmSync(folder, { recursive: true })
  const resources = templates.flatMap(text =>
    Object.entries((JSON.parse(text) as { Resources: Record<string, Resource> }).Resources),
  )
  const largest = Math.max(...templates.map(text => text.length))
  return { exitCode, said, resources: new Map(resources), largest, missing }
}

function contextOfProject(): object {
  return (JSON.parse(readFileSync(join(ROOT, 'cdk.json'), 'utf8')) as { context: object }).context
}
