import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { openFolderObjectStore } from '../../functions/adapters/files/object-store.ts'
import { encodeIncidents, incidentsKey } from '../../functions/batch/incidents-file.ts'
import type { Incident } from '../../functions/core/incidents/incident.ts'
import { someEvents } from '../support/events-csv.ts'
import { emptyState } from '../support/imported.ts'
import { openIncident } from '../support/incidents.ts'
import { eventually, run, startSystem } from '../support/landcover.ts'
import { type PagerEvent, servePagerDuty, serveSlack, serveWebhook } from '../support/receiver-servers.ts'

const KEY = Buffer.alloc(32, 7)
const ENVIRONMENT = { PAGER: 'a'.repeat(32), SIGNING: `whsec_${KEY.toString('base64')}` }

async function open(receivers: Record<string, object>, incidents: Incident[] | null = null) {
  const { folder, state } = await emptyState()
  const file = join(folder, 'alerts.json')
  writeFileSync(file, JSON.stringify({ receivers }))
  const objects = openFolderObjectStore(join(state, 'objects'))
  const put = async (revision: number, of: Incident[]) => {
    const judged = { looksDigest: `${revision}`, looks: 9, sites: 2, judgedSites: 2, skipped: null }
    await objects.put(incidentsKey(revision), encodeIncidents({ ...judged, revision, incidents: of }))
  }
  if (incidents) await put(1, incidents)
  const flags = ['--alerts', file, '--state', state]
  return {
    file,
    state,
    put,
    alerts: (...more: string[]) => run('functions/cli/alerts.ts', [...flags, ...more], ENVIRONMENT).finished,
  }
}

it('npm run alerts -- --test sends a message to one receiver; an incident of PagerDuty is resolved again', async () => {
  const pager = await servePagerDuty()
  const program = await serveWebhook(KEY, Date.now)
  const { alerts } = await open({
    pager: { type: 'pagerduty', routing_key: 'env:PAGER', url: pager.url },
    program: { type: 'webhook', url: program.url, secret: 'env:SIGNING' },
  })
  expect(await alerts('--test', 'pager')).toMatchObject({
    ...{ code: 0, stderr: '', stdout: 'A test message was sent to pager.\nIt was resolved again.\n' },
  })
  const events = pager.taken as unknown as PagerEvent[]
  expect(events.map(({ event_action }) => event_action)).toEqual(['trigger', 'resolve'])
  expect(new Set(events.map(({ dedup_key }) => dedup_key)).size).toBe(1)
  expect(program.taken).toEqual([])
  expect(await alerts('--test', 'program')).toMatchObject({ code: 0, stdout: 'A test message was sent to program.\n' })
  expect(JSON.stringify(program.taken)).toContain('test-message-of-landcover')
  program.troubles.push({ status: 404, body: 'gone' })
  expect(await alerts('--test', 'program')).toMatchObject({
    ...{
      code: 1,
      stdout: '',
      stderr: expect.stringMatching(/^the test message was not taken: .* answered 404: gone\n$/),
    },
  })
  expect(await alerts('--test', 'pagr')).toMatchObject({
    ...{ code: 2, stderr: "--test: there is no receiver 'pagr'; there are pager, program\nSee --help.\n" },
  })
})

it('npm run alerts -- --dry-run prints what would have been sent, and sends nothing', async () => {
  const slack = await serveSlack(Date.now)
  const incident = openIncident({ opened_at: '2026-11-10T00:00:00.000Z', from_import: true })
  const { alerts } = await open({ program: { type: 'webhook', url: slack.url, secret: 'env:SIGNING' } }, [incident])
  const { code, stdout, stderr } = await alerts('--dry-run', '--until', '2026-11-20')
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
  const [first, second, third, , last] = stdout.split('\n')
  expect(first).toBe('2026-11-10T00:00:00.000Z to program')
  expect(second).toMatch(/^ {2}New: site stand-1 \(Forest\) changed, NDVI -0\.15 \[warning\]\. NDVI of site/)
  expect(third).toBe('2026-11-17T00:00:00.000Z to program')
  expect(last).toBe('2 posts would have been sent from 2026-10-20 to 2026-11-20; nothing was sent.')
  expect(slack.requests).toEqual([])
})

it('npm run alerts says what is missing', async () => {
  const { alerts, file } = await open({ team: { type: 'slack', url: 'env:NONE' } })
  const { alerts: withoutIncidents } = await open({
    p: { type: 'webhook', url: 'https://x.org', secret: 'env:SIGNING' },
  })
  expect(await alerts()).toMatchObject({ code: 2, stderr: expect.stringContaining('--test RECEIVER, or --dry-run') })
  expect(await alerts('--dry-run', '--until', 'soon')).toMatchObject({
    code: 2,
    stderr: expect.stringMatching(/^--until: 'soon' is not a time/),
  })
  expect(await alerts('--dry-run')).toMatchObject({
    ...{ code: 2, stderr: `--alerts: ${file}: receivers.team.url: the variable NONE is not set\nSee --help.\n` },
  })
  expect(await withoutIncidents('--dry-run')).toMatchObject({
    code: 1,
    stderr: expect.stringMatching(/^there are no incidents yet/),
  })
})

it('npm start -- --alerts reports each incident once, across a restart, while another receiver is down and events count', async () => {
  const program = await serveWebhook(KEY, Date.now)
  const gone = await serveWebhook(KEY, Date.now)
  await gone.close()
  const { state, file, put } = await open(
    {
      program: { type: 'webhook', url: program.url, secret: 'env:SIGNING' },
      gone: { type: 'webhook', url: gone.url, secret: 'env:SIGNING' },
    },
    [openIncident()],
  )
  const system = await startSystem(state, ['--alerts', file], ENVIRONMENT)
  await eventually(
    async () => program.taken.length,
    count => count === 1,
  )
  await eventually(system.health, ({ reasons }) => JSON.stringify(reasons).includes('Telling gone'))
  const body = someEvents(3)
    .map(event => JSON.stringify(event))
    .join('\n')
  await fetch(`${system.url}/api/events`, { method: 'POST', headers: { 'Content-Type': 'application/x-ndjson' }, body })
  await eventually(system.classStats, rows => rows.reduce((sum, { count }) => sum + count, 0) === 3)
  expect(await system.interrupt()).toMatchObject({ code: 0 })
  await put(2, [openIncident({ state: 'recovered', closed_at: new Date().toISOString() })])
  await startSystem(state, ['--alerts', file], ENVIRONMENT)
  await eventually(
    async () => program.taken.length,
    count => count === 2,
  )
  expect(program.requests).toHaveLength(2)
  expect(program.taken).toMatchObject([
    { data: { messages: [{ kind: 'opened', thread: 'a' }] } },
    { data: { messages: [{ kind: 'ended', thread: 'a' }] } },
  ])
})

it('decisions are stored over HTTP, shown to everybody and sent to receivers; a mute silences messages until it ends', async () => {
  const pager = await servePagerDuty()
  const { state, file, put } = await open(
    { pager: { type: 'pagerduty', routing_key: 'env:PAGER', url: pager.url } },
    [],
  )
  const first = await startSystem(state, ['--alerts', file], ENVIRONMENT)
  const post = async (url: string, value: object) => {
    const headers = { 'Content-Type': 'application/json' }
    const response = await fetch(url, { method: 'POST', headers, body: JSON.stringify(value) })
    return response.status
  }
  expect(
    await post(`${first.url}/api/mutes`, { class: 'Forest', until: '2999-01-01T00:00:00Z', reason: 'works' }),
  ).toBe(201)
  // The same round decides on both: when River is told, Forest was not due.
  await put(2, [openIncident(), openIncident({ id: 'b', class_name: 'River' })])
  expect(await first.get('/api/incidents')).toMatchObject([
    { id: 'a', muted_until: '2999-01-01T00:00:00.000Z' },
    { id: 'b', muted_until: null },
  ])
  await first.interrupt()
  const second = await startSystem(state, ['--alerts', file], ENVIRONMENT)
  await eventually(
    async () => pager.taken.length,
    count => count === 1,
  )
  expect(await post(`${second.url}/api/mutes/1/end`, { by: 'Ann' })).toBe(201)
  await second.interrupt()
  const third = await startSystem(state, ['--alerts', file], ENVIRONMENT)
  await eventually(
    async () => pager.taken.length,
    count => count === 2,
  )
  expect(await post(`${third.url}/api/incidents/a/decisions`, { kind: 'acknowledge', by: 'Ann' })).toBe(201)
  expect(await third.get('/api/incidents')).toMatchObject([{ acknowledged_by: 'Ann', muted_until: null }, {}])
  await third.interrupt()
  await startSystem(state, ['--alerts', file], ENVIRONMENT)
  await eventually(
    async () => pager.taken.length,
    count => count === 3,
  )
  const events = pager.taken as unknown as PagerEvent[]
  expect(events.map(({ event_action, dedup_key }) => `${event_action} ${dedup_key}`)).toEqual([
    'trigger b',
    'trigger a',
    'acknowledge a',
  ])
})

it('npm start refuses an alerts.json that is wrong', async () => {
  const { state, file } = await open({ team: { type: 'slack', url: 'env:NONE' } })
  const { code, stderr } = await run('functions/cli/start.ts', ['--state', state, '--port', '0', '--alerts', file])
    .finished
  expect({ code, stderr }).toEqual({
    code: 2,
    stderr: `--alerts: ${file}: receivers.team.url: the variable NONE is not set\nSee --help.\n`,
  })
})
