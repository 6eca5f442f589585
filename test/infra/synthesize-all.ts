import { mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { DEPLOYMENTS, type Deployment, fileOf } from './deployments.ts'
import { synthesis } from './synthesis.ts'

/**
 * Synthesizes all deployments into a folder, one after the other in one process. Starting CDK takes longer than each of
 * them, and each bundle is built only once.
 */

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
