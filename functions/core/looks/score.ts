import { DAY_MS } from '../time.ts'
import type { ClassBaseline } from './class-baseline.ts'
import type { Detection } from './detection.ts'
import type { Look } from './look.ts'
import { classBinOf, dot, waveAt } from './season.ts'
import type { SiteBaseline } from './site-baseline.ts'

/** Distance of a look at land from the baseline of its site on this day of the year. NDVI in millionths. */
export interface Score {
  residual: number
  /** Standard deviation that it is compared with; null while its class has too few residuals. */
  scale: number | null
}

/** Scores a look at land. Returns null while its class has no curve, or its site no baseline. */
export function scoreOf(
  { eventMs, ndvi }: Pick<Look, 'eventMs' | 'ndvi'>,
  classNormal: Pick<ClassBaseline, 'curve' | 'scale'>,
  siteNormal: SiteBaseline | null,
  { minScale }: Detection,
): Score | null {
  const bin = classBinOf(eventMs)
  const normal = classNormal.curve[bin] ?? null
  if (normal === null || siteNormal === null) return null
  const scale = classNormal.scale[bin] ?? null
  return {
    residual: ndvi - normal - Math.round(dot(waveAt(eventMs), siteNormal.wave)),
    scale: scale === null ? null : Math.max(scale, minScale),
  }
}

/**
 * Scores a look at land without a site by its class alone, thousandths of a standard deviation. Returns null while the
 * class has no curve, or too short a history. @param firstMs time of the first look at land of the class
 */
export function classScoreOf(
  { eventMs, ndvi }: Pick<Look, 'eventMs' | 'ndvi'>,
  { curve, spread }: ClassBaseline,
  firstMs: number,
  { minScale, minHistoryDays }: Detection,
): number | null {
  const bin = classBinOf(eventMs)
  const [normal, deviation] = [curve[bin] ?? null, spread[bin] ?? null]
  if (normal === null || deviation === null || eventMs - firstMs < minHistoryDays * DAY_MS) return null
  return Math.round((1_000 * (ndvi - normal)) / Math.max(deviation, minScale))
}

/** Tells whether a site still learns at a time: it has too few looks, or too short a history. */
export function isLearning(
  site: Pick<SiteBaseline, 'looks' | 'firstMs'> | null,
  atMs: number,
  { minSiteLooks, minHistoryDays }: Detection,
): boolean {
  return site === null || site.looks < minSiteLooks || atMs - site.firstMs < minHistoryDays * DAY_MS
}
