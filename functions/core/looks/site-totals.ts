import type { Look } from './look.ts'
import { SITE_BINS, siteBinOf } from './season.ts'

/** Totals of the looks at land of one site. Counts and sums of whole numbers: they add up in any order. */
export interface SiteTotals {
  /** Looks, and the sum of their NDVI in millionths, in each ten-day bin of the year. */
  counts: number[]
  sums: number[]
  looks: number
  /** Time of the first look; Infinity without looks. */
  firstMs: number
}

export function emptySiteTotals(): SiteTotals {
  return {
    counts: new Array<number>(SITE_BINS).fill(0),
    sums: new Array<number>(SITE_BINS).fill(0),
    looks: 0,
    firstMs: Number.POSITIVE_INFINITY,
  }
}

/** Counts a look at land. */
export function countSiteLook(totals: SiteTotals, { eventMs, ndvi }: Pick<Look, 'eventMs' | 'ndvi'>): void {
  const bin = siteBinOf(eventMs)
  totals.counts[bin] = (totals.counts[bin] as number) + 1
  totals.sums[bin] = (totals.sums[bin] as number) + ndvi
  totals.looks += 1
  totals.firstMs = Math.min(totals.firstMs, eventMs)
}

/** Adds the totals of other looks of the same site. */
export function addSiteTotals(into: SiteTotals, other: SiteTotals): void {
  into.counts = into.counts.map((count, bin) => count + (other.counts[bin] as number))
  into.sums = into.sums.map((sum, bin) => sum + (other.sums[bin] as number))
  into.looks += other.looks
  into.firstMs = Math.min(into.firstMs, other.firstMs)
}
