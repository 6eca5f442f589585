import type { ViewReader } from '../batch/view-reader.ts'
import type { ImageEvent } from '../core/event.ts'
import type { NumberName } from '../core/event-fields.ts'
import { fromDegreesE7, fromMicro, fromMilli } from '../core/fixed-point.ts'
import { DETECTION } from '../core/looks/detection.ts'
import { siteOf } from '../core/looks/look.ts'
import { verdictOf } from '../core/looks/verdict.ts'
import { compareText } from '../core/text-order.ts'
import { formatTimestamp } from '../core/time.ts'
import { BadParameterError } from './bad-parameter.ts'
import { refuseUnknownClass } from './class-names.ts'
import { refuseTooManyRows } from './most-rows.ts'
import {
  looksOfSite,
  type NormalsSource,
  normalOfImage,
  readNormals,
  refuseUnknownSite,
  type SiteBaselines,
} from './site-normals.ts'
import type { ObservationRow, ObservationsQuery } from './site-schemas.ts'
import { decoded, type SiteSource } from './sites.ts'

/** Ports from which observations are read. */
export interface ObservationsSource extends SiteSource, NormalsSource {
  views: ViewReader
}

/**
 * Answers the observations of a site as of the batch view, in the order of their times. A site is known when it is
 * stored, or when an image names it.
 *
 * @throws BadParameterError when the site or class is unknown, the range is invalid, or there are too many rows
 */
export async function observations(
  source: ObservationsSource,
  { id, class: only, from = 0, to = Number.POSITIVE_INFINITY }: ObservationsQuery,
): Promise<ObservationRow[]> {
  if (to < from) throw new BadParameterError('to: must not be before from')
  await refuseUnknownClass(source, only)
  const siteId = decoded(id)
  const looks = await looksOfSite(source, siteId)
  if (looks.length === 0) await refuseUnknownSite(source, siteId)
  const rows = looks
    .map(({ event }) => event)
    .filter(({ className, eventMs }) => (only === undefined || className === only) && from <= eventMs && eventMs < to)
    .sort((a, b) => a.eventMs - b.eventMs || compareText(a.imageId, b.imageId))
  refuseTooManyRows('from', rows.length)
  const normals = await readNormals(source, siteId)
  return rows.map(event => rowOf(event, normals.get(event.className)))
}

/** Fields of events by their names in JSON, with their fixed point. */
const NUMBERS_OF_EVENTS: Record<NumberName, [field: keyof ImageEvent, fromInteger: (integer: number) => number]> = {
  ndvi_mean: ['ndviMean', fromMicro],
  ndvi_std: ['ndviStd', fromMicro],
  ndvi_min: ['ndviMin', fromMicro],
  ndvi_max: ['ndviMax', fromMicro],
  vegetation_index: ['vegetationIndex', fromMicro],
  red_mean: ['red', fromMilli],
  green_mean: ['green', fromMilli],
  blue_mean: ['blue', fromMilli],
  nir_mean: ['nir', fromMilli],
  brightness_mean: ['brightness', fromMilli],
  lon: ['lon', fromDegreesE7],
  lat: ['lat', fromDegreesE7],
  pixels: ['pixels', Number],
  valid_fraction: ['validFraction', fromMicro],
  cloud_fraction: ['cloudFraction', fromMicro],
  texture_contrast: ['textureContrast', fromMicro],
  texture_dissimilarity: ['textureDissimilarity', fromMicro],
  texture_homogeneity: ['textureHomogeneity', fromMicro],
  texture_energy: ['textureEnergy', fromMicro],
  texture_correlation: ['textureCorrelation', fromMicro],
  texture_entropy: ['textureEntropy', fromMicro],
}

function rowOf(event: ImageEvent, baselines: SiteBaselines | undefined): ObservationRow {
  const numbers = Object.entries(NUMBERS_OF_EVENTS).map(([name, [field, fromInteger]]) => {
    const value = event[field] as number | null
    return [name, value === null ? null : fromInteger(value)] as const
  })
  return {
    timestamp: formatTimestamp(event.eventMs),
    site_id: siteOf(event) as string,
    class_name: event.className,
    image_id: event.imageId,
    scene_id: event.sceneId,
    processing_version: event.processingVersion,
    ...(Object.fromEntries(numbers) as Record<Exclude<NumberName, 'ndvi_mean'>, number | null> & { ndvi_mean: number }),
    is_clear: isClear(event, baselines),
    ...normalOfImage(baselines, event.eventMs),
  }
}

/** Tells whether an image shows land. Without a mask of its producer this needs what is typical of its class. */
function isClear(event: ImageEvent, baselines: SiteBaselines | undefined): boolean | null {
  const isMasked = event.cloudFraction !== null || event.validFraction !== null
  if (!isMasked && !baselines?.ofClass.typical) return null
  return verdictOf(event, baselines?.ofClass.typical ?? null, DETECTION) === 'land'
}
