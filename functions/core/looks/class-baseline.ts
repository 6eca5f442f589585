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
  /** Standard deviation of looks from the curve in each five-day bin, from the median distance. */
  spread: readonly (number | null)[]
  /** Standard deviation of a look from its site's normal in each five-day bin, from the median distance. */
  scale: readonly (number | null)[]
}

/** Bins on each side of one that its median, and its spread, are taken from: 15 and 30 days. */
const CURVE_HALF = 3
const SCALE_HALF = 6
/** Bins on each side at most: with the bin itself the whole year. */
const MAX_HALF = (CLASS_BINS - 1) / 2

/** Percent of looks that show the darkest land, even where most are cloudy, and steps in which a quantile is sought. */
const DARK_PERCENT = 10
const PERCENT_STEP = 5

/** Standard deviation of a normal distribution whose median distance from its middle is 1. */
const SD_OF_MEDIAN_DISTANCE = 1.4826

/** Computes the baseline of a class from its totals. */
export function classBaselineOf(totals: ClassTotals, detection: Detection): ClassBaseline {
  const normal = overWindows(totals.ndvi, CURVE_HALF, detection.minCurveLooks, looks => {
    return { median: medianOf(looks, NDVI_WIDTH), deviation: deviationOf(looks) }
  })
  const spread = normal.map(each => each?.deviation ?? null)
  return {
    typical: typicalBands(totals, detection),
    curve: normal.map(each => each?.median ?? null),
    spread,
    scale: scaleOf(totals.residuals, spread, detection),
  }
}

function typicalBands({ blue, red, bandLooks }: ClassTotals, detection: Detection): TypicalBands | null {
  if (bandLooks < detection.minBandLooks) return null
  const ofBlue = distributionOf(blue)
  // When more looks are cloudy than the quantile allows for, the quantile is the blue of clouds: bright beside the
  // darkest tenth.
  const brightFrom = detection.blueFactor * octaveQuantile(ofBlue, DARK_PERCENT)
  let percent = detection.bandQuantilePercent
  while (percent > DARK_PERCENT && octaveQuantile(ofBlue, percent) > brightFrom) percent -= PERCENT_STEP
  return { blue: octaveQuantile(ofBlue, percent), red: octaveQuantile(distributionOf(red), percent) }
}

function deviationOf(looks: Distribution): number {
  return Math.round(SD_OF_MEDIAN_DISTANCE * medianDistance(looks, medianOf(looks, NDVI_WIDTH), NDVI_WIDTH))
}

/**
 * Deviation of each bin: the larger of those of two windows, because a season in which a class changes fast, such as
 * before a harvest, may be short. While residuals of a season are too few, the spread of NDVI itself counts too: it is
 * known earlier, and not smaller, because sites differ.
 */
function scaleOf(
  residuals: readonly Histogram[],
  spread: readonly (number | null)[],
  { minScaleLooks }: Detection,
): (number | null)[] {
  const [narrow, wide] = [CURVE_HALF, SCALE_HALF].map(half => overWindows(residuals, half, minScaleLooks, deviationOf))
  const counts = residuals.map(countOf)
  return spread.map((ofNdvi, bin) => {
    const isKnown = countAround(counts, bin, SCALE_HALF) >= minScaleLooks
    const known = [narrow?.[bin], wide?.[bin], isKnown ? null : ofNdvi].filter(each => typeof each === 'number')
    return known.length === 0 ? null : Math.max(...known)
  })
}

/** A statistic of the looks around each bin of the year. The window grows by halves until it holds enough looks. */
function overWindows<Value>(
  histograms: readonly Histogram[],
  half: number,
  least: number,
  statistic: (looks: Distribution) => Value,
): (Value | null)[] {
  const counts = histograms.map(countOf)
  let ofYear: Value | null | undefined
  return histograms.map((_, bin) => {
    for (let reach = half; ; reach = Math.min(MAX_HALF, Math.ceil(reach * 1.5))) {
      const bins = binsAround(bin, reach)
      const isEnough = countAround(counts, bin, reach) >= least
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

function countOf(histogram: Histogram): number {
  return histogram.values().reduce((sum, count) => sum + count, 0)
}

function countAround(counts: readonly number[], bin: number, reach: number): number {
  return binsAround(bin, reach).reduce((sum, each) => sum + (counts[each] as number), 0)
}

function binsAround(bin: number, reach: number): number[] {
  return Array.from({ length: 2 * reach + 1 }, (_, index) => (bin + index - reach + CLASS_BINS) % CLASS_BINS)
}

function sumOf(histograms: readonly Histogram[]): Histogram {
  const sum: Histogram = new Map()
  for (const histogram of histograms) addHistogram(sum, histogram)
  return sum
}
