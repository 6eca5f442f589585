import type { BatchStatisticsRow, ClassStatsRow } from '../../functions/serving/schemas.ts'
import { roundLimits, type Scale } from './axis.ts'
import { type ClassKey, classKeys } from './classes.ts'
import { formatBand, formatCount, formatFixed, formatNdvi, plural, UNKNOWN } from './format.ts'

/** A row of the history table, with texts for people. */
export type HistoryItem = {
  classKey: ClassKey
  count: string
  batchCount: string
  /** Images that only the speed layer has counted: "+312". */
  speedOnly: string
  /** Share of the images that the batch view has counted, 0..1; null when unknown. */
  batchShare: number | null
  mean: string
  sd: string
  min: string
  max: string
  /** Distribution of the images' means; null when the batch view has none. */
  distribution: Distribution | null
  red: string
  nir: string
  brightness: string
}

type Quantiles = { p05: number; p25: number; p50: number; p75: number; p95: number }

/**
 * Quantiles of NDVI as positions (0..1) on the scale that all classes share. `description` gives them in words, as
 * NDVI.
 */
export type Distribution = Quantiles & { description: string }

/** View of the card with all history: a row for each class, and the sums below. */
export type HistoryView = {
  items: HistoryItem[]
  /** NDVI at positions 0 and 1 of the distributions; null when there is no distribution. */
  scale: { min: string; max: string } | null
  total: { count: string; batchCount: string; speedOnly: string; batchShare: number | null }
  summary: string
}

/**
 * View of the history table: statistics of every class, and how much of them the batch view has counted. Null without
 * rows. The two answers are loaded in parallel: when a view is published in between, the batch count can be the larger
 * one. The difference is then shown as 0.
 *
 * @param batch undefined when it could not be loaded
 */
export function historyView(
  joined: readonly ClassStatsRow[],
  batch: readonly ClassStatsRow[] | undefined,
  statistics: readonly BatchStatisticsRow[],
): HistoryView | null {
  if (joined.length === 0) return null
  const rows = new Map(joined.map(row => [row.class_name, row]))
  const batchCounts = batch && new Map(batch.map(row => [row.class_name, row.count]))
  const quantiles = statistics.flatMap(row => {
    const known = quantilesOf(row)
    return known ? [[row.class_name, known] as const] : []
  })
  const ends = quantiles.flatMap(([, { p05, p95 }]) => [p05, p95])
  const scale = ends.length === 0 ? null : roundLimits(ends, [0], 0.2)
  const distributions = new Map(
    scale && quantiles.map(([className, of]) => [className, distributionOf(of, scale)] as const),
  )
  const items = classKeys(rows.keys()).flatMap((classKey): HistoryItem[] => {
    const row = rows.get(classKey.className)
    if (!row) return []
    // A class that the batch view does not list has no images there: zero, not unknown.
    const batchCount = batchCounts ? (batchCounts.get(classKey.className) ?? 0) : null
    return [
      {
        classKey,
        ...counts(row.count, batchCount),
        mean: formatNdvi(row.ndvi_avg),
        sd: formatNdvi(row.ndvi_stddev),
        min: formatNdvi(row.ndvi_min),
        max: formatNdvi(row.ndvi_max),
        distribution: distributions.get(classKey.className) ?? null,
        red: formatBand(row.red_avg),
        nir: formatBand(row.nir_avg),
        brightness: formatBand(row.brightness_avg),
      },
    ]
  })
  const total = sum(joined)
  const batchTotal = batch ? sum(batch) : null
  return {
    items,
    scale: scale && { min: formatFixed(scale.min, 1), max: formatFixed(scale.max, 1) },
    total: counts(total, batchTotal),
    summary: summaryOf(total, batchTotal),
  }
}

function summaryOf(total: number, batchTotal: number | null): string {
  const images = plural(total, 'image')
  if (batchTotal === null) return `${images}. How many of them the batch view has counted could not be loaded.`
  if (batchTotal === 0) return `${images}, all in the speed layer: no batch view has counted any yet.`
  const waiting = Math.max(0, total - batchTotal)
  return waiting === 0
    ? `${images}, all counted by the batch view.`
    : `${images}: ${formatCount(batchTotal)} counted by the batch view, ${formatCount(waiting)} (${share(waiting / total)}) only in the speed layer so far.`
}

/** @param batchCount null when unknown */
function counts(count: number, batchCount: number | null) {
  if (batchCount === null) {
    return { count: formatCount(count), batchCount: UNKNOWN, speedOnly: UNKNOWN, batchShare: null }
  }
  const waiting = Math.max(0, count - batchCount)
  return {
    count: formatCount(count),
    batchCount: formatCount(batchCount),
    speedOnly: waiting > 0 ? `+${formatCount(waiting)}` : formatCount(0),
    batchShare: count > 0 ? Math.min(1, batchCount / count) : null,
  }
}

function quantilesOf({
  ndvi_p05: p05,
  ndvi_p25: p25,
  ndvi_p50: p50,
  ndvi_p75: p75,
  ndvi_p95: p95,
}: BatchStatisticsRow): Quantiles | null {
  if (p05 === null || p25 === null || p50 === null || p75 === null || p95 === null) return null
  return { p05, p25, p50, p75, p95 }
}

function distributionOf({ p05, p25, p50, p75, p95 }: Quantiles, scale: Scale): Distribution {
  const place = (ndvi: number) => (ndvi - scale.min) / (scale.max - scale.min)
  return {
    p05: place(p05),
    p25: place(p25),
    p50: place(p50),
    p75: place(p75),
    p95: place(p95),
    description: `Median ${formatNdvi(p50)}; half of the images from ${formatNdvi(p25)} to ${formatNdvi(p75)}, nine in ten from ${formatNdvi(p05)} to ${formatNdvi(p95)}`,
  }
}

const sum = (rows: readonly ClassStatsRow[]) => rows.reduce((total, row) => total + row.count, 0)

function share(fraction: number): string {
  const percent = fraction * 100
  return percent < 0.1 ? 'under 0.1%' : `${percent < 10 ? percent.toFixed(1) : Math.round(percent)}%`
}
