import { join } from 'node:path'
import { expect, it } from 'vitest'
import { liveImage, toWireEvent } from '../../data/generator.ts'
import { openFolderObjectStore } from '../../functions/adapters/files/object-store.ts'
import { archiveDelivery } from '../../functions/archive/archive.ts'
import { toPosition } from '../../functions/core/lane.ts'
import { DEFAULT_LATENESS } from '../../functions/core/lateness.ts'
import { encodeRecord } from '../../functions/core/record.ts'
import { HOUR_MS } from '../../functions/core/time.ts'
import { readParquet } from '../../functions/parquet/read.ts'
import { CLASSES, logRecord, NOON_MS, wireEvent } from '../support/factories.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'

it('starts another file when a delivery decodes to very many events, and leaves out no event', async () => {
  const arrivalMs = Date.UTC(2026, 10, 1)
  const event = toWireEvent(liveImage({ seed: 1, index: 1, atMs: arrivalMs }))
  // The first three records have a hundred thousand events.
  const records = [60_000, 39_999, 1, 1].map((length, index) => ({
    lane: 'log.0',
    position: toPosition(index + 1),
    arrivalMs,
    data: encodeRecord(
      { producer: 'test', counter: index + 1 },
      Array.from({ length }, () => event),
    ),
  }))
  const objects = openFolderObjectStore(join(temporaryFolder(), 'objects'))
  const classes = async () => new Map([[event.class_name, 0]])
  const archived = await archiveDelivery(
    { objects, slotMs: HOUR_MS, lateness: DEFAULT_LATENESS, classes },
    'log.0',
    records,
  )
  expect(archived).toEqual({ files: 2, events: 100_001 })
  const keys = await Array.fromAsync(objects.list('archive/'))
  expect(keys.map(key => key.replace(/.*\//, ''))).toEqual(['log.0-1-3.parquet', 'log.0-4-4.parquet'])
})

it('writes the slots of a delivery oldest first, in any order of the records', async () => {
  const objects = openFolderObjectStore(join(temporaryFolder(), 'objects'))
  const put: string[] = []
  const noting = {
    ...objects,
    async put(key: string, bytes: Uint8Array) {
      put.push(key)
      await objects.put(key, bytes)
    },
  }
  // Arrival times within a lane may go back by up to a slot.
  const records = [NOON_MS + 2 * HOUR_MS, NOON_MS + HOUR_MS, NOON_MS + 2 * HOUR_MS, NOON_MS].map((arrivalMs, index) =>
    logRecord(index === 3 ? 'nonsense' : JSON.stringify(wireEvent()), {
      lane: 'log.0',
      position: toPosition(index + 1),
      arrivalMs,
    }),
  )
  const archived = await archiveDelivery(
    { objects: noting, slotMs: HOUR_MS, lateness: DEFAULT_LATENESS, classes: async () => CLASSES },
    'log.0',
    records,
  )
  expect(put).toEqual([
    'archive/arrival_slot=2026-11-22T12-00/log.0-4-4.parquet',
    'archive/arrival_slot=2026-11-22T13-00/log.0-2-2.parquet',
    'archive/arrival_slot=2026-11-22T14-00/log.0-1-3.parquet',
  ])
  expect(archived).toEqual({ files: 3, events: 3 })
})

it('keeps everything that identifies an event, and the existence of a numbered record without events', async () => {
  const objects = openFolderObjectStore(join(temporaryFolder(), 'objects'))
  const bands = { red_mean: 1.5, green_mean: 2.5, blue_mean: 3.5, nir_mean: 4.5, brightness_mean: 5.5 }
  const spread = { ndvi_std: 0.1, ndvi_min: 0.25, ndvi_max: 0.75, vegetation_index: 0.3 }
  const place = { site_id: 'field-7', lon: -0.1, lat: 51.5, pixels: 100, valid_fraction: 0.9, cloud_fraction: 0.05 }
  const origin = { scene_id: 'S2A_1', processing_version: '05.11' }
  const texture = {
    ...{ texture_contrast: 3000.5, texture_dissimilarity: 1.5, texture_homogeneity: 0.5 },
    ...{ texture_energy: 0.25, texture_correlation: -0.5, texture_entropy: 4 },
  }
  const full = wireEvent({
    ...bands,
    ...spread,
    ...place,
    ...origin,
    ...texture,
    timestamp: '2026-11-22T09:00:00Z',
  })
  const records = [
    encodeRecord({ producer: 'ann', counter: 7 }, [wireEvent({ class_name: 'Moon' }), full]),
    Buffer.from(JSON.stringify(wireEvent())),
    encodeRecord({ producer: 'ann', counter: 8 }, [wireEvent({ class_name: 'Moon' })]),
    Buffer.from('nonsense'),
  ].map((data, index) => logRecord(data, { lane: 'log.0', position: toPosition(index + 1) }))
  const archive = { objects, slotMs: HOUR_MS, lateness: DEFAULT_LATENESS, classes: async () => CLASSES }
  expect(await archiveDelivery(archive, 'log.0', records)).toEqual({ files: 1, events: 2 })
  const [key] = await Array.fromAsync(objects.list('archive/'))
  const rows = await readParquet((await objects.get(key as string)) as Uint8Array)
  const position = { lane: 'log.0', arrival_ms: BigInt(NOON_MS), source_file: 'log.0-1-4.parquet' }
  expect(rows).toEqual([
    {
      image_id: 'Forest_1',
      class_name: 'Forest',
      event_time: new Date('2026-11-22T09:00:00Z'),
      event_day: '2026-11-22',
      event_ms: BigInt(Date.parse('2026-11-22T09:00:00Z')),
      ...{ ndvi_mean_micro: 500_000, ndvi_mean: 0.5, ndvi_std_micro: 100_000, ndvi_std: 0.1 },
      ...{ ndvi_min_micro: 250_000, ndvi_min: 0.25, ndvi_max_micro: 750_000, ndvi_max: 0.75 },
      ...{ vegetation_index_micro: 300_000, vegetation_index: 0.3, red_mean_milli: 1_500, red_mean: 1.5 },
      ...{ green_mean_milli: 2_500, green_mean: 2.5, blue_mean_milli: 3_500, blue_mean: 3.5 },
      ...{ nir_mean_milli: 4_500, nir_mean: 4.5, brightness_mean_milli: 5_500, brightness_mean: 5.5 },
      ...{ ...place, lon_e7: -1_000_000, lat_e7: 515_000_000 },
      ...{ valid_fraction_micro: 900_000, cloud_fraction_micro: 50_000, ...origin, ...texture },
      ...{ texture_contrast_micro: 3_000_500_000n, texture_dissimilarity_micro: 1_500_000 },
      ...{ texture_homogeneity_micro: 500_000, texture_energy_micro: 250_000 },
      ...{ texture_correlation_micro: -500_000, texture_entropy_micro: 4_000_000 },
      ...{ late: true, producer: 'ann', counter: 7n, sequence: toPosition(1), line: 2, ...position },
    },
    expect.objectContaining({
      late: false,
      producer: null,
      counter: null,
      sequence: toPosition(2),
      line: 0,
      ...position,
    }),
    expect.objectContaining({ image_id: null, event_ms: null, ndvi_mean: null, producer: 'ann', counter: 8n, line: 0 }),
  ])
  expect(rows[1]).toMatchObject({ ndvi_std: null, ndvi_std_micro: null, red_mean: null, red_mean_milli: null })
  expect(rows[2]).toMatchObject({ late: false, sequence: toPosition(3), class_name: null, event_time: null })
})
