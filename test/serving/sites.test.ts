import type { APIGatewayProxyEvent } from 'aws-lambda'
import { describe, expect, it } from 'vitest'
import { HOUR_MS } from '../../functions/core/time.ts'
import type { Site } from '../../functions/images/sites/site.ts'
import { storeSites } from '../../functions/images/sites/stored-sites.ts'
import { servingHandler } from '../../functions/serving/handler.ts'
import { SiteCollection, SiteFeature } from '../../functions/serving/site-schemas.ts'
import { collectingLogger, siteAt } from '../support/factories.ts'
import { openOneLane } from '../support/one-lane.ts'

async function openApi(sites: readonly Site[]) {
  const lane = await openOneLane({ slotMs: HOUR_MS })
  const { objects, serving } = lane.pipeline
  if (sites.length > 0) await storeSites(objects, sites, { source: 'a file', importedAt: '2026-11-22T12:00:00Z' })
  const handler = servingHandler({ ...serving, logger: collectingLogger() })
  const ask = async (path: string, query: Record<string, string> | null = null, method = 'GET') => {
    const event = { httpMethod: method, path, headers: {}, queryStringParameters: query }
    const { statusCode: status, headers = {}, body } = await handler(event as unknown as APIGatewayProxyEvent)
    return { status, headers: headers as Record<string, string>, body: body === '' ? null : JSON.parse(body) }
  }
  const idsOf = async (query: Record<string, string>) =>
    SiteCollection.parse((await ask('/api/sites', query)).body).features.map(({ id }) => id)
  return { ...lane, ask, idsOf }
}

describe('GET /api/sites', () => {
  it('answers the stored sites as GeoJSON, and the version; none before the first import', async () => {
    expect((await (await openApi([])).ask('/api/sites')).body).toEqual({
      type: 'FeatureCollection',
      version: null,
      features: [],
    })
    const { ask } = await openApi([siteAt('b', 13, 52), siteAt('a', 14, 52, { className: 'River' })])
    const { status, body } = await ask('/api/sites')
    expect(status).toBe(200)
    const { version, features } = SiteCollection.parse(body)
    expect(version).toBe(1)
    expect(features.map(({ id, properties }) => [id, properties])).toEqual([
      ['a', { site_id: 'a', class_name: 'River' }],
      ['b', { site_id: 'b', class_name: 'Forest' }],
    ])
    expect(features[1]?.geometry).toEqual({
      type: 'Polygon',
      coordinates: [
        [
          [13, 52],
          [13.01, 52],
          [13.01, 52.01],
          [13, 52.01],
          [13, 52],
        ],
      ],
    })
  })

  it('answers pages: each site is on exactly one, and the last page has no link', async () => {
    const ids = Array.from({ length: 7 }, (_, n) => `field ${n}/é`)
    const { ask } = await openApi(ids.map((id, n) => siteAt(id, 13 + n, 52)))
    const found: string[] = []
    let query: Record<string, string> = { limit: '3' }
    for (;;) {
      const { headers, body } = await ask('/api/sites', query)
      found.push(...SiteCollection.parse(body).features.map(({ id }) => id))
      const [, next] = /^<\?(.*)>; rel="next"$/.exec(headers.Link ?? '') ?? []
      if (next === undefined) break
      query = Object.fromEntries(new URLSearchParams(next))
      expect(query.limit).toBe('3')
    }
    expect(found).toEqual(ids)
  })

  it('has no further page when the last one is full', async () => {
    const { ask } = await openApi([siteAt('a', 13, 52), siteAt('b', 14, 52)])
    expect((await ask('/api/sites', { limit: '2' })).headers).not.toHaveProperty('Link')
  })

  it('answers the sites of a box, also across the antimeridian and of outlines beyond 180 degrees', async () => {
    const split = {
      ...siteAt('split', 179.995, 10),
      polygons: [...siteAt('', 179.99, 10).polygons, ...siteAt('', -180, 10).polygons],
    }
    const { idsOf } = await openApi([siteAt('berlin', 13, 52), siteAt('beyond', 185, 10), split])
    expect(await idsOf({ bbox: '12,51,14,53' })).toEqual(['berlin'])
    expect(await idsOf({ bbox: '13.01,52.01,14,53' })).toEqual(['berlin'])
    expect(await idsOf({ bbox: '13.011,52,14,53' })).toEqual([])
    expect(await idsOf({ bbox: '12,52.011,14,53' })).toEqual([])
    expect(await idsOf({ bbox: '-176,9,-174,11' })).toEqual(['beyond'])
    expect(await idsOf({ bbox: '170,9,-170,11' })).toEqual(['beyond', 'split'])
    // Its parts lie at both ends of the earth, and nothing of it between.
    expect(await idsOf({ bbox: '-10,9,10,11' })).toEqual([])
  })

  it('answers a site by its place, for any number of turns of its outline beyond 180 degrees', async () => {
    const turns = [-2, -1, 0, 1, 2]
    const { idsOf } = await openApi(turns.map(turn => siteAt(`by ${turn}`, 13 + turn * 360, 52)))
    expect((await idsOf({ bbox: '13.001,52,13.009,53' })).sort()).toEqual(turns.map(turn => `by ${turn}`).sort())
    for (const bbox of ['12.99,52,12.999,53', '13.011,52,13.02,53']) expect(await idsOf({ bbox })).toEqual([])
    const { idsOf: across } = await openApi([siteAt('east', -180, 10), siteAt('west', 179.98, 10)])
    expect(await across({ bbox: '179.985,9,-179.995,11' })).toEqual(['east', 'west'])
    expect(await across({ bbox: '179.995,9,-180,11' })).toEqual(['east'])
  })

  it('answers the sites of a class; an unknown class is a 404 with near names', async () => {
    const { idsOf, ask } = await openApi([siteAt('a', 13, 52), siteAt('b', 13, 52, { className: 'River' })])
    expect(await idsOf({ class: 'River' })).toEqual(['b'])
    expect(await ask('/api/sites', { class: 'Rivr' })).toMatchObject({ status: 404, body: { near: ['River'] } })
  })

  it.each([
    [{ bbox: '1,2,3' }, /bbox: must be west,south,east,north/],
    [{ bbox: '1,2,3,x' }, /bbox: must be west,south,east,north/],
    [{ bbox: '1,3,3,2' }, /bbox: must have south before north/],
    [{ bbox: '1,2,3,91' }, /bbox: must be west,south,east,north .* latitudes within -90 to 90/],
    [{ bbox: '-181,2,3,4' }, /bbox: must be west,south,east,north .* latitudes within -90 to 90/],
    [{ limit: '1001' }, /limit: /],
    [{ box: '1,2,3,4' }, /box: there is no such parameter/],
  ])('refuses %j', async (query, detail) => {
    const { ask } = await openApi([])
    const { status, body } = await ask('/api/sites', query as unknown as Record<string, string>)
    expect([status, body.detail]).toEqual([400, expect.stringMatching(detail)])
  })
})

describe('GET /api/sites/{id}', () => {
  it('answers a site, for every way in which a gateway passes its id', async () => {
    const { ask } = await openApi([siteAt('field 1/é', 13, 52), siteAt('50%', 13, 52), siteAt('a%20b', 13, 52)])
    for (const path of ['field 1/é', encodeURIComponent('field 1/é'), '50%', '50%25', 'a%20b', 'a%2520b']) {
      const { status, body } = await ask(`/api/sites/${path}`)
      expect(status, path).toBe(200)
      expect([path, encodeURIComponent(SiteFeature.parse(body).id), SiteFeature.parse(body).id]).toContain(path)
    }
    expect((await ask('/api/sites/a', null, 'DELETE')).status).toBe(405)
  })

  it('is a 404 with near ids for an id that is not stored', async () => {
    const { ask } = await openApi([siteAt('field-01', 13, 52), siteAt('other', 13, 52)])
    const { status, body } = await ask('/api/sites/field-1')
    expect([status, body.near]).toEqual([404, ['field-01']])
    expect(body.detail).toContain('id: "field-1" is not a stored site; near ids are "field-01"')
    expect((await ask('/api/sites/')).status).toBe(404)
  })

  it('takes its id from the path only, and no other parameter', async () => {
    const { ask } = await openApi([siteAt('a', 13, 52)])
    expect((await ask('/api/sites/a', { id: 'b' })).body.detail).toContain('id: is a part of the path')
    expect((await ask('/api/sites/a', { bbox: '1,2,3,4' })).body.detail).toBe('bbox: there is no such parameter')
  })

  it('is described with its parameter in the path', async () => {
    const { ask } = await openApi([])
    const { get } = (await ask('/api/openapi.json')).body.paths['/api/sites/{id}']
    expect(get.operationId).toBe('getApiSitesId')
    expect(get.parameters[0]).toMatchObject({ name: 'id', in: 'path', required: true })
  })
})
