import type { WireEvent } from '../functions/core/event.ts'
import { DAY_MS, formatTimestamp } from '../functions/core/time.ts'
import { normal, type Random, randomNumbers } from './random.ts'

// Generator of images with the statistics of real ones. Classes and their sizes are those of EuroSAT (Helber et al.
// 2019). The numbers below were measured on 200 of its tiles, 20 of each class. The same arguments give the same images.

/** Anomaly that the generator injects into an image, so that detectors can be compared with the truth. */
export type Anomaly = 'drought' | 'fire' | 'flood' | 'bloom'

/** Statistics of one generated image. */
export interface GeneratedImage {
  imageId: string
  classId: number
  className: string
  timestampMs: number
  /** NDVI of the image's pixels, -1 to 1, six decimals. `ndviStd` is the spread within the image. */
  ndviMean: number
  ndviStd: number
  ndviMin: number
  ndviMax: number
  /** EVI2 = 2.5 (N - R) / (N + 2.4 R + 1) from reflectances (Jiang et al. 2008), six decimals. */
  vegetationIndex: number
  /** Band means in Sentinel-2's digital numbers (10,000 = reflectance 1), three decimals. */
  redMean: number
  greenMean: number
  blueMean: number
  nirMean: number
  /** Mean of red, green and blue. */
  brightnessMean: number
  anomaly: Anomaly | null
}

interface ClassProfile {
  classId: number
  className: string
  /** Number of images in the full EuroSAT set. */
  size: number
  ndvi: { mean: number; sd: number }
  /** Amplitude of the yearly wave, as a share of the class's sd. */
  season: number
  /** Typical std of NDVI within an image, and distance of minimum and maximum from the mean, in units of that std. */
  within: { std: number; below: number; above: number }
  /** Mean of red + nir, its relative spread, and its correlation with NDVI. */
  light: { mean: number; spread: number; withNdvi: number }
  /** Anomalies that leave NDVI physical for the class: crops on bare soil cannot dry by 3.5 sd more. */
  anomalies: readonly Anomaly[]
}

const PROFILES: readonly ClassProfile[] = [
  {
    classId: 0,
    className: 'AnnualCrop',
    size: 3000,
    ndvi: { mean: 0.42, sd: 0.197 },
    season: 0.3,
    within: { std: 0.18, below: 1.7, above: 2.2 },
    light: { mean: 4430, spread: 0.22, withNdvi: 0.1 },
    anomalies: ['flood'],
  },
  {
    classId: 1,
    className: 'Forest',
    size: 3000,
    ndvi: { mean: 0.706, sd: 0.07 },
    season: 0.3,
    within: { std: 0.041, below: 6.5, above: 2.5 },
    light: { mean: 2940, spread: 0.18, withNdvi: 0.9 },
    anomalies: ['drought', 'fire'],
  },
  {
    classId: 2,
    className: 'HerbaceousVegetation',
    size: 3000,
    ndvi: { mean: 0.372, sd: 0.14 },
    season: 0.3,
    within: { std: 0.074, below: 3, above: 3.4 },
    light: { mean: 3360, spread: 0.18, withNdvi: -0.2 },
    anomalies: ['flood'],
  },
  {
    classId: 3,
    className: 'Highway',
    size: 2500,
    ndvi: { mean: 0.424, sd: 0.142 },
    season: 0.1,
    within: { std: 0.181, below: 2.6, above: 2.1 },
    light: { mean: 3490, spread: 0.2, withNdvi: -0.1 },
    anomalies: ['flood'],
  },
  {
    classId: 4,
    className: 'Industrial',
    size: 2500,
    ndvi: { mean: 0.211, sd: 0.066 },
    season: 0,
    within: { std: 0.19, below: 1.6, above: 3 },
    light: { mean: 3540, spread: 0.19, withNdvi: 0.1 },
    anomalies: ['flood'],
  },
  {
    classId: 5,
    className: 'Pasture',
    size: 2000,
    ndvi: { mean: 0.656, sd: 0.095 },
    season: 0.3,
    within: { std: 0.101, below: 4.8, above: 1.7 },
    light: { mean: 4070, spread: 0.12, withNdvi: 0.7 },
    anomalies: ['drought'],
  },
  {
    classId: 6,
    className: 'PermanentCrop',
    size: 2500,
    ndvi: { mean: 0.376, sd: 0.109 },
    season: 0.3,
    within: { std: 0.116, below: 2.5, above: 3 },
    light: { mean: 4130, spread: 0.13, withNdvi: -0.6 },
    anomalies: ['flood'],
  },
  {
    classId: 7,
    className: 'Residential',
    size: 3000,
    ndvi: { mean: 0.409, sd: 0.085 },
    season: 0.1,
    within: { std: 0.157, below: 2.5, above: 2.4 },
    light: { mean: 3330, spread: 0.15, withNdvi: 0.3 },
    anomalies: ['flood'],
  },
  {
    classId: 8,
    className: 'River',
    size: 2500,
    ndvi: { mean: 0.285, sd: 0.195 },
    season: 0.1,
    within: { std: 0.302, below: 1.9, above: 1.7 },
    light: { mean: 2500, spread: 0.25, withNdvi: 0.9 },
    anomalies: ['flood'],
  },
  {
    classId: 9,
    className: 'SeaLake',
    size: 3000,
    ndvi: { mean: -0.238, sd: 0.135 },
    season: 0,
    within: { std: 0.055, below: 3.1, above: 6.9 },
    light: { mean: 840, spread: 0.5, withNdvi: 0.1 },
    anomalies: ['bloom'],
  },
]

/** The land-cover classes in the order of their ids. */
export const CLASSES: readonly { classId: number; className: string }[] = PROFILES.map(({ classId, className }) => ({
  classId,
  className,
}))

/** Effect of each anomaly. `light` multiplies red + nir: burnt and flooded land is dark. A bloom is algae on water. */
const ANOMALIES: Record<Anomaly, { direction: 1 | -1; light: number }> = {
  drought: { direction: -1, light: 1 },
  fire: { direction: -1, light: 0.6 },
  flood: { direction: -1, light: 0.4 },
  bloom: { direction: 1, light: 1.2 },
}

const ANOMALY_SHARE = 0.01
/** Distance of an anomalous image from the mean of its class, in units of the class's sd. */
const ANOMALY_SHIFT_SD = { min: 3.6, max: 5 }

/** Highest mean NDVI of an image of 10 m pixels. NDVI of 1 would mean no red light at all. */
const MAX_MEAN_NDVI = 0.95

const FULL_SET = PROFILES.reduce((sum, { size }) => sum + size, 0)

/**
 * Generates images in ascending time over the `days` before `untilMs`, with classes in the proportions of the full set.
 *
 * @param seed an integer from 0 to 2^32 - 1
 * @throws RangeError if the number of images or days is invalid
 */
export function* generateImages({
  seed,
  images = FULL_SET,
  days = 30,
  untilMs,
}: {
  seed: number
  images?: number
  days?: number
  untilMs: number
}): Generator<GeneratedImage> {
  if (!Number.isSafeInteger(images) || images < 0) throw new RangeError('images must be a whole number from 0')
  if (!(days > 0 && Number.isFinite(days))) throw new RangeError('days must be a number above 0')
  const order = shuffled(classSizes(images).flatMap(filledWithIndex), randomNumbers(seed, STREAM.order, 0))
  const startMs = untilMs - days * DAY_MS
  const made = PROFILES.map(() => 0)
  for (const [index, classIndex] of order.entries()) {
    const profile = PROFILES[classIndex] as ClassProfile
    const random = randomNumbers(seed, STREAM.history, index)
    // One image in each equal interval of time: ascending without sorting, and irregular like real arrivals.
    const timestampMs = Math.floor(startMs + ((index + random()) / images) * days * DAY_MS)
    const number = (made[classIndex] as number) + 1
    made[classIndex] = number
    yield image(profile, `${profile.className}_${number}`, timestampMs, random)
  }
}

/**
 * Image with a given index in an endless sequence of live images. Its id never equals an id of the history.
 *
 * @param seed an integer from 0 to 2^32 - 1
 * @param index 0 or above; equal arguments give equal images
 */
export function liveImage({ seed, index, atMs }: { seed: number; index: number; atMs: number }): GeneratedImage {
  const random = randomNumbers(seed, STREAM.live, index)
  const profile = profileAt(random() * FULL_SET)
  return image(profile, `${profile.className}_live_${index}`, atMs, random)
}

/** Event that a producer sends for an image. It does not include the anomaly. */
export function toWireEvent(image: GeneratedImage): WireEvent {
  return {
    image_id: image.imageId,
    class_name: image.className,
    ndvi_mean: image.ndviMean,
    ndvi_std: image.ndviStd,
    ndvi_min: image.ndviMin,
    ndvi_max: image.ndviMax,
    vegetation_index: image.vegetationIndex,
    red_mean: image.redMean,
    green_mean: image.greenMean,
    blue_mean: image.blueMean,
    nir_mean: image.nirMean,
    brightness_mean: image.brightnessMean,
    timestamp: formatTimestamp(image.timestampMs),
  }
}

function image(profile: ClassProfile, imageId: string, timestampMs: number, random: Random): GeneratedImage {
  const { ndvi, season, within, light, anomalies } = profile
  const anomaly = random() < ANOMALY_SHARE ? (anomalies[Math.floor(random() * anomalies.length)] as Anomaly) : null
  const seasonal = season * yearlyWave(timestampMs)
  const deviation = deviationWithin(random, each => Math.abs(ndvi.mean + ndvi.sd * (each + seasonal)) <= MAX_MEAN_NDVI)
  const usual = ndvi.mean + ndvi.sd * (deviation + seasonal)
  const ndviMean = decimals(6, within1(anomaly === null ? usual : ndvi.mean + ndvi.sd * anomalyShift(anomaly, random)))
  const std = around(within.std, 0.4, normal(random))
  const ndviMin = decimals(6, within1(ndviMean - std * around(within.below, 0.35, normal(random))))
  const ndviMax = decimals(6, within1(ndviMean + std * around(within.above, 0.35, normal(random))))
  // Upper bound of the std of values with this mean between these extremes (Bhatia and Davis 2000).
  const ndviStd = decimals(6, Math.min(std, Math.sqrt((ndviMax - ndviMean) * (ndviMean - ndviMin))))

  const lightDeviation = light.withNdvi * deviation + Math.sqrt(1 - light.withNdvi ** 2) * normal(random)
  const redAndNir = around(light.mean, light.spread, lightDeviation) * (anomaly === null ? 1 : ANOMALIES[anomaly].light)
  const redMean = decimals(3, (redAndNir * (1 - ndviMean)) / 2)
  const nirMean = decimals(3, (redAndNir * (1 + ndviMean)) / 2)
  // The visible bands correlate: least-squares fit over the 200 tiles, with a residual spread of 9%.
  const greenMean = decimals(3, around(444 + 0.633 * redMean, 0.09, normal(random)))
  const blueMean = decimals(3, around(654 + 0.485 * redMean, 0.09, normal(random)))
  return {
    imageId,
    classId: profile.classId,
    className: profile.className,
    timestampMs,
    ndviMean,
    ndviStd,
    ndviMin,
    ndviMax,
    vegetationIndex: decimals(6, (2.5 * (nirMean - redMean)) / (nirMean + 2.4 * redMean + 10_000)),
    redMean,
    greenMean,
    blueMean,
    nirMean,
    brightnessMean: decimals(3, (redMean + greenMean + blueMean) / 3),
    anomaly,
  }
}

/** Class of the image at a place in the full set sorted by class. @param place 0 up to the number of images */
function profileAt(place: number): ClassProfile {
  let end = 0
  for (const profile of PROFILES) {
    end += profile.size
    if (place < end) return profile
  }
  throw new RangeError(`the full set has no place ${place}`)
}

/** Normal deviate, drawn again until it is allowed. Clipping instead would put many images exactly at the bound. */
function deviationWithin(random: Random, allowed: (deviation: number) => boolean): number {
  const deviation = normal(random)
  return allowed(deviation) ? deviation : deviationWithin(random, allowed)
}

function anomalyShift(anomaly: Anomaly, random: Random): number {
  const { min, max } = ANOMALY_SHIFT_SD
  return ANOMALIES[anomaly].direction * (min + random() * (max - min))
}

const YEAR_MS = 365.2425 * DAY_MS
const MID_JULY_MS = Date.UTC(1970, 6, 15)

/** Yearly wave: 1 in mid-July, when the north is greenest, -1 in mid-January. Its mean over a year is 0. */
function yearlyWave(ms: number): number {
  return Math.cos((2 * Math.PI * (ms - MID_JULY_MS)) / YEAR_MS)
}

/** Divides `total` among the classes with the largest-remainder method, so the sizes add up exactly. */
function classSizes(total: number): number[] {
  const quotas = PROFILES.map(({ size }) => (total * size) / FULL_SET)
  const sizes = quotas.map(Math.floor)
  const missing = total - sizes.reduce((sum, size) => sum + size, 0)
  const remainder = (index: number) => (quotas[index] as number) - (sizes[index] as number)
  const byRemainder = [...sizes.keys()].sort((a, b) => remainder(b) - remainder(a))
  for (const index of byRemainder.slice(0, missing)) sizes[index] = (sizes[index] as number) + 1
  return sizes
}

function filledWithIndex(length: number, index: number): number[] {
  return new Array<number>(length).fill(index)
}

/** Shuffles in place (Fisher and Yates). */
function shuffled(items: number[], random: Random): number[] {
  for (let last = items.length - 1; last > 0; last--) {
    const pick = Math.floor(random() * (last + 1))
    const picked = items[pick] as number
    items[pick] = items[last] as number
    items[last] = picked
  }
  return items
}

function within1(ndvi: number): number {
  return Math.min(1, Math.max(-1, ndvi))
}

/** Rounds to a number of decimals. `+ 0` turns -0 into 0. */
function decimals(digits: number, value: number): number {
  return Math.round(value * 10 ** digits) / 10 ** digits + 0
}

/** Log-normal quantity with the given mean and relative spread, `deviation` sd from its median. */
function around(mean: number, spread: number, deviation: number): number {
  return mean * Math.exp(spread * deviation - spread ** 2 / 2)
}

/** Streams of random numbers. Each image has its own numbers, so it does not depend on the images before it. */
const STREAM = { order: 0, history: 1, live: 2 }
