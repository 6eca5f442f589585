import { BANDS, type Band } from './event.ts'
import { MICRO, MILLI } from './fixed-point.ts'
import type { History } from './history.ts'

const BINS_PER_UNIT = 1000

/**
 * Computes a quantile of NDVI from the histogram: the NDVI below which the given share of the images lies. Exact to one
 * bin (0.001); within a bin, images are assumed to be spread evenly. At most 1, the only NDVI in the last bin. Null
 * without images.
 */
export function quantile(histogram: ReadonlyMap<number, number>, share: number): number | null {
  const bins = [...histogram].filter(([, count]) => count > 0).sort(([a], [b]) => a - b)
  const images = bins.reduce((sum, [, count]) => sum + count, 0)
  let below = 0
  for (const [bin, count] of bins) {
    if (below + count >= share * images) {
      return Math.min(1, (bin + (share * images - below) / count) / BINS_PER_UNIT)
    }
    below += count
  }
  return null
}

/** Computes Pearson's correlation of a band's mean with mean NDVI, over images; null when one of them does not vary. */
export function correlation({ totals, moments }: History, band: Band): number | null {
  const { count, sum } = totals.bands[band]
  const { squareSum, ndviSum, ndviSquareSum, productSum } = moments[band]
  const n = BigInt(count)
  return pearson(n * productSum - sum * ndviSum, n * squareSum - sum * sum, n * ndviSquareSum - ndviSum * ndviSum)
}

/**
 * Computes a correlation from a covariance and variances that are all scaled by the same factor. Limited to -1 to 1
 * because of rounding.
 */
function pearson(covariance: bigint, varianceA: bigint, varianceB: bigint): number | null {
  const variances = Number(varianceA) * Number(varianceB)
  return variances > 0 ? Math.min(1, Math.max(-1, Number(covariance) / Math.sqrt(variances))) : null
}

/** Line of NDVI over the days of the images, by least squares. */
export interface Trend {
  /** Change of NDVI in a year of 365.25 days. */
  slopePerYear: number
  /** Pearson's correlation of NDVI with the day; 0 when NDVI does not vary. */
  correlation: number
}

/**
 * Computes the trend of the images' mean NDVI over their days by least squares; null when all images are of one day.
 */
export function trend({ totals, time }: History): Trend | null {
  const n = BigInt(totals.count)
  const ofDays = n * time.daySquareSum - time.daySum * time.daySum
  if (ofDays <= 0n) return null
  const ofNdvi = n * totals.ndviSquareSum - totals.ndviSum * totals.ndviSum
  const covariance = n * time.productSum - time.daySum * totals.ndviSum
  return {
    slopePerYear: ((Number(covariance) / Number(ofDays)) * 365.25) / MICRO,
    correlation: pearson(covariance, ofDays, ofNdvi) ?? 0,
  }
}

/** Quantity that may separate classes. */
export type Feature = 'ndvi' | Band

/**
 * Computes how well one quantity separates two classes, assuming normal distributions: the Jeffries-Matusita distance 2
 * (1 - exp(-B)), from 0 (not at all) to 2 (fully). B is the Bhattacharyya distance (J. A. Richards, "Remote Sensing
 * Digital Image Analysis", section on separability measures). Null when a class has fewer than two images, or when both
 * classes are the same constant.
 */
export function separability(a: History, b: History, feature: Feature): number | null {
  const first = normalOf(a, feature)
  const second = normalOf(b, feature)
  if (!first || !second) return null
  const variance = first.variance + second.variance
  if (variance === 0) return first.mean === second.mean ? null : 2
  const apart = (first.mean - second.mean) ** 2 / (4 * variance)
  // If one class does not vary, the second term is infinite: the classes are fully separated.
  const unlike = 0.5 * Math.log(variance / (2 * Math.sqrt(first.variance * second.variance)))
  // The arithmetic mean is never below the geometric mean, except by rounding.
  return -2 * Math.expm1(-(apart + Math.max(0, unlike)))
}

function normalOf({ totals, moments }: History, feature: Feature): { mean: number; variance: number } | null {
  const [count, sum, squareSum, unit] =
    feature === 'ndvi'
      ? ([totals.count, totals.ndviSum, totals.ndviSquareSum, MICRO] as const)
      : ([totals.bands[feature].count, totals.bands[feature].sum, moments[feature].squareSum, MILLI] as const)
  if (count < 2) return null
  const n = BigInt(count)
  const variance = Number(n * squareSum - sum * sum) / (count * (count - 1)) / unit ** 2
  return { mean: Number(sum) / count / unit, variance }
}

export const FEATURES: readonly Feature[] = ['ndvi', ...BANDS]
