import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

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
}

export async function synthesize(stage: StageName): Promise<Synthesized> {
  const folder = mkdtempSync(join(tmpdir(), 'landcover-cdk-'))
  const app = spawn(process.execPath, ['infra/app.ts'], {
    cwd: ROOT,
    env: {
      ...process.env,
      CDK_OUTDIR: folder,
      CDK_CONTEXT_JSON: JSON.stringify({ ...contextOfProject(), stage, ...STAGES[stage] }),
      CDK_DEFAULT_ACCOUNT: '123456789012',
      CDK_DEFAULT_REGION: 'eu-central-1',
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let said = ''
  for (const stream of [app.stdout, app.stderr]) stream.on('data', (chunk: Buffer) => (said += chunk))
  const [exitCode] = (await once(app, 'close')) as [number]
  const templates = readdirSync(folder)
    .filter(name => name.endsWith('.template.json'))
    .map(name => readFileSync(join(folder, name), 'utf8'))
  rmSync(folder, { recursive: true })
  const resources = templates.flatMap(text =>
    Object.entries((JSON.parse(text) as { Resources: Record<string, Resource> }).Resources),
  )
  const largest = Math.max(...templates.map(text => text.length))
  return { exitCode, said, resources: new Map(resources), largest }
}

function contextOfProject(): object {
  return (JSON.parse(readFileSync(join(ROOT, 'cdk.json'), 'utf8')) as { context: object }).context
}
