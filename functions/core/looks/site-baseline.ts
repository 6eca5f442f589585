import type { ClassBaseline } from './class-baseline.ts'
import type { Detection } from './detection.ts'
import { classBinOf, dot, middleOfSiteBin, SITE_BINS, type Wave, waveAt } from './season.ts'
import type { SiteTotals } from './site-totals.ts'

/** Baseline of a site, relative to its class: a constant and a yearly wave, NDVI in millionths, whole numbers. */
export interface SiteBaseline {
  wave: Wave
  /** Looks at land that it was made from, and the time of the first. */
  looks: number
  firstMs: number
}

const MIDDLES = Array.from({ length: SITE_BINS }, (_, bin) => middleOfSiteBin(bin))
const WAVES = MIDDLES.map(waveAt)

/** Looks without which a wave says nothing. */
const MIN_LOOKS = 3
/** Rounds in which bins that lie far from the wave lose weight (Beaton and Tukey 1974), and where weight ends. */
const ROUNDS = 4
const BISQUARE_LIMIT = 4.685
/** Weight that every bin keeps, so that the equations can always be solved. */
const LEAST_WEIGHT = 0.001

/** A bin's mean as a point to fit: its distance from the class's curve, and its number of looks. */
interface BinMean {
  at: Wave
  looks: number
  residual: number
}

/**
 * Fits the wave of a site to the means of its ten-day bins by least squares with a ridge: few looks move it little from
 * the curve of its class. Returns null without a curve or with fewer than 3 looks.
 */
export function siteBaselineOf(
  totals: SiteTotals,
  { curve }: ClassBaseline,
  detection: Detection,
): SiteBaseline | null {
  const means = totals.ndvi.counts.flatMap((looks, bin): BinMean[] => {
    const normal = curve[classBinOf(MIDDLES[bin] as number)] ?? null
    if (looks === 0 || normal === null) return []
    return [{ at: WAVES[bin] as Wave, looks, residual: (totals.ndvi.sums[bin] as number) / looks - normal }]
  })
  if (totals.looks < MIN_LOOKS || means.length === 0) return null
  let weights = means.map(() => 1)
  let wave: Wave = [0, 0, 0]
  for (let round = 0; round < ROUNDS; round++) {
    wave = fitted(means, weights, detection)
    weights = bisquare(means.map(({ at, residual }) => residual - dot(at, wave)))
  }
  return {
    wave: [Math.round(wave[0]), Math.round(wave[1]), Math.round(wave[2])],
    looks: totals.looks,
    firstMs: totals.firstMs,
  }
}

function bisquare(distances: readonly number[]): number[] {
  const spread = 1.4826 * middle(distances.map(Math.abs)) + 1
  return distances.map(distance => {
    const share = Math.min(1, Math.abs(distance) / (BISQUARE_LIMIT * spread))
    return (1 - share ** 2) ** 2 + LEAST_WEIGHT
  })
}

function middle(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b)
  const half = sorted.length >> 1
  return sorted.length % 2 === 1
    ? (sorted[half] as number)
    : ((sorted[half - 1] as number) + (sorted[half] as number)) / 2
}

type Matrix = [number, number, number, number, number, number]

/** Solves the normal equations of the weighted fit. */
function fitted(means: readonly BinMean[], weights: readonly number[], { meanRidge, waveRidge }: Detection): Wave {
  // Upper half of the symmetric matrix: 00, 01, 02, 11, 12, 22.
  const m: Matrix = [meanRidge, 0, 0, waveRidge, 0, waveRidge]
  const y: [number, number, number] = [0, 0, 0]
  for (const [index, { at, looks, residual }] of means.entries()) {
    const weight = (weights[index] as number) * looks
    const [a, b, c] = at
    m[0] += weight * a * a
    m[1] += weight * a * b
    m[2] += weight * a * c
    m[3] += weight * b * b
    m[4] += weight * b * c
    m[5] += weight * c * c
    y[0] += weight * a * residual
    y[1] += weight * b * residual
    y[2] += weight * c * residual
  }
  return solved(m, y)
}

/** Solves three symmetric equations by Cramer's rule. The ridge keeps the determinant above 0. */
function solved([a, b, c, d, e, f]: Matrix, [x, y, z]: [number, number, number]): Wave {
  const [i, j, k] = [d * f - e * e, c * e - b * f, b * e - c * d]
  const determinant = a * i + b * j + c * k
  const [l, m, n] = [a * f - c * c, b * c - a * e, a * d - b * b]
  return [
    (i * x + j * y + k * z) / determinant,
    (j * x + l * y + m * z) / determinant,
    (k * x + m * y + n * z) / determinant,
  ]
}
