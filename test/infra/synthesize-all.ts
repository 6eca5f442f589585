import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { AssetStaging } from 'aws-cdk-lib'
import { stageApp } from '../../infra/app.ts'
import { buildBundles, type LogKind } from '../../infra/constructs/bundles.ts'
import { DEPLOYMENTS, type Deployment, fileOf, type Resource, STAGES, type Synthesis } from './deployments.ts'

/**
 * Synthesizes all deployments into a folder, one after the other in one process. Starting CDK takes longer than each of
 * them, and each bundle is built only once.
 */

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

async function synthesis(deployment: Deployment, outdir: string): Promise<Synthesis> {
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
  const templates = readdirSync(outdir)
    .filter(name => name.endsWith('.template.json'))
    .map(name => readFileSync(join(outdir, name), 'utf8'))
  const { missing = [] } = JSON.parse(readFileSync(join(outdir, 'manifest.json'), 'utf8')) as { missing?: unknown[] }
  const resources = templates.flatMap(text =>
    Object.entries((JSON.parse(text) as { Resources: Record<string, Resource> }).Resources),
  )
  return { exitCode, said, resources, largest: Math.max(...templates.map(text => text.length)), missing }
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

const [folder] = process.argv.slice(2) as [string]
for (const deployment of Object.keys(DEPLOYMENTS) as Deployment[]) {
  const outdir = join(folder, 'cdk.out')
  mkdirSync(outdir)
  const part = join(folder, 'part')
  writeFileSync(part, JSON.stringify(await synthesis(deployment, outdir)))
  renameSync(part, join(folder, fileOf(deployment)))
  rmSync(outdir, { recursive: true })
}
// Otherwise CDK would synthesize every app again at exit, into a folder that was deleted.
process.exit(0)
