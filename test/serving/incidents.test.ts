import type { APIGatewayProxyEvent } from 'aws-lambda'
import { expect, it } from 'vitest'
import { encodeIncidents, type Incident, incidentsKey } from '../../functions/batch/incidents-file.ts'
import { HOUR_MS } from '../../functions/core/time.ts'
import { servingHandler } from '../../functions/serving/handler.ts'
import { IncidentRow } from '../../functions/serving/incident-schemas.ts'
import { collectingLogger } from '../support/factories.ts'
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
  return async (query: Record<string, string> | null = null) => {
    const event = { httpMethod: 'GET', path: '/api/incidents', headers: {}, queryStringParameters: query }
    const { statusCode: status, body } = await handler(event as unknown as APIGatewayProxyEvent)
    return { status, body }
  }
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

it('refuses a state or class that there is not', async () => {
  const ask = await openApi(OPEN)
  expect(await ask({ state: 'closed' })).toMatchObject({ status: 400 })
  expect(JSON.parse((await ask({ state: 'closed' })).body).detail).toBe('state: must be one of open, ended, all')
  expect(await ask({ class: 'Forrest' })).toMatchObject({ status: 404 })
})
