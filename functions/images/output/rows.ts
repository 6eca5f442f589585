import { MAX_TEXT_LENGTH } from '../../core/event.ts'
import { ImageError } from '../errors.ts'
import type { Place } from '../sites/projection.ts'
import type { Polygon } from '../sites/site.ts'
import { TEXTURES, type Texture } from '../texture/glcm.ts'
import type { Statistics } from '../zonal/statistics.ts'

/** One observation: the statistics of a zone at one time, and where it is. */
export interface Observation {
  siteId: string | null
  className: string
  imageId: string
  /** ISO 8601; null where nobody says when the image was taken. */
  timestamp: string | null
  statistics: Statistics
  texture: Texture | null
  /** Area of the zone in pixels, also of what lies outside the image. */
  pixels: number
  /** Weight of the pixels that count, and of the cloudy ones. */
  valid: number
  cloudy: number
  /** Centre, longitude and latitude; null without a georeference. */
  centre: Place | null
  /** Outline, longitude and latitude; null where the centre stands for it. */
  outline: readonly Polygon[] | null
  sceneId: string
  processingVersion: string | null
}

/** A row of an output file: the event's own columns. */
export type Row = Record<string, string | number | null>

/** A column, and how an observation fills it. */
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
 * Numbers are cut to digits that no two machines disagree on: a sine or a square root may differ in its last bit. They
 * are finer than those of events by three digits.
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

/** Part of a zone. The centre rule can count more pixels than the zone's area has. */
export function fractionOf({ pixels }: Pick<Observation, 'pixels'>, part: number): number {
  return pixels > 0 ? Math.min(1, part / pixels) : 0
}

/** Columns of an output. Without any time there is no column `timestamp`: who reads it takes the time of reading. */
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

/** The id of a scene's image of a zone. @throws ImageError when it is longer than an event's may be */
export function imageIdOf(identity: string, zone: string): string {
  const id = `${identity}/${zone}`
  if (id.length <= MAX_TEXT_LENGTH) return id
  throw new ImageError(`the image id ${id} has more than ${MAX_TEXT_LENGTH} characters; shorten the site's id`)
}

/** What became of the zones that were observed. Each is counted once. */
export interface Summary {
  observed: number
  /** Valid in part, but less than was asked for. */
  tooLittleValid: number
  cloudy: number
  nothingValid: number
  outside: number
}

export function emptySummary(): Summary {
  return { observed: 0, tooLittleValid: 0, cloudy: 0, nothingValid: 0, outside: 0 }
}

export function outcomeOf(
  { inside, valid, cloudy }: { inside: number; valid: number; cloudy: number },
  pixels: number,
  minValid: number,
): keyof Summary {
  if (!(inside > 0)) return 'outside'
  if (!(valid > 0)) return cloudy > 0 ? 'cloudy' : 'nothingValid'
  return fractionOf({ pixels }, valid) < minValid ? 'tooLittleValid' : 'observed'
}
