import { addHistogram, countInto, type Histogram } from './histogram.ts'
import type { Look } from './look.ts'
import { octaveBinOf } from './octaves.ts'
import { CLASS_BINS, classBinOf, SITE_BINS, siteBinOf } from './season.ts'
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
  /** All looks, and those at land, in each ten-day bin of the year. */
  all: number[]
  land: number[]
}

export function emptyClassTotals(): ClassTotals {
  return {
    blue: new Map(),
    red: new Map(),
    bandLooks: 0,
    ndvi: Array.from({ length: CLASS_BINS }, () => new Map()),
    residuals: Array.from({ length: CLASS_BINS }, () => new Map()),
    all: new Array<number>(SITE_BINS).fill(0),
    land: new Array<number>(SITE_BINS).fill(0),
  }
}

/** Counts what a look says of light and clouds, whether it shows land or not. A band of 0 is no measurement of light. */
export function countClassLight(
  totals: ClassTotals,
  { eventMs, blue, red }: Pick<Look, 'eventMs' | 'blue' | 'red'>,
  verdict: Verdict,
): void {
  const bin = siteBinOf(eventMs)
  totals.all[bin] = (totals.all[bin] as number) + 1
  if (verdict === 'land') totals.land[bin] = (totals.land[bin] as number) + 1
  if (!blue || !red) return
  countInto(totals.blue, octaveBinOf(blue))
  countInto(totals.red, octaveBinOf(red))
  totals.bandLooks += 1
}

/** Counts the NDVI of a look at land. @param residual what it differed from its site's normal; null when not known */
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
  into.all = into.all.map((count, bin) => count + (other.all[bin] as number))
  into.land = into.land.map((count, bin) => count + (other.land[bin] as number))
}
