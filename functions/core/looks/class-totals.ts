import { addHistogram, countInto, type Histogram } from './histogram.ts'
import type { Look } from './look.ts'
import { octaveBinOf } from './octaves.ts'
import { CLASS_BINS, classBinOf } from './season.ts'
import { addSeasonSums, countIntoSeason, emptySeasonSums, type SeasonSums } from './season-sums.ts'
import type { Verdict } from './verdict.ts'

/** Width of the bins of NDVI and of residuals, millionths. */
export const NDVI_WIDTH = 5_000

/** Totals of the looks of one class. All of it counts, so that totals add up in any order. */
export interface ClassTotals {
  /** Blue and red of all looks that measured both, in eighths of octaves of thousandths. */
  blue: Histogram
  red: Histogram
  bandLooks: number
  /** NDVI of looks at land, in each five-day bin of the year. */
  ndvi: Histogram[]
  /** Residuals of looks at land of known sites, in each five-day bin. */
  residuals: Histogram[]
  /** Looks, and as their sum those at land, in each ten-day bin of the year. */
  land: SeasonSums
}

/** Totals of no looks. */
export function emptyClassTotals(): ClassTotals {
  return {
    blue: new Map(),
    red: new Map(),
    bandLooks: 0,
    ndvi: Array.from({ length: CLASS_BINS }, () => new Map()),
    residuals: Array.from({ length: CLASS_BINS }, () => new Map()),
    land: emptySeasonSums(),
  }
}

/** Counts the light of a look, whether it shows land or not. A band of 0 is not a measurement of light. */
export function countClassLight(totals: ClassTotals, { blue, red }: Pick<Look, 'blue' | 'red'>): void {
  if (!blue || !red) return
  countInto(totals.blue, octaveBinOf(blue))
  countInto(totals.red, octaveBinOf(red))
  totals.bandLooks += 1
}

/** Counts whether a look shows land. */
export function countClassVerdict(totals: ClassTotals, { eventMs }: Pick<Look, 'eventMs'>, verdict: Verdict): void {
  countIntoSeason(totals.land, eventMs, verdict === 'land' ? 1 : 0)
}

/** Counts the NDVI of a look at land. @param residual difference from its site's normal; null when not known */
export function countClassNdvi(
  totals: ClassTotals,
  { eventMs, ndvi }: Pick<Look, 'eventMs' | 'ndvi'>,
  residual: number | null,
): void {
  const bin = classBinOf(eventMs)
  countInto(totals.ndvi[bin] as Histogram, Math.floor(ndvi / NDVI_WIDTH))
  if (residual !== null) countInto(totals.residuals[bin] as Histogram, Math.floor(residual / NDVI_WIDTH))
}

/** Adds the totals of other looks of the same class. */
export function addClassTotals(into: ClassTotals, other: ClassTotals): void {
  addHistogram(into.blue, other.blue)
  addHistogram(into.red, other.red)
  into.bandLooks += other.bandLooks
  for (const [bin, histogram] of into.ndvi.entries()) addHistogram(histogram, other.ndvi[bin] as Histogram)
  for (const [bin, histogram] of into.residuals.entries()) addHistogram(histogram, other.residuals[bin] as Histogram)
  addSeasonSums(into.land, other.land)
}
