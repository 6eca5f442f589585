/** Sums over the pixels of a zone (a site, a chip, or a class in a cell), weighted by their share. */
export interface ZoneSums {
  /** Weight of all pixels inside the image. */
  inside: number
  /** Weight of the pixels that count. */
  valid: number
  cloudy: number
  /** NDVI of the first pixel that counted. Sums use the differences from it, so that squares do not cancel. */
  shift: number
  ndvi: number
  ndviSquares: number
  ndviMin: number
  ndviMax: number
  /** Digital numbers. */
  red: number
  nir: number
  green: number
  blue: number
  /**
   * Weight of the pixels that count and whose green or blue is a number: one that is NaN is left out of its own mean.
   */
  greenWeight: number
  blueWeight: number
}

/** Sums over no pixels. */
export function emptySums(): ZoneSums {
  return {
    inside: 0,
    valid: 0,
    cloudy: 0,
    shift: 0,
    ndvi: 0,
    ndviSquares: 0,
    ndviMin: Number.POSITIVE_INFINITY,
    ndviMax: Number.NEGATIVE_INFINITY,
    red: 0,
    nir: 0,
    green: 0,
    blue: 0,
    greenWeight: 0,
    blueWeight: 0,
  }
}

/** Statistics of the pixels that count. Means of bands are digital numbers; null for a band without a number. */
export interface Statistics {
  ndviMean: number
  /** Population standard deviation, weighted. */
  ndviStd: number
  ndviMin: number
  ndviMax: number
  red: number
  nir: number
  green: number | null
  blue: number | null
}

/** Computes statistics from sums. Returns null if nothing is valid. */
export function statisticsOf(sums: ZoneSums): Statistics | null {
  const { valid } = sums
  if (!(valid > 0)) return null
  const mean = sums.ndvi / valid
  return {
    ndviMean: sums.shift + mean,
    ndviStd: Math.sqrt(Math.max(0, sums.ndviSquares / valid - mean * mean)),
    ndviMin: sums.ndviMin,
    ndviMax: sums.ndviMax,
    red: sums.red / valid,
    nir: sums.nir / valid,
    green: meanOf(sums.green, sums.greenWeight),
    blue: meanOf(sums.blue, sums.blueWeight),
  }
}

function meanOf(sum: number, weight: number): number | null {
  return weight > 0 ? sum / weight : null
}
