import { compareText } from '../text-order.ts'

/** Look: one event, as an observation of a site. NDVI and shares in millionths, band means in thousandths. */
export interface Look {
  imageId: string
  className: string
  /** Null where an event says neither its site nor its place. */
  siteId: string | null
  eventMs: number
  ndvi: number
  red: number | null
  blue: number | null
  cloudFraction: number | null
  validFraction: number | null
}

/** Order of looks by event time, then by image: the same in whatever order they arrived. */
export function compareLooks(a: { eventMs: number; imageId: string }, b: { eventMs: number; imageId: string }): number {
  return a.eventMs - b.eventMs || compareText(a.imageId, b.imageId)
}
