import { expect, it } from 'vitest'
import { decodeLooks, encodeLooks, type SiteLook } from '../../functions/batch/site-looks.ts'
import { looksAtSite } from '../../functions/batch/site-parts.ts'
import { HOUR_MS, MINUTE_MS } from '../../functions/core/time.ts'
import { imageEvent, NOON_MS, SOME_PLACE, wireEvent } from '../support/factories.ts'
import { openOneLane } from '../support/one-lane.ts'

/** Every field has a value of its own. */
const EVERY_FIELD = {
  ...wireEvent({ image_id: 'a', site_id: 'field-7', scene_id: 'scene', processing_version: '05.11' }),
  ...{ ndvi_std: 0.1, ndvi_min: 0.2, ndvi_max: 0.9, vegetation_index: -3.5 },
  ...{ red_mean: 1, green_mean: 2, blue_mean: 3, nir_mean: 4, brightness_mean: 5.5, lon: -179.9, lat: 47.3 },
  ...{ pixels: 1042, valid_fraction: 0.8, cloud_fraction: 0.12, texture_contrast: 65_025, texture_dissimilarity: 255 },
  ...{ texture_homogeneity: 0.5, texture_energy: 0.6, texture_correlation: -1, texture_entropy: 8.3 },
}
const IN_FIXED_POINT = {
  ...{ imageId: 'a', className: 'Forest', eventMs: NOON_MS - 5 * MINUTE_MS, siteId: 'field-7' },
  ...{ sceneId: 'scene', processingVersion: '05.11', ndviMean: 500_000, ndviStd: 100_000, ndviMin: 200_000 },
  ...{ ndviMax: 900_000, vegetationIndex: -3_500_000, red: 1_000, green: 2_000, blue: 3_000, nir: 4_000 },
  ...{ brightness: 5_500, lon: -1_799_000_000, lat: 473_000_000, pixels: 1042, validFraction: 800_000 },
  ...{ cloudFraction: 120_000, textureContrast: 65_025_000_000, textureDissimilarity: 255_000_000 },
  ...{ textureHomogeneity: 500_000, textureEnergy: 600_000, textureCorrelation: -1_000_000, textureEntropy: 8_300_000 },
}

async function openWith(...lines: object[]) {
  const lane = await openOneLane({ slotMs: HOUR_MS })
  const send = async (...events: object[]) => {
    const records = [lane.append(events.map(event => JSON.stringify(event)).join('\n')), lane.heartbeat()]
    for (const deliver of [lane.speed, lane.archive]) expect((await deliver(records)).batchItemFailures).toEqual([])
    lane.clock.nowMs += 2 * HOUR_MS
    const after = [lane.heartbeat()]
    for (const deliver of [lane.speed, lane.archive]) await deliver(after)
    const { view, published } = await lane.pipeline.runBatch()
    expect(published).toBe(true)
    if (!view) throw new Error('there is no view')
    return view
  }
  const { views } = lane.pipeline.serving
  return { ...lane, send, views, view: await send(...lines) }
}

it('a look has every field of its event, in the fixed point of the archive', async () => {
  const { view, views } = await openWith(EVERY_FIELD, wireEvent({ image_id: 'without a site' }))
  expect(await looksAtSite(views, view, 'field-7')).toEqual([{ arrivalDay: '2026-11-22', event: IN_FIXED_POINT }])
  expect(Object.values(view.sites ?? {}).map(({ looks }) => looks)).toEqual([1])
})

it('an event with a place and no site id is a look at its cell', async () => {
  const { view, views } = await openWith(wireEvent({ lon: 13.0004, lat: -0.0001 }), wireEvent({ lon: 13.0004 }))
  const looks = await looksAtSite(views, view, '13000:-1')
  expect(looks.map(({ event }) => [event.lon, event.lat])).toEqual([[130_004_000, -1_000]])
})

it('a new look rewrites the file of its group and year, and no other', async () => {
  const { view, views, send } = await openWith(
    wireEvent({ image_id: 'a', site_id: 'field-7' }),
    wireEvent({ image_id: 'b', site_id: 'field-7', timestamp: '2025-11-22T12:00:00Z' }),
  )
  const next = await send(wireEvent({ image_id: 'c', site_id: 'field-7', timestamp: '2025-12-01T12:00:00Z' }))
  const [of2025, of2026] = Object.keys(view.sites ?? {}).sort()
  expect([of2025, of2026]).toEqual([expect.stringMatching(/^[0-9a-f]\/2025$/), expect.stringMatching(/\/2026$/)])
  expect(next.sites?.[of2026 as string]).toEqual(view.sites?.[of2026 as string])
  expect(next.sites?.[of2025 as string]?.looks).toBe(2)
  const images = async (of: typeof view) => (await looksAtSite(views, of, 'field-7')).map(({ event }) => event.imageId)
  expect((await images(next)).sort()).toEqual(['a', 'b', 'c'])
  // A view never changes.
  expect((await images(view)).sort()).toEqual(['a', 'b'])
})

it('a file of looks has the same bytes for any order of arrival; a missing column is an error', async () => {
  const look = (changes: object): SiteLook => ({
    arrivalDay: '2026-11-22',
    event: imageEvent({ ...SOME_PLACE, ...changes }),
  })
  const looks = [look({ imageId: 'b' }), look({ imageId: 'a' }), look({ siteId: 'a' }), look({ ndviMean: 7 })]
  const bytes = encodeLooks(looks)
  expect(encodeLooks(looks.toReversed())).toEqual(bytes)
  expect(new Set(await decodeLooks(bytes))).toEqual(new Set(looks))
})

it('a damaged file of looks leaves the answers of the view before', async () => {
  const { pipeline, views, view, send } = await openWith(wireEvent({ image_id: 'a', site_id: 'field-7' }))
  const next = await send(wireEvent({ image_id: 'b', site_id: 'field-7' }))
  const [part] = Object.values(next.sites ?? {})
  await pipeline.objects.put(part?.key as string, Buffer.from('not Parquet'))
  const ask = () => views.read(async of => (of ? (await looksAtSite(views, of, 'field-7')).length : 0))
  expect(await ask()).toBe(1)
  expect((await views.chain()).damages.map(({ key }) => key)).toEqual([part?.key])
  expect(view.revision).toBe(next.revision - 1)
})
