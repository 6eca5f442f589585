import { MAX_TEXT_LENGTH } from '../../core/event-fields.ts'
import { ImageError } from '../errors.ts'
import type { Place } from '../sites/projection.ts'
import type { Polygon } from '../sites/site.ts'
import { TEXTURES, type Texture } from '../texture/glcm.ts'
import type { Statistics } from '../zonal/statistics.ts'

/** Observation: the statistics of a zone at one time, and its place. */
export interface Observation {
  siteId: string | null
  className: string
  imageId: string
  /** Time when the image was taken, ISO 8601; null if unknown. */
  timestamp: string | null
  statistics: Statistics
  texture: Texture | null
  /** Area of the zone in pixels, including the part outside the image. */
  pixels: number
  /** Weight of the pixels that count, and of the cloudy ones. */
  valid: number
  cloudy: number
  /** Centre, longitude and latitude; null without a georeference. */
  centre: Place | null
  /** Outline, longitude and latitude; null if only the centre is written. */
  outline: readonly Polygon[] | null
  sceneId: string
  processingVersion: string | null
}

/** Row of an output file, with the columns of an event. */
export type Row = Record<string, string | number | null>

/** Column with the function that computes its value from an observation. */
interface OutputColumn {
  name: string
  type: 'STRING' | 'DOUBLE'
  of(observation: Observation): string | number | null
}

const text = (name: string, of: (observation: Observation) => string | null): OutputColumn => ({
  name,
  type: 'STRING',
  of,
})

/**
 * Makes a column of numbers, rounded to digits that are the same on all machines: a sine or a square root may differ in
 * its last bit. The numbers have three digits more than those of events.
 */
const number = (name: string, digits: number, of: (observation: Observation) => number | null): OutputColumn => ({
  name,
  type: 'DOUBLE',
  of(observation) {
    const value = of(observation)
    return value === null ? null : Number(value.toFixed(digits)) + 0
  },
})

const NDVI_DIGITS = 9
const BAND_DIGITS = 6
const DEGREE_DIGITS = 7
const FRACTION_DIGITS = 9

const TIMESTAMP = text('timestamp', ({ timestamp }) => timestamp)

const COLUMNS: readonly OutputColumn[] = [
  text('site_id', ({ siteId }) => siteId),
  text('class_name', ({ className }) => className),
  text('image_id', ({ imageId }) => imageId),
  TIMESTAMP,
  number('ndvi_mean', NDVI_DIGITS, ({ statistics }) => statistics.ndviMean),
  number('ndvi_std', NDVI_DIGITS, ({ statistics }) => statistics.ndviStd),
  number('ndvi_min', NDVI_DIGITS, ({ statistics }) => statistics.ndviMin),
  number('ndvi_max', NDVI_DIGITS, ({ statistics }) => statistics.ndviMax),
  number('red_mean', BAND_DIGITS, ({ statistics }) => statistics.red),
  number('green_mean', BAND_DIGITS, ({ statistics }) => statistics.green),
  number('blue_mean', BAND_DIGITS, ({ statistics }) => statistics.blue),
  number('nir_mean', BAND_DIGITS, ({ statistics }) => statistics.nir),
  number('pixels', BAND_DIGITS, ({ pixels }) => pixels),
  number('valid_fraction', FRACTION_DIGITS, observation => fractionOf(observation, observation.valid)),
  number('cloud_fraction', FRACTION_DIGITS, observation => fractionOf(observation, observation.cloudy)),
  number('lon', DEGREE_DIGITS, ({ centre }) => centre?.[0] ?? null),
  number('lat', DEGREE_DIGITS, ({ centre }) => centre?.[1] ?? null),
  text('scene_id', ({ sceneId }) => sceneId),
  text('processing_version', ({ processingVersion }) => processingVersion),
]

const TEXTURE_COLUMNS: readonly OutputColumn[] = TEXTURES.map(name =>
  number(`texture_${name}`, NDVI_DIGITS, ({ texture }) => texture?.[name] ?? null),
)

/**
 * Returns a share of a zone, at most 1: the centre rule can count more pixels than the zone's area has.
 */
export function fractionOf({ pixels }: Pick<Observation, 'pixels'>, part: number): number {
  return pixels > 0 ? Math.min(1, part / pixels) : 0
}

/** Returns the columns of an output. Without any time there is no column `timestamp`: readers must give a time then. */
export function columnsOf(
  observations: readonly Observation[],
  options: { texture: boolean },
): readonly OutputColumn[] {
  const hasTime = observations.some(({ timestamp }) => timestamp !== null)
  const columns = options.texture ? [...COLUMNS, ...TEXTURE_COLUMNS] : COLUMNS
  return hasTime ? columns : columns.filter(column => column !== TIMESTAMP)
}

/** Row of an observation, by column name. */
export function rowOf(columns: readonly OutputColumn[], observation: Observation): Row {
  return Object.fromEntries(columns.map(({ name, of }) => [name, of(observation)]))
}

/** Makes the image id of a scene and a zone. @throws ImageError when it is longer than an event allows */
export function imageIdOf(identity: string, zone: string): string {
  const id = `${identity}/${zone}`
  if (id.length <= MAX_TEXT_LENGTH) return id
  throw new ImageError(`the image id ${id} has more than ${MAX_TEXT_LENGTH} characters; shorten the site's id`)
}

/** Number of observed zones by outcome. Each zone is counted once. */
export interface Summary {
  observed: number
  /** Zones of which a part is valid, but less than required. */
  tooLittleValid: number
  cloudy: number
  nothingValid: number
  outside: number
}

/** Summary of no zones. */
export function emptySummary(): Summary {
  return { observed: 0, tooLittleValid: 0, cloudy: 0, nothingValid: 0, outside: 0 }
}

/** Decides whether a zone is observed, or why it is not, by its numbers of pixels. */
export function outcomeOf(
  { inside, valid, cloudy }: { inside: number; valid: number; cloudy: number },
  pixels: number,
  minValid: number,
): keyof Summary {
  if (!(inside > 0)) return 'outside'
  if (!(valid > 0)) return cloudy > 0 ? 'cloudy' : 'nothingValid'
  return fractionOf({ pixels }, valid) < minValid ? 'tooLittleValid' : 'observed'
}
