import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { AssetStaging } from 'aws-cdk-lib'
import { stageApp } from '../../infra/app.ts'
import { buildBundles, type LogKind } from '../../infra/constructs/bundles.ts'
import { DEPLOYMENTS, type Deployment, type Resource, STAGES, type Synthesis } from './deployments.ts'

const ROOT = join(import.meta.dirname, '../..')
const { context } = JSON.parse(readFileSync(join(ROOT, 'cdk.json'), 'utf8')) as { context: object }

let bundled: LogKind | undefined
async function makeBundlesOnce(log: LogKind): Promise<void> {
  if (log === bundled) return
  await buildBundles(log)
  // The bundles replace those of the other kind of log.
  AssetStaging.clearAssetHashCache()
  bundled = log
}

/** Synthesizes a deployment into a folder, as `cdk synth` does. */
export async function synthesis(deployment: Deployment, outdir: string): Promise<Synthesis> {
  const { stage, change } = DEPLOYMENTS[deployment]
  Object.assign(process.env, {
    CDK_OUTDIR: outdir,
    CDK_CONTEXT_JSON: JSON.stringify({ ...context, stage, ...STAGES[stage] }),
    CDK_DEFAULT_ACCOUNT: '123456789012',
    CDK_DEFAULT_REGION: 'eu-central-1',
  })
  const { exitCode, said } = await outputOf(async () => {
    const app = await stageApp({ adapt: stage => ({ ...stage, ...change }), makeBundles: makeBundlesOnce })
    // Throws after the templates are written, if the validation has a finding.
    app.synth()
  })
  const templates = readdirSync(outdir).filter(name => name.endsWith('.template.json'))
  const texts = new Map(templates.map(name => [name, readFileSync(join(outdir, name), 'utf8')]))
  const { missing = [] } = JSON.parse(readFileSync(join(outdir, 'manifest.json'), 'utf8')) as { missing?: unknown[] }
  const resourcesOf = (text: string) =>
    Object.entries((JSON.parse(text) as { Resources: Record<string, Resource> }).Resources)
  const resources = [...texts.values()].flatMap(resourcesOf)
  const edge = [...texts].flatMap(([name, text]) => (name.includes('-edge-') ? resourcesOf(text) : []))
  return {
    exitCode,
    said,
    resources,
    edge,
    largest: Math.max(...[...texts.values()].map(text => text.length)),
    missing,
  }
}

/** Runs work like a process: captures its output to stdout and stderr, and its exit code. */
async function outputOf(work: () => Promise<void>): Promise<{ exitCode: number; said: string }> {
  let said = ''
  const streams = [process.stdout, process.stderr]
  const writes = streams.map(stream => stream.write)
  for (const stream of streams) {
    stream.write = ((chunk: string | Uint8Array) => {
      said += typeof chunk === 'string' ? chunk : Buffer.from(chunk).toString()
      return true
    }) as typeof stream.write
  }
  process.exitCode = 0
  try {
    await work()
  } catch (error) {
    said += String(error)
    process.exitCode = 1
  } finally {
    streams.forEach((stream, at) => {
      stream.write = writes[at] as typeof stream.write
    })
  }
  return { exitCode: Number(process.exitCode), said }
}
