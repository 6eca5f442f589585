import { spawnSync } from 'node:child_process'
import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { EDGE_REGION, REGIONS } from '../../infra/regions.ts'
import { DEPLOYMENTS, type Deployment } from './deployments.ts'
import { synthesis } from './synthesis.ts'

/**
 * Checks the templates of all deployments on AWS with cfn-lint, in every region in which a stage can be deployed. The edge
 * stack is always in the same region. The command is `cfn-lint`, or $CFN_LINT.
 */

/** Findings that are not faults: CDK writes some dependencies that are there already. */
const ACCEPTED = ['W3005']
const command = process.env.CFN_LINT ?? 'cfn-lint'

/** @returns what cfn-lint said; nothing if it has no finding */
function lint(templates: readonly string[], regions: readonly string[]): string {
  if (templates.length === 0) return ''
  const args = ['--ignore-checks', ...ACCEPTED, '--regions', ...regions, '--', ...templates]
  const { status, stdout, stderr, error } = spawnSync(command, args, { encoding: 'utf8' })
  if (error) throw new Error(`${command} did not start: pip install cfn-lint`, { cause: error })
  return status === 0 ? '' : `${stdout}${stderr}`
}

const folder = mkdtempSync(join(tmpdir(), 'landcover-templates-'))
let said = ''
for (const deployment of (Object.keys(DEPLOYMENTS) as Deployment[]).filter(name => name !== 'local')) {
  const outdir = join(folder, deployment)
  await synthesis(deployment, outdir)
  const templates = readdirSync(outdir).filter(name => name.endsWith('.template.json'))
  const isEdge = (name: string) => name.includes('-edge-')
  const paths = (names: string[]) => names.map(name => join(outdir, name))
  const findings =
    lint(paths(templates.filter(name => !isEdge(name))), REGIONS) + lint(paths(templates.filter(isEdge)), [EDGE_REGION])
  process.stdout.write(`${findings === '' ? 'ok' : 'FAILED'} ${deployment}: ${templates.length} templates\n${findings}`)
  said += findings
}
rmSync(folder, { recursive: true })
// Otherwise CDK would synthesize every app again at exit, into a folder that was deleted.
process.exit(said === '' ? 0 : 1)
