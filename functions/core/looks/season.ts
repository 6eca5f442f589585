import { DAY_MS } from '../time.ts'

/** Length of a mean Gregorian year, 365.2425 days, ms. A whole number, so that every engine finds the same season. */
export const YEAR_MS = 31_556_952_000

/** Bins of ten days in a year; the last one is shorter. */
export const SITE_BIN_DAYS = 10
export const SITE_BINS = 37
/** Bins of five days in a year; the last one has the quarter of a day that is left too. */
export const CLASS_BIN_DAYS = 5
export const CLASS_BINS = 73

/** Time since the start of the mean year, ms. */
function msOfYear(ms: number): number {
  return ms % YEAR_MS
}

/** Ten-day bin of a time, 0 to 36. */
export function siteBinOf(ms: number): number {
  return Math.floor(msOfYear(ms) / (SITE_BIN_DAYS * DAY_MS))
}

/** Five-day bin of a time, 0 to 72. */
export function classBinOf(ms: number): number {
  return Math.min(CLASS_BINS - 1, Math.floor(msOfYear(ms) / (CLASS_BIN_DAYS * DAY_MS)))
}

/** Time in the middle of a ten-day bin, ms since the start of the year. */
export function middleOfSiteBin(bin: number): number {
  return (bin + 0.5) * SITE_BIN_DAYS * DAY_MS
}

/** Three numbers: those of a yearly wave, or its coefficients. */
export type Wave = readonly [constant: number, cosine: number, sine: number]

/** Constant, cosine and sine of a time of the year. */
export function waveAt(ms: number): Wave {
  const angle = (2 * Math.PI * msOfYear(ms)) / YEAR_MS
  return [1, Math.cos(angle), Math.sin(angle)]
}

/** Value of a wave with these coefficients. */
export function dot(a: Wave, b: Wave): number {
  return a[0] * b[0] + a[1] * b[1] + a[2] * b[2]
}
