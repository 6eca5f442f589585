import { toMicro, toMilli } from './fixed-point.ts'
import { MINUTE_MS, parseTimestamp } from './time.ts'

/** Spectral bands for which an event may carry the mean of the image, in the order of the archive's columns. */
export const BANDS = ['red', 'green', 'blue', 'nir', 'brightness'] as const
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

/**
 * Decodes a parsed JSON value to an event in fixed point.
 *
 * @param arrivalMs arrival time of the record, ms. An event time more than FUTURE_TOLERANCE_MS later is refused.
 * @throws InvalidEventError that names the field and what it must be
 */
export function decodeEvent(value: unknown, arrivalMs: number): ImageEvent {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new InvalidEventError(null, 'an event must be a JSON object')
  }
  const wire = value as Record<keyof WireEvent, unknown>
  const eventMs = timestamp(wire.timestamp, arrivalMs)
  const ndviMin = index(wire.ndvi_min, 'ndvi_min', -1, 1)
  const ndviMax = index(wire.ndvi_max, 'ndvi_max', -1, 1)
  const ndviMean = index(wire.ndvi_mean, 'ndvi_mean', -1, 1)
  if (ndviMean === null) throw new InvalidEventError('ndvi_mean', 'ndvi_mean is missing')
  if (ndviMin !== null && ndviMax !== null && ndviMin > ndviMax) {
    throw new InvalidEventError('ndvi_min', 'ndvi_min is above ndvi_max')
  }
  return {
    imageId: text(wire.image_id, 'image_id'),
    className: text(wire.class_name, 'class_name'),
    eventMs,
    ndviMean,
    ndviStd: index(wire.ndvi_std, 'ndvi_std', 0, 2),
    ndviMin,
    ndviMax,
    vegetationIndex: index(wire.vegetation_index, 'vegetation_index', -MAX_VEGETATION_INDEX, MAX_VEGETATION_INDEX),
    red: bandMean(wire.red_mean, 'red_mean'),
    green: bandMean(wire.green_mean, 'green_mean'),
    blue: bandMean(wire.blue_mean, 'blue_mean'),
    nir: bandMean(wire.nir_mean, 'nir_mean'),
    brightness: bandMean(wire.brightness_mean, 'brightness_mean'),
  }
}

function text(value: unknown, field: keyof WireEvent): string {
  if (value === undefined || value === null) throw new InvalidEventError(field, `${field} is missing`)
  if (typeof value !== 'string') throw new InvalidEventError(field, `${field} must be text`)
  if (value === '' || value.length > MAX_TEXT_LENGTH) {
    throw new InvalidEventError(field, `${field} must have 1 to ${MAX_TEXT_LENGTH} characters`)
  }
  if (!value.isWellFormed()) throw new InvalidEventError(field, `${field} must be well-formed Unicode`)
  return value
}

function index(value: unknown, field: keyof WireEvent, lowest: number, highest: number): number | null {
  const measured = numberWithin(value, field, lowest, highest)
  return measured === null ? null : toMicro(measured)
}

function bandMean(value: unknown, field: keyof WireEvent): number | null {
  const measured = numberWithin(value, field, 0, MAX_BAND_MEAN)
  return measured === null ? null : toMilli(measured)
}

function numberWithin(value: unknown, field: keyof WireEvent, lowest: number, highest: number): number | null {
  if (value === undefined || value === null) return null
  if (typeof value !== 'number') throw new InvalidEventError(field, `${field} must be a number`)
  if (!(value >= lowest && value <= highest)) {
    throw new InvalidEventError(field, `${field} must lie between ${lowest} and ${highest}`)
  }
  return value
}

function timestamp(value: unknown, arrivalMs: number): number {
  if (value === undefined || value === null) throw new InvalidEventError('timestamp', 'timestamp is missing')
  const ms = typeof value === 'string' ? parseTimestamp(value) : null
  if (ms === null) throw new InvalidEventError('timestamp', 'timestamp must be an ISO 8601 date and time')
  if (ms < 0) throw new InvalidEventError('timestamp', 'timestamp must not lie before 1970')
  if (ms > arrivalMs + FUTURE_TOLERANCE_MS) {
    throw new InvalidEventError(
      'timestamp',
      `timestamp lies more than ${FUTURE_TOLERANCE_MS / MINUTE_MS} minutes after arrival`,
    )
  }
  return ms
}
