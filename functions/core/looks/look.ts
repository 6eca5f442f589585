import type { ImageEvent } from '../event.ts'
import { compareText } from '../text-order.ts'

/** Look: one event, as an observation of a site. NDVI and shares in millionths, band means in thousandths. */
export interface Look {
  imageId: string
  className: string
  /** Null when an event has neither a site nor a place. */
  siteId: string | null
  eventMs: number
  ndvi: number
  blue: number | null
  red: number | null
  nir: number | null
  cloudFraction: number | null
  validFraction: number | null
}

/** Order of looks by event time, then by image: the same for any order of arrival. */
export function compareLooks(a: { eventMs: number; imageId: string }, b: { eventMs: number; imageId: string }): number {
  return a.eventMs - b.eventMs || compareText(a.imageId, b.imageId)
}

/** Cells of 0.001 degrees stand for sites that have no id: coordinates are integers of 1e-7 degrees. */
const CELL_E7 = 10_000

/** Makes the look of an event. Its site is the site id, or the cell of 0.001 degrees that it lies in. */
export function lookOf(event: ImageEvent): Look {
  const { imageId, className, eventMs, ndviMean: ndvi, blue, red, nir, cloudFraction, validFraction } = event
  return { imageId, className, siteId: siteOf(event), eventMs, ndvi, blue, red, nir, cloudFraction, validFraction }
}

/** Site of an event: its site id, or the cell of 0.001 degrees that it lies in. Null when it has neither. */
export function siteOf({ siteId, lon, lat }: Pick<ImageEvent, 'siteId' | 'lon' | 'lat'>): string | null {
  if (siteId !== null || lon === null || lat === null) return siteId
  return `${Math.floor(lon / CELL_E7)}:${Math.floor(lat / CELL_E7)}`
}
