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
    site_id: unmeasured(fc.string({ minLength: 1, maxLength: 8 })),
    lon: unmeasured(within(-180, 180)),
    lat: unmeasured(within(-90, 90)),
    pixels: unmeasured(within(0, 1_000_000_000)),
    valid_fraction: unmeasured(within(0, 1)),
    cloud_fraction: unmeasured(within(0, 1)),
    scene_id: unmeasured(fc.string({ minLength: 1, maxLength: 8 })),
    processing_version: unmeasured(fc.string({ minLength: 1, maxLength: 8 })),
    texture_contrast: unmeasured(within(0, 65_025)),
    texture_dissimilarity: unmeasured(within(0, 255)),
    texture_homogeneity: unmeasured(within(0, 1)),
    texture_energy: unmeasured(within(0, 1)),
    texture_correlation: unmeasured(within(-1, 1)),
    texture_entropy: unmeasured(within(0, 16)),
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
  siteId: unmeasured(fc.string({ minLength: 1, maxLength: 8 })),
  lon: unmeasured(fc.integer({ min: -1_800_000_000, max: 1_800_000_000 })),
  lat: unmeasured(fc.integer({ min: -900_000_000, max: 900_000_000 })),
  pixels: unmeasured(fc.nat(1_000_000_000)),
  validFraction: unmeasured(fc.nat(1_000_000)),
  cloudFraction: unmeasured(fc.nat(1_000_000)),
  sceneId: unmeasured(fc.string({ minLength: 1, maxLength: 8 })),
  processingVersion: unmeasured(fc.string({ minLength: 1, maxLength: 8 })),
  textureContrast: unmeasured(fc.nat(65_025_000_000)),
  textureDissimilarity: unmeasured(fc.nat(255_000_000)),
  textureHomogeneity: unmeasured(fc.nat(1_000_000)),
  textureEnergy: unmeasured(fc.nat(1_000_000)),
  textureCorrelation: unmeasured(micro),
  textureEntropy: unmeasured(fc.nat(16_000_000)),
})
