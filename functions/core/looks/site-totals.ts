import type { BandChange } from '../incidents/cause.ts'
import type { Look } from './look.ts'
import { addSeasonSums, countIntoSeason, emptySeasonSums, type SeasonSums, seasonMeanAt } from './season-sums.ts'

const BANDS = ['blue', 'red', 'nir'] as const

/** Totals of the looks at land of one site. Counts and sums of whole numbers: they add up in any order. */
export interface SiteTotals {
  /** NDVI in millionths, and band means in thousandths where they were measured. */
  ndvi: SeasonSums
  bands: Record<(typeof BANDS)[number], SeasonSums>
  looks: number
  /** Time of the first look; Infinity without looks. */
  firstMs: number
}

/** Fields of a look that a site's totals are computed from. */
export type SiteLook = Pick<Look, 'eventMs' | 'ndvi' | (typeof BANDS)[number]>

/** Totals of no looks. */
export function emptySiteTotals(): SiteTotals {
  return {
    ndvi: emptySeasonSums(),
    bands: { blue: emptySeasonSums(), red: emptySeasonSums(), nir: emptySeasonSums() },
    looks: 0,
    firstMs: Number.POSITIVE_INFINITY,
  }
}

/** Counts a look at land. */
export function countSiteLook(totals: SiteTotals, look: SiteLook): void {
  countIntoSeason(totals.ndvi, look.eventMs, look.ndvi)
  for (const band of BANDS) {
    const mean = look[band]
    if (mean !== null) countIntoSeason(totals.bands[band], look.eventMs, mean)
  }
  totals.looks += 1
  totals.firstMs = Math.min(totals.firstMs, look.eventMs)
}

/** Adds the totals of other looks of the same site. */
export function addSiteTotals(into: SiteTotals, other: SiteTotals): void {
  addSeasonSums(into.ndvi, other.ndvi)
  for (const band of BANDS) addSeasonSums(into.bands[band], other.bands[band])
  into.looks += other.looks
  into.firstMs = Math.min(into.firstMs, other.firstMs)
}

/**
 * Difference between a look's bands and the site's mean bands at this time of the year. Null without red or near
 * infrared.
 */
export function bandChangeOf({ bands }: SiteTotals, look: SiteLook): BandChange | null {
  const change = (band: (typeof BANDS)[number]) => {
    const [mean, normal] = [look[band], seasonMeanAt(bands[band], look.eventMs)]
    return mean === null || normal === null ? null : Math.round(mean - normal)
  }
  const [blue, red, nir] = [change('blue'), change('red'), change('nir')]
  return red === null || nir === null ? null : { blue, red, nir }
}
