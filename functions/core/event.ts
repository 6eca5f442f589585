import { MAX_TEXT_LENGTH, NUMBERS, type NumberName } from './event-fields.ts'
import { toDegreesE7, toMicro, toMilli, toWhole } from './fixed-point.ts'
import { MINUTE_MS, parseTimestamp } from './time.ts'

/** Spectral bands for which an event may carry the mean of the image, in the order of the archive's columns. */
export const BANDS = ['red', 'green', 'blue', 'nir', 'brightness'] as const
/** Name of a band. */
export type Band = (typeof BANDS)[number]

/** Event as producers write it: the 13 fields of the original, and those of a place and its image. Null or absent means "not measured". */
export interface WireEvent {
  image_id: string
  class_name: string
  /** Mean NDVI of the image's pixels, -1 to 1. */
  ndvi_mean: number
  ndvi_std?: number | null
  ndvi_min?: number | null
  ndvi_max?: number | null
  /** Another spectral index of the producer's choice, -100 to 100. */
  vegetation_index?: number | null
  /** Band means in the image's own units (digital numbers or reflectance), 0 to 1,000,000. */
  red_mean?: number | null
  green_mean?: number | null
  blue_mean?: number | null
  nir_mean?: number | null
  brightness_mean?: number | null
  /** Id of a place that is observed again and again. */
  site_id?: string | null
  /** Centre of the place, degrees (WGS 84). */
  lon?: number | null
  lat?: number | null
  /** Area of the place in pixels, 0 to 1,000,000,000. A fraction is rounded. */
  pixels?: number | null
  /** Share of the area that counts, and share that is cloudy, 0 to 1. */
  valid_fraction?: number | null
  cloud_fraction?: number | null
  /** Id of the scene in which the image was taken, and the version of the program that processed it. */
  scene_id?: string | null
  processing_version?: string | null
  /** Texture by a grey level co-occurrence matrix of at most 256 levels. */
  texture_contrast?: number | null
  texture_dissimilarity?: number | null
  texture_homogeneity?: number | null
  texture_energy?: number | null
  texture_correlation?: number | null
  texture_entropy?: number | null
  /** Event time: the time when the image was taken. ISO 8601; UTC when it names no zone. */
  timestamp: string
}

/** Names of the optional fields with numbers that the original has. */
export const ORIGINAL_NUMBERS = [
  ...(['ndvi_std', 'ndvi_min', 'ndvi_max', 'vegetation_index'] as const),
  ...(['red_mean', 'green_mean', 'blue_mean', 'nir_mean', 'brightness_mean'] as const),
] as const
/** Names of the fields with numbers of a place and its image. */
export const PLACE_NUMBERS = [
  ...(['lon', 'lat', 'pixels', 'valid_fraction', 'cloud_fraction'] as const),
  ...(['texture_contrast', 'texture_dissimilarity', 'texture_homogeneity'] as const),
  ...(['texture_energy', 'texture_correlation', 'texture_entropy'] as const),
] as const
/** Names of the fields with text of a place and its image. */
export const PLACE_TEXTS = ['site_id', 'scene_id', 'processing_version'] as const
/** Names of all fields that an event may lack. */
export const OPTIONAL_FIELDS = [...ORIGINAL_NUMBERS, ...PLACE_NUMBERS, ...PLACE_TEXTS] as const

/**
 * Event after decoding. NDVI, fractions and texture as integers of 1e-6, band means of 1e-3, degrees of 1e-7, times in
 * ms.
 */
export interface ImageEvent {
  imageId: string
  className: string
  eventMs: number
  ndviMean: number
  ndviStd: number | null
  ndviMin: number | null
  ndviMax: number | null
  vegetationIndex: number | null
  red: number | null
  green: number | null
  blue: number | null
  nir: number | null
  brightness: number | null
  siteId: string | null
  lon: number | null
  lat: number | null
  pixels: number | null
  validFraction: number | null
  cloudFraction: number | null
  sceneId: string | null
  processingVersion: string | null
  textureContrast: number | null
  textureDissimilarity: number | null
  textureHomogeneity: number | null
  textureEnergy: number | null
  textureCorrelation: number | null
  textureEntropy: number | null
}

/**
 * Thrown for a value that is not a valid event. `field` is the wire name, or null when the value as a whole is invalid.
 */
export class InvalidEventError extends Error {
  readonly field: keyof WireEvent | null
  constructor(field: keyof WireEvent | null, message: string) {
    super(message)
    this.name = 'InvalidEventError'
    this.field = field
  }
}

/** Maximum time by which an event time may be later than its arrival, ms. Clocks differ. */
export const FUTURE_TOLERANCE_MS = 10 * MINUTE_MS

/** An optional value that cannot be used. The event counts without it. */
export interface UnusedValue {
  field: keyof WireEvent
  /** Requirement that the value breaks. */
  message: string
}

/**
 * Decodes a parsed JSON value to an event in fixed point. Required fields must be right. An optional value that cannot
 * be used, such as -9999 or `NaN`, means "not measured" and is told to `onUnused`.
 *
 * @param arrivalMs arrival time of the record, ms. An event time more than FUTURE_TOLERANCE_MS later is refused.
 * @throws InvalidEventError that names the field and what it must be
 */
export function decodeEvent(
  value: unknown,
  arrivalMs: number,
  onUnused: (unused: UnusedValue) => void = () => {},
): ImageEvent {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new InvalidEventError(null, 'an event must be a JSON object')
  }
  const wire = value as Record<keyof WireEvent, unknown>
  return decodeFields(wire, checkedTime(timeOf(wire.timestamp), arrivalMs), onUnused)
}

/**
 * Decodes an event whose time is known in ms since the epoch. The value's own timestamp is not read.
 *
 * @throws InvalidEventError as above
 */
export function decodeAt(
  value: Readonly<Record<string, unknown>>,
  eventMs: number,
  arrivalMs: number,
  onUnused: (unused: UnusedValue) => void,
): ImageEvent {
  return decodeFields(value as Record<keyof WireEvent, unknown>, checkedTime(eventMs, arrivalMs), onUnused)
}

function decodeFields(
  wire: Record<keyof WireEvent, unknown>,
  eventMs: number,
  onUnused: (unused: UnusedValue) => void,
): ImageEvent {
  const optional = (field: NumberName, toInteger: (value: number) => number): number | null => {
    const value = wire[field]
    if (value === undefined || value === null) return null
    const read = numberOf(value, field)
    if (typeof read === 'number') return toInteger(read)
    onUnused({ field, message: read })
    return null
  }
  const index = (field: NumberName) => optional(field, toMicro)
  const bandMean = (field: NumberName) => optional(field, toMilli)
  const degrees = (field: NumberName) => optional(field, toDegreesE7)
  const name = (field: keyof WireEvent) => optionalText(wire[field], field, onUnused)

  const ndviMean = required(wire.ndvi_mean, 'ndvi_mean')
  const imageId = text(wire.image_id, 'image_id')
  const className = text(wire.class_name, 'class_name')
  const ndviMin = index('ndvi_min')
  const ndviMax = index('ndvi_max')
  refuseContradiction(ndviMin, ndviMean, ndviMax)
  return {
    imageId,
    className,
    eventMs,
    ndviMean,
    ndviStd: index('ndvi_std'),
    ndviMin,
    ndviMax,
    vegetationIndex: index('vegetation_index'),
    red: bandMean('red_mean'),
    green: bandMean('green_mean'),
    blue: bandMean('blue_mean'),
    nir: bandMean('nir_mean'),
    brightness: bandMean('brightness_mean'),
    siteId: name('site_id'),
    lon: degrees('lon'),
    lat: degrees('lat'),
    pixels: optional('pixels', toWhole),
    validFraction: index('valid_fraction'),
    cloudFraction: index('cloud_fraction'),
    sceneId: name('scene_id'),
    processingVersion: name('processing_version'),
    textureContrast: index('texture_contrast'),
    textureDissimilarity: index('texture_dissimilarity'),
    textureHomogeneity: index('texture_homogeneity'),
    textureEnergy: index('texture_energy'),
    textureCorrelation: index('texture_correlation'),
    textureEntropy: index('texture_entropy'),
  }
}

/** Mean, minimum and maximum in fixed point, as they are compared and stored. */
function refuseContradiction(min: number | null, mean: number, max: number | null): void {
  if (min !== null && max !== null && min > max) throw new InvalidEventError('ndvi_min', 'ndvi_min is above ndvi_max')
  if (min !== null && mean < min) throw new InvalidEventError('ndvi_mean', 'ndvi_mean is below ndvi_min')
  if (max !== null && mean > max) throw new InvalidEventError('ndvi_mean', 'ndvi_mean is above ndvi_max')
}

/** Text, or a whole number: image ids and class codes are often numbers. */
function text(value: unknown, field: keyof WireEvent): string {
  if (value === undefined || value === null) throw new InvalidEventError(field, `${field} is missing`)
  if (Number.isSafeInteger(value)) return String(value)
  if (typeof value !== 'string') throw new InvalidEventError(field, `${field} must be text`)
  if (value === '' || value.length > MAX_TEXT_LENGTH) {
    throw new InvalidEventError(field, `${field} must have 1 to ${MAX_TEXT_LENGTH} characters`)
  }
  if (!value.isWellFormed()) throw new InvalidEventError(field, `${field} must be well-formed Unicode`)
  return value
}

/** Text as above, or null where there is none. Text that cannot be used is told to `onUnused`. */
function optionalText(value: unknown, field: keyof WireEvent, onUnused: (unused: UnusedValue) => void): string | null {
  if (value === undefined || value === null) return null
  try {
    return text(value, field)
  } catch (error) {
    if (!(error instanceof InvalidEventError)) throw error
    onUnused({ field, message: error.message })
    return null
  }
}

function required(value: unknown, field: NumberName): number {
  if (value === undefined || value === null) throw new InvalidEventError(field, `${field} is missing`)
  const read = numberOf(value, field)
  if (typeof read === 'string') throw new InvalidEventError(field, read)
  return toMicro(read)
}

const DECIMAL = /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i

/** Reads a number, or text that is one. Returns text that says what is wrong with another. */
function numberOf(value: unknown, field: NumberName): number | string {
  const { lowest, highest } = NUMBERS[field]
  const read = typeof value === 'string' && DECIMAL.test(value) ? Number(value) : value
  if (typeof read !== 'number') return `${field} must be a number`
  return read >= lowest && read <= highest ? read : `${field} must lie between ${lowest} and ${highest}`
}

/** Numbers from here on are milliseconds since 1970. Smaller ones could be seconds: as such they reach the year 5138. */
const LEAST_EPOCH_MS = 1e11

function timeOf(value: unknown): number {
  if (value === undefined || value === null) throw new InvalidEventError('timestamp', 'timestamp is missing')
  const ms = typeof value === 'string' ? parseTimestamp(value) : epochMs(value)
  if (ms === null) {
    throw new InvalidEventError(
      'timestamp',
      'timestamp must be ISO 8601, such as 2026-11-22T14:00:00Z or 2026-11-22, or whole milliseconds since 1970',
    )
  }
  return ms
}

function checkedTime(ms: number, arrivalMs: number): number {
  if (ms < 0) throw new InvalidEventError('timestamp', 'timestamp must not lie before 1970')
  if (ms > arrivalMs + FUTURE_TOLERANCE_MS) {
    throw new InvalidEventError(
      'timestamp',
      `timestamp lies more than ${FUTURE_TOLERANCE_MS / MINUTE_MS} minutes after arrival`,
    )
  }
  return ms
}

function epochMs(value: unknown): number | null {
  return Number.isSafeInteger(value) && (value as number) >= LEAST_EPOCH_MS ? (value as number) : null
}
