import { expect, it } from 'vitest'
import { DEFAULT_LATENESS } from '../../functions/core/lateness.ts'
import type { LogRecord } from '../../functions/core/record.ts'
import { imageRange } from '../../functions/core/rules/image-range.ts'
import { HOUR_MS, MINUTE_MS } from '../../functions/core/time.ts'
import { NO_BASELINE } from '../../functions/core/unusual-image.ts'
import { applyDelivery } from '../../functions/speed/apply.ts'
import { CLASSES, NOON_MS, wireEvent } from '../support/factories.ts'
import { openOneLane } from '../support/one-lane.ts'

const iso = (ms: number) => new Date(ms).toISOString()
const line = (changes = {}) => JSON.stringify(wireEvent(changes))

/** Applies records, and returns what each part of the delivery wrote; rows and unusual images are discarded. */
async function partsOf(records: (append: (data: string) => LogRecord) => LogRecord[]) {
  const { pipeline, lane, append } = await openOneLane({ slotMs: HOUR_MS })
  const parts: { rows: number; unusualImages: number }[] = []
  let part = { rows: 0, unusualImages: 0 }
  const store = {
    ...pipeline.store,
    writeRow: async () => {
      part.rows++
      return true
    },
    putUnusualImages: async (unusualImages: readonly unknown[]) => {
      part.unusualImages += unusualImages.length
    },
    moveCursor: async (...args: Parameters<typeof pipeline.store.moveCursor>) => {
      parts.push(part)
      part = { rows: 0, unusualImages: 0 }
      return pipeline.store.moveCursor(...args)
    },
  }
  const layer = {
    store,
    lanes: async () => [],
    slotMs: HOUR_MS,
    lateness: DEFAULT_LATENESS,
    classes: async () => CLASSES,
    rules: [imageRange],
    baseline: async () => NO_BASELINE,
    firstKept: async () => null,
    now: () => NOON_MS,
  }
  await applyDelivery(layer, new Map(), lane, records(append))
  return parts
}

it('a delivery with very many windows is written in parts: a new one begins after ten thousand', async () => {
  const windows = (from: number, count: number) =>
    Array.from({ length: count }, (_, at) => line({ timestamp: iso(NOON_MS - (from + at) * 10 * MINUTE_MS) })).join(
      '\n',
    )
  const parts = await partsOf(append => [
    append(windows(0, 9_999)),
    append(windows(0, 1)),
    append(windows(9_999, 1)),
    append(windows(0, 2)),
  ])
  expect(parts).toEqual([
    { rows: 10_000, unusualImages: 0 },
    { rows: 2, unusualImages: 0 },
  ])
})

it('a delivery with very many unusual images is written in parts', async () => {
  const odd = line({ ndvi_mean: 0.5, ndvi_std: 0.01, ndvi_min: 0.4, ndvi_max: 0.9 })
  const parts = await partsOf(append => [append(`${odd}\n`.repeat(9_998)), append(line()), append(odd), append(odd)])
  expect(parts).toEqual([
    { rows: 1, unusualImages: 9_999 },
    { rows: 1, unusualImages: 1 },
  ])
})

it('a cursor holds the latest event time and arrival time that it has passed, in any order of the records', async () => {
  const { pipeline, lane, clock, append, heartbeat, speed } = await openOneLane({ slotMs: HOUR_MS })
  const latest = async () => {
    const cursor = await pipeline.store.readCursor(lane)
    return [cursor?.lastEventMs, cursor?.lastArrivalMs]
  }
  await speed([heartbeat()])
  expect(await latest()).toEqual([null, NOON_MS])
  const minutes = [-30, -10, -20]
  await speed([append(minutes.map(each => line({ timestamp: iso(NOON_MS + each * MINUTE_MS) })).join('\n'))])
  expect(await latest()).toEqual([NOON_MS - 10 * MINUTE_MS, NOON_MS])
  clock.nowMs += MINUTE_MS
  const later = append(line({ timestamp: iso(NOON_MS - 40 * MINUTE_MS) }))
  clock.nowMs -= 2 * MINUTE_MS
  await speed([later, append(line({ timestamp: iso(NOON_MS - 15 * MINUTE_MS) }))])
  expect(await latest()).toEqual([NOON_MS - 10 * MINUTE_MS, NOON_MS + MINUTE_MS])
  await speed([append(line({ timestamp: iso(NOON_MS - 5 * MINUTE_MS) }))])
  expect(await latest()).toEqual([NOON_MS - 5 * MINUTE_MS, NOON_MS + MINUTE_MS])
})
