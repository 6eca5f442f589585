import { spawnSync } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { prometheusMetrics } from '../../functions/adapters/prometheus/metrics.ts'
import { healthGauges } from '../../functions/runtime/local/probes.ts'
import { scraped } from '../support/scraped.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'

const FOLDER = join(import.meta.dirname, '../../infra/monitoring')
const RULES = readFileSync(join(FOLDER, 'rules.yaml'), 'utf8')
const RUNBOOK = readFileSync(join(import.meta.dirname, '../../docs/operate.md'), 'utf8')

interface Dashboard {
  panels: { title: string; description: string; targets: { expr: string }[]; gridPos: Record<'x' | 'w', number> }[]
}
const dashboard = JSON.parse(readFileSync(join(FOLDER, 'dashboard.json'), 'utf8')) as Dashboard
const dashboardExpressions = dashboard.panels.flatMap(({ targets }) => targets.map(({ expr }) => expr))

/** Names of the samples that a system exports, also those of histograms and of health. */
async function exportedNames(): Promise<Set<string>> {
  const health = async () => ({ statusCode: 200, headers: {}, body: '{"status":"ok","speed":{"lag_ms":1}}' })
  const metrics = prometheusMetrics(
    'landcover',
    healthGauges(() => health),
  )
  const { types } = scraped((await metrics.text()).body)
  const names = [...types].flatMap(([name, type]) =>
    type === 'histogram' ? [`${name}_bucket`, `${name}_sum`, `${name}_count`] : [name],
  )
  return new Set([...names, 'up'])
}

/** Metrics in expressions: a name before its labels, a range, or an operator. Functions have a bracket after them. */
const metricsIn = (text: string) =>
  Array.from(text.matchAll(/\b(landcover_\w+|process_\w+|nodejs_\w+|up)\b(?!\()/g), ([name]) => name)

describe('the rules and the dashboard', () => {
  it('name only metrics that a system exports', async () => {
    const exported = await exportedNames()
    const ruled = Array.from(RULES.matchAll(/expr: (?:>-\n +)?(.+)/g), ([, expression]) => expression as string)
    expect(ruled).toHaveLength(RULES.match(/- alert:/g)?.length ?? 0)
    for (const expression of [...ruled, ...dashboardExpressions]) {
      const names = metricsIn(expression)
      expect(names.length, expression).toBeGreaterThan(0)
      for (const name of names) expect([...exported], expression).toContain(name)
    }
  })

  it('show each metric of the system', async () => {
    const shown = new Set(dashboardExpressions.flatMap(metricsIn))
    expect([...shown].length).toBeGreaterThan(12)
    for (const { title, description } of dashboard.panels) expect(description, title).not.toBe('')
    for (const { title, gridPos } of dashboard.panels) expect(gridPos.x + gridPos.w, title).toBeLessThanOrEqual(24)
  })

  it('lead from each alert to its entry in the runbook', () => {
    const alerts = Array.from(RULES.matchAll(/- alert: (\w+)/g), ([, name]) => name as string)
    const links = Array.from(RULES.matchAll(/runbook: docs\/operate\.md#(\w+)/g), ([, anchor]) => anchor)
    expect(links).toEqual(alerts.map(name => name.toLowerCase()))
    for (const name of alerts) expect(RUNBOOK).toContain(`\n### ${name}\n`)
  })
})

/** Tool of Prometheus: apt-get install prometheus. */
const hasPromtool = spawnSync('promtool', ['--version']).status === 0

describe.skipIf(!hasPromtool)('promtool', () => {
  const promtool = (...args: string[]) => {
    const { status, stdout, stderr } = spawnSync('promtool', args, { cwd: FOLDER, encoding: 'utf8' })
    return { status, said: stdout + stderr }
  }

  it('finds the rules right, and that they are raised when they must be', () => {
    expect(promtool('check', 'rules', '--lint-fatal', 'rules.yaml')).toMatchObject({ status: 0 })
    expect(promtool('test', 'rules', 'rules.test.yaml')).toMatchObject({ status: 0 })
  })

  it('tests each of the rules', () => {
    const tested = readFileSync(join(FOLDER, 'rules.test.yaml'), 'utf8')
    for (const [, name] of RULES.matchAll(/- alert: (\w+)/g)) {
      expect(tested).toMatch(new RegExp(`alertname: ${name}\\n +exp_alerts:\\n`))
    }
  })

  it('understands each expression of the dashboard', () => {
    const rules = dashboardExpressions.map((expression, at) => ({
      record: `shown:${at}`,
      expr: expression.replaceAll('$__rate_interval', '5m'),
    }))
    const file = join(temporaryFolder(), 'dashboard.yaml')
    writeFileSync(file, JSON.stringify({ groups: [{ name: 'dashboard', rules }] }))
    expect(promtool('check', 'rules', file)).toMatchObject({ status: 0 })
  })
})
