import { toMicro, toMilli } from './fixed-point.ts'
import { MINUTE_MS, parseTimestamp } from './time.ts'

/** Spectral bands for which an event may carry the mean of the image, in the order of the archive's columns. */
export const BANDS = ['red', 'green', 'blue', 'nir', 'brightness'] as const
/** Name of a band. */
export type Band = (typeof BANDS)[number]

/** Event as producers write it: the 13 fields of the original. Null or absent means "not measured". */
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
  /** Event time: the time when the image was taken. ISO 8601; UTC when it names no zone. */
  timestamp: string
}

/** Event after decoding. NDVI as integers of 1e-6, band means as integers of 1e-3, times in ms. */
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
}

/**
 * Thrown for a value that is no valid event. `field` is the wire name, or null when the value as a whole is invalid.
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
export const MAX_TEXT_LENGTH = 256
export const MAX_BAND_MEAN = 1_000_000
export const MAX_VEGETATION_INDEX = 100

/** An optional value that cannot be used. The event counts without it. */
export interface UnusedValue {
  field: keyof WireEvent
  /** What the value must be. */
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
  const optional = (field: keyof WireEvent, lowest: number, highest: number): number | null => {
    const read = numberWithin(wire[field], field, lowest, highest)
    if (typeof read !== 'string') return read
    onUnused({ field, message: read })
    return null
  }
  const index = (field: keyof WireEvent, lowest: number, highest: number) =>
    scaled(optional(field, lowest, highest), toMicro)
  const bandMean = (field: keyof WireEvent) => scaled(optional(field, 0, MAX_BAND_MEAN), toMilli)

  const eventMs = timestamp(wire.timestamp, arrivalMs)
  const ndviMean = required(wire.ndvi_mean, 'ndvi_mean', -1, 1)
  const imageId = text(wire.image_id, 'image_id')
  const className = text(wire.class_name, 'class_name')
  const ndviMin = index('ndvi_min', -1, 1)
  const ndviMax = index('ndvi_max', -1, 1)
  refuseContradiction(ndviMin, ndviMean, ndviMax)
  return {
    imageId,
    className,
    eventMs,
    ndviMean,
    ndviStd: index('ndvi_std', 0, 2),
    ndviMin,
    ndviMax,
    vegetationIndex: index('vegetation_index', -MAX_VEGETATION_INDEX, MAX_VEGETATION_INDEX),
    red: bandMean('red_mean'),
    green: bandMean('green_mean'),
    blue: bandMean('blue_mean'),
    nir: bandMean('nir_mean'),
    brightness: bandMean('brightness_mean'),
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

function scaled(value: number | null, toInteger: (value: number) => number): number | null {
  return value === null ? null : toInteger(value)
}

function required(value: unknown, field: keyof WireEvent, lowest: number, highest: number): number {
  const read = numberWithin(value, field, lowest, highest)
  if (read === null) throw new InvalidEventError(field, `${field} is missing`)
  if (typeof read === 'string') throw new InvalidEventError(field, read)
  return toMicro(read)
}

const DECIMAL = /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i

/** Reads a number, or text that is one. Returns null when it is absent, and text that says what is wrong. */
function numberWithin(value: unknown, field: keyof WireEvent, lowest: number, highest: number): number | string | null {
  if (value === undefined || value === null) return null
  const read = typeof value === 'string' && DECIMAL.test(value) ? Number(value) : value
  if (typeof read !== 'number') return `${field} must be a number`
  return read >= lowest && read <= highest ? read : `${field} must lie between ${lowest} and ${highest}`
}

/** Numbers from here on are milliseconds since 1970. Smaller ones could be seconds: as such they reach the year 5138. */
const LEAST_EPOCH_MS = 1e11

function timestamp(value: unknown, arrivalMs: number): number {
  if (value === undefined || value === null) throw new InvalidEventError('timestamp', 'timestamp is missing')
  const ms = typeof value === 'string' ? parseTimestamp(value) : epochMs(value)
  if (ms === null) {
    throw new InvalidEventError(
      'timestamp',
      'timestamp must be ISO 8601, such as 2026-11-22T14:00:00Z or 2026-11-22, or whole milliseconds since 1970',
    )
  }
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
