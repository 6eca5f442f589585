import fc from 'fast-check'
import type { ImageEvent, WireEvent } from '../../functions/core/event.ts'
import { CLASS_NAMES, NOON_MS } from './factories.ts'

const HOUR_MS = 3_600_000

/** Numbers in a range: usual ones with three decimals, any others, and both bounds. */
function within(min: number, max: number): fc.Arbitrary<number> {
  const grid = fc.integer({ min: Math.ceil(min * 1000), max: Math.floor(max * 1000) }).map(milli => milli / 1000)
  return fc.oneof(grid, fc.double({ min, max, noNaN: true }), fc.constantFrom(min, max))
}

const unmeasured = <T>(value: fc.Arbitrary<T>) => fc.option(value, { freq: 3, nil: null })
const band = unmeasured(within(0, 1_000_000))

/** Valid events of a few classes, taken in the 24 hours before noon, UTC. */
export const wireEvents: fc.Arbitrary<WireEvent> = fc
  .record({
    image_id: fc.string({ minLength: 1, maxLength: 8 }),
    class_name: fc.constantFrom(...CLASS_NAMES),
    ndvi_mean: within(-1, 1),
    ndvi_std: unmeasured(within(0, 1)),
    extremes: unmeasured(fc.tuple(within(-1, 1), within(-1, 1))),
    vegetation_index: unmeasured(within(-100, 100)),
    red_mean: band,
    green_mean: band,
    blue_mean: band,
    nir_mean: band,
    brightness_mean: band,
    timestamp: fc.integer({ min: NOON_MS - 24 * HOUR_MS, max: NOON_MS }).map(ms => new Date(ms).toISOString()),
  })
  .map(({ extremes, ...event }) => ({
    ...event,
    ndvi_min: extremes === null ? null : Math.min(...extremes, event.ndvi_mean),
    ndvi_max: extremes === null ? null : Math.max(...extremes, event.ndvi_mean),
  }))

const micro = fc.integer({ min: -1_000_000, max: 1_000_000 })
const milli = unmeasured(fc.integer({ min: 0, max: 1_000_000_000 }))

/** Decoded events of one class. */
export const imageEvents: fc.Arbitrary<ImageEvent> = fc.record({
  imageId: fc.string({ minLength: 1, maxLength: 8 }),
  className: fc.constant('Forest'),
  eventMs: fc.integer({ min: 0, max: NOON_MS }),
  ndviMean: micro,
  ndviStd: unmeasured(fc.nat(2_000_000)),
  ndviMin: unmeasured(micro),
  ndviMax: unmeasured(micro),
  vegetationIndex: unmeasured(fc.integer({ min: -100_000_000, max: 100_000_000 })),
  red: milli,
  green: milli,
  blue: milli,
  nir: milli,
  brightness: milli,
})
