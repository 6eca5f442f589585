import type { APIGatewayProxyEvent } from 'aws-lambda'
import { expect, it } from 'vitest'
import { importEvents } from '../../functions/archive/imports.ts'
import { HOUR_MS } from '../../functions/core/time.ts'
import { storeSites } from '../../functions/images/sites/stored-sites.ts'
import { servingHandler } from '../../functions/serving/handler.ts'
import { observations } from '../../functions/serving/observations.ts'
import { ObservationRow } from '../../functions/serving/site-schemas.ts'
import { collectingLogger, imageEvent, NOON_MS, SOME_PLACE, siteAt } from '../support/factories.ts'
import { openOneLane } from '../support/one-lane.ts'

const EVENTS = [
  imageEvent({ imageId: 'late', siteId: 'field 1/é', eventMs: NOON_MS - HOUR_MS }),
  imageEvent({ imageId: 'early', siteId: 'field 1/é', eventMs: NOON_MS - 30 * HOUR_MS, className: 'River' }),
  imageEvent({ imageId: 'other', ...SOME_PLACE }),
]

async function openApi() {
  const { pipeline } = await openOneLane({ slotMs: HOUR_MS })
  await storeSites(pipeline.objects, [siteAt('field-2', 13, 52)], {
    source: 'a file',
    importedAt: '2026-11-22T12:00:00Z',
  })
  await importEvents(pipeline.objects, HOUR_MS, 'some', [EVENTS], NOON_MS)
  await pipeline.runBatch()
  const handler = servingHandler({ ...pipeline.serving, logger: collectingLogger() })
  return async (path: string, query: Record<string, string> | null = null) => {
    const event = { httpMethod: 'GET', path, headers: {}, queryStringParameters: query }
    const { statusCode: status, headers = {}, body } = await handler(event as unknown as APIGatewayProxyEvent)
    return { status, headers, body }
  }
}

it('answers the observations of a site by time, with all that was measured', async () => {
  const ask = await openApi()
  for (const path of ['field 1/é', encodeURIComponent('field 1/é')]) {
    const { status, body } = await ask(`/api/sites/${path}/observations`)
    expect(status).toBe(200)
    const rows = ObservationRow.array().parse(JSON.parse(body))
    expect(rows.map(({ image_id }) => image_id)).toEqual(['early', 'late'])
  }
  const [row] = JSON.parse((await ask('/api/sites/field-7/observations')).body)
  expect(row).toMatchObject({
    ...{ timestamp: '2026-11-22T12:00:00.000Z', site_id: 'field-7', image_id: 'other', ndvi_mean: 0.5, ndvi_std: null },
    ...{ lon: -179.9999999, lat: 47.3000001, pixels: 1042, valid_fraction: 0.876543, texture_contrast: 65025 },
  })
})

it('answers each number of an image in its own unit', async () => {
  const { pipeline } = await openOneLane({ slotMs: HOUR_MS })
  const measured = {
    ...{ ndviMean: 310_000, ndviStd: 120_000, ndviMin: -50_000, ndviMax: 810_000, vegetationIndex: 333_333 },
    ...{ red: 1_500, green: 2_500, blue: 3_500, nir: 4_500, brightness: 5_500 },
  }
  await importEvents(pipeline.objects, HOUR_MS, 'some', [[imageEvent({ ...SOME_PLACE, ...measured })]], NOON_MS)
  await pipeline.runBatch()
  expect(await observations(pipeline.serving, { id: 'field-7' })).toEqual([
    {
      ...{ timestamp: '2026-11-22T12:00:00.000Z', site_id: 'field-7', class_name: 'Forest', image_id: 'Forest_1' },
      ...{ scene_id: 'S2A_32UQV_20250615_0_L2A', processing_version: '05.11' },
      ...{ ndvi_mean: 0.31, ndvi_std: 0.12, ndvi_min: -0.05, ndvi_max: 0.81, vegetation_index: 0.333333 },
      ...{ red_mean: 1.5, green_mean: 2.5, blue_mean: 3.5, nir_mean: 4.5, brightness_mean: 5.5 },
      ...{ lon: -179.9999999, lat: 47.3000001, pixels: 1042, valid_fraction: 0.876543, cloud_fraction: 0.123457 },
      ...{ texture_contrast: 65_025, texture_dissimilarity: 254.999999, texture_homogeneity: 0.000001 },
      ...{ texture_energy: 0.999999, texture_correlation: -1, texture_entropy: 8.317766 },
      ...{ is_clear: false, ndvi_normal: null, ndvi_normal_stddev: null },
    },
  ])
})

it('answers them as CSV, of one class, and of a range that does not include its end', async () => {
  const ask = await openApi()
  const path = '/api/sites/field 1/é/observations'
  const images = async (query: Record<string, string>) =>
    JSON.parse((await ask(path, query)).body).map(({ image_id }: { image_id: string }) => image_id)
  expect(await images({ class: 'River' })).toEqual(['early'])
  expect(await images({ from: '2026-11-22T11:00:00Z' })).toEqual(['late'])
  expect(await images({ to: '2026-11-22T11:00:00Z' })).toEqual(['early'])
  const { body } = await ask(path, { format: 'csv' })
  expect(body.split('\r\n')[0]).toMatch(/^timestamp,site_id,class_name,image_id,/)
})

it('answers no rows for a stored site without images, and a 404 with near ids for any other', async () => {
  const ask = await openApi()
  expect(JSON.parse((await ask('/api/sites/field-2/observations')).body)).toEqual([])
  const { status, body } = await ask('/api/sites/field-3/observations')
  expect(status).toBe(404)
  expect(JSON.parse(body)).toMatchObject({ near: ['field-2'], detail: expect.stringContaining('no image names it') })
  expect((await ask('/api/sites/field-2/observations', { class: 'Foret' })).status).toBe(404)
  expect((await ask('/api/sites/field-2/observations', { from: '2026-11-22', to: '2026-11-21' })).status).toBe(400)
})

it('is described with its parameter in the path', async () => {
  const ask = await openApi()
  const { get } = JSON.parse((await ask('/api/openapi.json')).body).paths['/api/sites/{id}/observations']
  expect(get.operationId).toBe('getApiSitesIdObservations')
  expect(get.parameters[0]).toMatchObject({ name: 'id', in: 'path', required: true })
})
