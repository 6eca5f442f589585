import type { APIGatewayProxyEvent } from 'aws-lambda'
import { expect, it } from 'vitest'
import { encodeIncidents, incidentsKey } from '../../functions/batch/incidents-file.ts'
import type { Incident } from '../../functions/core/incidents/incident.ts'
import { formatTimestamp, HOUR_MS } from '../../functions/core/time.ts'
import { openDecisions } from '../../functions/decisions/stored-decisions.ts'
import { DecisionRow, MuteRow } from '../../functions/serving/decision-schemas.ts'
import { servingHandler } from '../../functions/serving/handler.ts'
import { IncidentRow } from '../../functions/serving/incident-schemas.ts'
import { collectingLogger, NOON_MS } from '../support/factories.ts'
import { openOneLane } from '../support/one-lane.ts'
import { incidentRow } from '../web/factories.ts'

async function openApi(...incidents: Incident[]) {
  const { pipeline } = await openOneLane({ slotMs: HOUR_MS })
  const found = { looksDigest: 'x', looks: 9, sites: 2, judgedSites: 2, skipped: null }
  const put = (revision: number, of: Incident[]) =>
    pipeline.objects.put(incidentsKey(revision), encodeIncidents({ ...found, revision, incidents: of }))
  if (incidents.length > 0)
    for (const [revision, of] of [
      [9, []],
      [10, incidents],
    ] as const)
      await put(revision, [...of])
  const handler = servingHandler({ ...pipeline.serving, logger: collectingLogger() })
  const decisions = openDecisions(pipeline.objects)
  const ask = async (query: Record<string, string> | null = null, path = '/api/incidents') => {
    const event = { httpMethod: 'GET', path, headers: {}, queryStringParameters: query }
    const { statusCode: status, body } = await handler(event as unknown as APIGatewayProxyEvent)
    return { status, body }
  }
  const allowedAt = async (path: string) => {
    const { statusCode, headers } = await handler({ httpMethod: 'PUT', path, headers: {} } as APIGatewayProxyEvent)
    return [statusCode, headers?.Allow]
  }
  return Object.assign(ask, { decisions, allowedAt })
}

const OPEN = incidentRow({ id: 'open' })
const ENDED = incidentRow({ id: 'ended', site_id: 'b', class_name: 'River', closed_at: '2026-11-20T00:00:00.000Z' })

it('answers no incidents before the first view that has looks', async () => {
  const ask = await openApi()
  expect(await ask()).toMatchObject({ status: 200, body: '[]' })
})

it('answers the incidents of the newest view, of a state, class and site, and as CSV', async () => {
  const ask = await openApi(OPEN, ENDED)
  const ids = async (query: Record<string, string> | null = null) =>
    IncidentRow.array()
      .parse(JSON.parse((await ask(query)).body))
      .map(({ id }) => id)
  expect(await ids()).toEqual(['open', 'ended'])
  expect(await ids({ state: 'open' })).toEqual(['open'])
  expect(await ids({ state: 'ended' })).toEqual(['ended'])
  expect(await ids({ class: 'River' })).toEqual(['ended'])
  expect(await ids({ site: 'stand-03' })).toEqual(['open'])
  expect(await ids({ limit: '1' })).toEqual(['open'])
  expect((await ask({ format: 'csv' })).body.split('\r\n')[1]).toMatch(
    /^open,site-change,,Forest,stand-03,confirmed,error,/,
  )
})

it('refuses a state or class that does not exist', async () => {
  const ask = await openApi(OPEN)
  expect(await ask({ state: 'closed' })).toMatchObject({ status: 400 })
  expect(JSON.parse((await ask({ state: 'closed' })).body).detail).toBe('state: must be one of open, ended, all')
  expect(await ask({ class: 'Forrest' })).toMatchObject({ status: 404 })
})

it('answers the assigned person of an incident, the decisions about it, and mutes', async () => {
  const ask = await openApi(OPEN, ENDED)
  const { id, kind, class_name, site_id, opened_at } = OPEN
  const about = { by: 'Ann', incident: { id, kind, class_name, site_id, opened_at } }
  const scope = { site: OPEN.site_id, class: null, region: null, reason: 'works', by: null }
  await ask.decisions.add({ kind: 'acknowledge', ...about }, NOON_MS)
  await ask.decisions.add({ kind: 'assign', to: 'Bob', ...about }, NOON_MS)
  await ask.decisions.add({ kind: 'note', text: 'seen', ...about }, NOON_MS)
  const [from, until] = [-1, 1].map(hours => formatTimestamp(NOON_MS + hours * HOUR_MS)) as [string, string]
  await ask.decisions.add({ kind: 'mute', from, until, ...scope }, NOON_MS)
  await ask.decisions.add({ kind: 'mute', from: '2020-01-01T00:00:00.000Z', until: from, ...scope }, NOON_MS)
  const rows = IncidentRow.array().parse(JSON.parse((await ask()).body))
  expect(rows).toMatchObject([
    { id: 'open', acknowledged_by: 'Ann', assigned_to: 'Bob', notes: 1, muted_until: until },
    { id: 'ended', acknowledged_by: null, assigned_to: null, notes: 0, muted_until: null },
  ])
  const decided = DecisionRow.array().parse(JSON.parse((await ask(null, '/api/incidents/open/decisions')).body))
  expect(decided.map(row => [row.number, row.kind, row.to, row.text])).toEqual([
    [1, 'acknowledge', null, null],
    [2, 'assign', 'Bob', null],
    [3, 'note', null, 'seen'],
  ])
  expect(await ask(null, '/api/incidents/none/decisions')).toMatchObject({ status: 404 })
  const mutes = async (query: Record<string, string> | null) =>
    MuteRow.array()
      .parse(JSON.parse((await ask(query, '/api/mutes')).body))
      .map(({ number, state }) => `${number} ${state}`)
  expect(await mutes(null)).toEqual(['4 active'])
  expect(await mutes({ state: 'all' })).toEqual(['5 over', '4 active'])
})

it('lists the methods of a path: also POST, where decisions are accepted', async () => {
  const { allowedAt } = await openApi(OPEN)
  expect(await allowedAt('/api/incidents')).toEqual([405, 'GET, HEAD'])
  expect(await allowedAt('/api/mutes')).toEqual([405, 'GET, HEAD, POST'])
  expect(await allowedAt('/api/incidents/open/decisions')).toEqual([405, 'GET, HEAD, POST'])
})

it('answers decisions also where they are posted elsewhere, and then health tells the page not to send any', async () => {
  const { pipeline } = await openOneLane({ slotMs: HOUR_MS })
  await openDecisions(pipeline.objects).add(
    {
      kind: 'mute',
      by: null,
      site: 'a',
      class: null,
      region: null,
      from: formatTimestamp(NOON_MS),
      until: '2099-01-01T00:00:00.000Z',
      reason: 'works',
    },
    NOON_MS,
  )
  const asked = async (path: string, decidedElsewhere: boolean) => {
    const handler = servingHandler({ ...pipeline.serving, decidedElsewhere, logger: collectingLogger() })
    const event = { httpMethod: 'GET', path, headers: {}, queryStringParameters: null }
    return JSON.parse((await handler(event as unknown as APIGatewayProxyEvent)).body)
  }
  expect(await asked('/api/mutes', true)).toMatchObject([{ site: 'a' }])
  expect((await asked('/api/health', true)).decisions).toBe(null)
  expect((await asked('/api/health', false)).decisions).toEqual({ count: 1 })
})
