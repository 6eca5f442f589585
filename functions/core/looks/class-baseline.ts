import { type ClassTotals, NDVI_WIDTH } from './class-totals.ts'
import type { Detection } from './detection.ts'
import {
  addHistogram,
  type Distribution,
  distributionOf,
  type Histogram,
  medianDistance,
  medianOf,
} from './histogram.ts'
import { octaveQuantile } from './octaves.ts'
import { CLASS_BINS } from './season.ts'
import type { TypicalBands } from './verdict.ts'

/** Baseline of a class, a function of its totals; NDVI in millionths, whole numbers. */
export interface ClassBaseline {
  typical: TypicalBands | null
  /** Median NDVI of each five-day bin; null where too few looks are near it in the year. */
  curve: readonly (number | null)[]
  /** Standard deviation of a look from its site's normal in each five-day bin, from the median distance. */
  scale: readonly (number | null)[]
}

/** Bins on each side of one that its median, and its spread, are taken from: 15 and 30 days. */
const CURVE_HALF = 3
const SCALE_HALF = 6
/** Bins on each side at most: with the bin itself the whole year. */
const MAX_HALF = (CLASS_BINS - 1) / 2

/** Standard deviation of a normal distribution whose median distance from its middle is 1. */
const SD_OF_MEDIAN_DISTANCE = 1.4826

export function classBaselineOf(totals: ClassTotals, detection: Detection): ClassBaseline {
  return {
    typical: typicalBands(totals, detection),
    curve: overWindows(totals.ndvi, CURVE_HALF, detection.minCurveLooks, looks => medianOf(looks, NDVI_WIDTH)),
    scale: overWindows(totals.residuals, SCALE_HALF, detection.minScaleLooks, looks => {
      const median = medianOf(looks, NDVI_WIDTH)
      return Math.round(SD_OF_MEDIAN_DISTANCE * medianDistance(looks, median, NDVI_WIDTH))
    }),
  }
}

function typicalBands({ blue, red, bandLooks }: ClassTotals, detection: Detection): TypicalBands | null {
  if (bandLooks < detection.minBandLooks) return null
  const typical = (histogram: Histogram) => octaveQuantile(distributionOf(histogram), detection.bandQuantilePercent)
  return { blue: typical(blue), red: typical(red) }
}

/** A statistic of the looks around each bin of the year. The window grows by halves until it holds enough looks. */
function overWindows(
  histograms: readonly Histogram[],
  half: number,
  least: number,
  statistic: (looks: Distribution) => number,
): (number | null)[] {
  const counts = histograms.map(histogram => histogram.values().reduce((sum, count) => sum + count, 0))
  let ofYear: number | null | undefined
  return histograms.map((_, bin) => {
    for (let reach = half; ; reach = Math.min(MAX_HALF, Math.ceil(reach * 1.5))) {
      const bins = binsAround(bin, reach)
      const isEnough = bins.reduce((sum, each) => sum + (counts[each] as number), 0) >= least
      const over = () =>
        isEnough ? statistic(distributionOf(sumOf(bins.map(each => histograms[each] as Histogram)))) : null
      if (reach === MAX_HALF) {
        // All windows of a whole year are the same.
        if (ofYear === undefined) ofYear = over()
        return ofYear
      }
      if (isEnough) return over()
    }
  })
}

function binsAround(bin: number, reach: number): number[] {
  return Array.from({ length: 2 * reach + 1 }, (_, index) => (bin + index - reach + CLASS_BINS) % CLASS_BINS)
}

function sumOf(histograms: readonly Histogram[]): Histogram {
  const sum: Histogram = new Map()
  for (const histogram of histograms) addHistogram(sum, histogram)
  return sum
}
