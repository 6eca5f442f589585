import type { APIGatewayProxyEvent } from 'aws-lambda'
import { expect, it } from 'vitest'
import { generateSites } from '../../data/sites.ts'
import { importEvents } from '../../functions/archive/imports.ts'
import { hasNormals, normalsKey } from '../../functions/batch/normals-file.ts'
import { DAY_MS, HOUR_MS } from '../../functions/core/time.ts'
import { storeSites } from '../../functions/images/sites/stored-sites.ts'
import { servingHandler } from '../../functions/serving/handler.ts'
import { ObservationRow, SiteNormalRow, SiteStateRow } from '../../functions/serving/site-schemas.ts'
import { collectingLogger, imageEvent, NOON_MS, siteAt } from '../support/factories.ts'
import { openImportPipeline } from '../support/imported.ts'

const DAYS = 1_100
const FROM_MS = NOON_MS - DAYS * DAY_MS
const CUT_DAY = DAYS - 80
const LOOKS = generateSites({ seed: 1, sites: 8, days: DAYS, fromMs: FROM_MS, cuts: new Map([[2, CUT_DAY]]) })
const EVENTS = LOOKS.map(({ imageId, siteId, timestampMs, ndviMean, redMean, blueMean }) =>
  imageEvent({
    ...{ imageId, siteId, eventMs: timestampMs, ndviMean: Math.round(ndviMean * 1e6) },
    ...{ red: redMean * 1_000, blue: blueMean * 1_000, lon: 130_000_000, lat: 520_000_000 },
  }),
)

async function open() {
  const { pipeline } = await openImportPipeline()
  const { objects } = pipeline
  await storeSites(objects, [siteAt('site_2', 13, 52), siteAt('stored', 179.99, 10)], {
    ...{ source: 'a file', importedAt: '2026-11-22T12:00:00Z' },
  })
  const handler = servingHandler({ ...pipeline.serving, logger: collectingLogger() })
  const ask = async (path: string, query: Record<string, string> | null = null) => {
    const event = { httpMethod: 'GET', path, headers: {}, queryStringParameters: query }
    const { statusCode: status, headers = {}, body } = await handler(event as unknown as APIGatewayProxyEvent)
    return { status, headers, body: JSON.parse(body) }
  }
  const put = async (name: string, events: ReturnType<typeof imageEvent>[]) => {
    await importEvents(objects, HOUR_MS, name, [events], NOON_MS)
    await pipeline.runBatch()
  }
  return { objects, pipeline, ask, put }
}

it('answers the normal NDVI of a site over the year, as the forest was made, and not what a cut left', async () => {
  const { ask, put } = await open()
  await put('a', EVENTS)
  const { body } = await ask('/api/sites/site_2/normal')
  const rows = SiteNormalRow.array().parse(body)
  expect(rows).toHaveLength(73)
  // The generator's mean of 0.72, season of 0.08 and spread of sites of 0.03.
  for (const { ndvi_normal, ndvi_normal_stddev, is_learning, looks } of rows) {
    expect(Math.abs(ndvi_normal - 0.72)).toBeLessThan(0.14)
    expect(ndvi_normal_stddev).toBeLessThan(0.06)
    expect(is_learning).toBe(false)
    expect(looks).toBeGreaterThan(50)
  }
  const spread = Math.max(...rows.map(row => row.ndvi_normal)) - Math.min(...rows.map(row => row.ndvi_normal))
  expect(spread).toBeGreaterThan(0.1)
  expect(spread).toBeLessThan(0.22)
  expect((await ask('/api/sites/site_2/normal', { class: 'River' })).body).toEqual([])
})

it('says of each observation whether it is clear, and what was normal on its day', async () => {
  const { ask, put } = await open()
  await put('a', EVENTS)
  const rows = ObservationRow.array().parse((await ask('/api/sites/site_2/observations')).body)
  const truth = new Map(LOOKS.map(({ imageId, quality }) => [imageId, quality === 'clear']))
  const right = rows.filter(({ image_id, is_clear }) => is_clear === truth.get(image_id))
  expect(right.length / rows.length).toBeGreaterThan(0.95)
  for (const { timestamp, ndvi_mean, is_clear, ndvi_normal, ndvi_normal_stddev } of rows) {
    if (!is_clear) continue
    const isCut = Date.parse(timestamp) >= FROM_MS + CUT_DAY * DAY_MS
    const distance = (ndvi_mean - (ndvi_normal as number)) / (ndvi_normal_stddev as number)
    if (isCut) expect(distance).toBeLessThan(-4)
    else expect(Math.abs(distance)).toBeLessThan(6)
  }
})

it('a cloud in the mask is not clear; without a mask and without a history of the class it is not known', async () => {
  const { ask, put } = await open()
  await put('a', [
    imageEvent({ imageId: 'cloudy', siteId: 'new', cloudFraction: 400_000 }),
    imageEvent({ imageId: 'clear', siteId: 'new', cloudFraction: 0 }),
    imageEvent({ imageId: 'unknown', siteId: 'new' }),
  ])
  const rows = ObservationRow.array().parse((await ask('/api/sites/new/observations')).body)
  expect(rows.map(({ image_id, is_clear, ndvi_normal }) => [image_id, is_clear, ndvi_normal])).toEqual([
    ['clear', true, null],
    ['cloudy', false, null],
    ['unknown', null, null],
  ])
  expect((await ask('/api/sites/new/normal')).body).toEqual([])
})

it('answers no normal for a stored site without images, and 404 for an unknown site or class', async () => {
  const { ask, put } = await open()
  expect((await ask('/api/sites/stored/normal')).body).toEqual([])
  await put('a', EVENTS)
  expect((await ask('/api/sites/stored/normal')).body).toEqual([])
  const { status, body } = await ask('/api/sites/site_22/normal')
  expect(status).toBe(404)
  expect(body.detail).toMatch(/no image names it/)
  expect((await ask('/api/sites/site_2/normal', { class: 'Foret' })).status).toBe(404)
})

it('answers all sites with their state, by pages', async () => {
  const { ask, put } = await open()
  const young = EVENTS.filter(event => event.siteId !== 'site_7' || event.eventMs > NOON_MS - 200 * DAY_MS)
  await put('a', young)
  const rows = SiteStateRow.array().parse((await ask('/api/site-states')).body)
  expect(rows.map(({ site_id, state }) => [site_id, state])).toEqual([
    ['site_0', 'normal'],
    ['site_1', 'normal'],
    ['site_2', 'open'],
    ['site_3', 'normal'],
    ['site_4', 'normal'],
    ['site_5', 'normal'],
    ['site_6', 'normal'],
    ['site_7', 'learning'],
    ['stored', 'no-images'],
  ])
  expect(rows[2]).toMatchObject({ class_name: 'Forest', lon: 13, lat: 52 })
  expect(rows[2]?.ndvi_distance).toBeLessThan(-0.15)
  expect(rows[7]?.ndvi_distance).toBeNull()
  expect(rows[8]?.lon).toBeCloseTo(179.995)
  expect((await ask('/api/site-states', { state: 'open' })).body).toHaveLength(1)
  const seen: string[] = []
  let query: Record<string, string> = { limit: '4' }
  for (;;) {
    const { headers, body } = await ask('/api/site-states', query)
    seen.push(...body.map(({ site_id }: SiteStateRow) => site_id))
    const link = /<\?([^>]*)>; rel="next"/.exec(String(headers.Link ?? ''))
    if (!link) break
    query = Object.fromEntries(new URLSearchParams(link[1]))
  }
  expect(seen).toEqual(rows.map(({ site_id }) => site_id))
  expect((await ask('/api/site-states', { class: 'Foret' })).status).toBe(404)
  expect((await ask('/api/site-states', { state: 'gone' })).status).toBe(400)
})

it('keeps what is normal for the two newest sets of looks, and makes it again when it is missing', async () => {
  const { objects, pipeline, put } = await open()
  const digest = async () => (await pipeline.serving.incidents())?.looksDigest as string
  await put('a', EVENTS.slice(0, 40))
  const first = await digest()
  await put('b', EVENTS.slice(40, 80))
  const second = await digest()
  expect([await hasNormals(objects, first), await hasNormals(objects, second)]).toEqual([true, true])
  await put('c', EVENTS.slice(80))
  expect([await hasNormals(objects, first), await hasNormals(objects, second)]).toEqual([false, true])
  const third = await digest()
  await objects.delete(normalsKey(third))
  await put('without a site', [imageEvent({ imageId: 'none' })])
  expect(await digest()).toBe(third)
  expect(await hasNormals(objects, third)).toBe(true)
})

it('answers without what is normal while its file is damaged', async () => {
  const { objects, pipeline, ask, put } = await open()
  await put('a', EVENTS)
  await objects.put(normalsKey((await pipeline.serving.incidents())?.looksDigest as string), Buffer.from('x'))
  const rows = ObservationRow.array().parse((await ask('/api/sites/site_2/observations')).body)
  expect(rows.every(row => row.ndvi_normal === null)).toBe(true)
  expect((await ask('/api/sites/site_2/normal')).body).toEqual([])
})
