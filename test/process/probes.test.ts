import { spawn, spawnSync } from 'node:child_process'
import { readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it, onTestFinished } from 'vitest'
import { someEvents } from '../support/events-csv.ts'
import { eventually, startSystem, totalCount } from '../support/landcover.ts'
import { freePorts } from '../support/ports.ts'
import { scraped } from '../support/scraped.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'

/** Prometheus: apt-get install prometheus. */
const hasPrometheus = spawnSync('prometheus', ['--version']).status === 0

const post = (url: string, body: string) =>
  fetch(`${url}/api/events`, { method: 'POST', headers: { 'Content-Type': 'application/x-ndjson' }, body })

/** Expressions of the page's table of alerts. */
function alertExpressions(): string[] {
  const page = readFileSync(new URL('../../docs/monitoring.md', import.meta.url), 'utf8')
  const [, section = ''] = page.split('## Alert on it')
  return Array.from(section.matchAll(/^\| `([^`]+)`/gm), ([, expression]) => expression as string)
}

async function startWithEvents(count: number) {
  const state = join(temporaryFolder(), 'state')
  const system = await startSystem(state, ['--slot', '1s'])
  const body = someEvents(count).map(event => JSON.stringify(event))
  expect((await post(system.url, body.join('\n'))).status).toBe(202)
  await eventually(system.classStats, rows => totalCount(rows) === count)
  return { system, state }
}

it('a running system is live and ready, and its metrics agree with its totals', async () => {
  const { system } = await startWithEvents(300)
  for (const path of ['/livez', '/readyz']) expect((await fetch(system.url + path)).status, path).toBe(200)
  const scrape = async () => {
    const response = await fetch(`${system.url}/metrics`)
    expect(response.headers.get('content-type')).toBe('text/plain; version=0.0.4; charset=utf-8')
    return scraped(await response.text())
  }
  // Metrics of the archive's thread, of the batch run and of the compaction come, too.
  const { value } = await eventually(
    scrape,
    now => now.value('landcover_events_total') === 300 && now.value('landcover_cutAgeMs') !== undefined,
  )
  expect(value('landcover_counted_total')).toBe(300)
  expect(value('landcover_lost_total')).toBe(0)
  expect(value('landcover_compactionBehindMs')).toBe(0)
  expect(value('landcover_endToEndDelayMs_count')).toBeGreaterThan(0)
  await eventually(scrape, now => now.value('landcover_degraded') === 0 && now.value('landcover_lagMs') !== undefined)
})

it.skipIf(!hasPrometheus)('Prometheus scrapes a running system', async () => {
  const { system } = await startWithEvents(120)
  const [port] = await freePorts(1)
  const folder = temporaryFolder()
  const { host } = new URL(system.url)
  const scrape = { job_name: 'landcover', scrape_interval: '1s', static_configs: [{ targets: [host] }] }
  writeFileSync(join(folder, 'prometheus.yml'), JSON.stringify({ scrape_configs: [scrape] }))
  const prometheus = spawn('prometheus', [
    `--config.file=${join(folder, 'prometheus.yml')}`,
    `--storage.tsdb.path=${join(folder, 'data')}`,
    `--web.listen-address=127.0.0.1:${port}`,
  ])
  const ended = new Promise(resolve => prometheus.once('exit', resolve))
  onTestFinished(async () => {
    prometheus.kill('SIGKILL')
    await ended
    rmSync(folder, { recursive: true, force: true })
  })
  const query = async (text: string) => {
    const url = `http://127.0.0.1:${port}/api/v1/query?query=${encodeURIComponent(text)}`
    const answer = await fetch(url).catch(() => undefined)
    if (!answer?.ok) return
    const { data } = (await answer.json()) as { data: { result: { value: [number, string] }[] } }
    return data.result[0]?.value[1] ?? null
  }
  await eventually(
    () => query('landcover_counted_total{consumer="speed"}'),
    value => value === '120',
  )
  expect(await query('up{job="landcover"}')).toBe('1')
  const expressions = alertExpressions()
  expect(expressions.length).toBeGreaterThan(4)
  // Each is understood, and none is raised by a system without faults.
  await eventually(
    () => Promise.all(expressions.map(query)),
    values => values.every(value => value === null),
  )
})
