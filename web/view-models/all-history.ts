import type { ClassStatsRow } from '../rows.ts'
import { type ClassKey, classKeys } from './classes.ts'
import { formatBand, formatCount, formatNdvi, plural } from './format.ts'

export type HistoryItem = {
  classKey: ClassKey
  count: string
  batchCount: string
  /** Counted by the speed layer only: "+312". */
  speedOnly: string
  /** The batch view's share of the count, 0..1; null when unknown. */
  batchShare: number | null
  mean: string
  sd: string
  min: string
  max: string
  red: string
  nir: string
  brightness: string
}

export type HistoryView = {
  items: HistoryItem[]
  total: { count: string; batchCount: string; speedOnly: string; batchShare: number | null }
  summary: string
}

/**
 * The joined statistics of every class, with how much of them the batch view has already. The two answers are fetched
 * side by side, so a view published in between can make the batch count the larger one: that is shown as nothing left.
 */
export function historyView(joined: readonly ClassStatsRow[], batch: readonly ClassStatsRow[]): HistoryView | null {
  if (joined.length === 0) return null
  const rows = new Map(joined.map(row => [row.class_name, row]))
  const batchCounts = new Map(batch.map(row => [row.class_name, row.count]))
  const items = classKeys(rows.keys()).flatMap((classKey): HistoryItem[] => {
    const row = rows.get(classKey.className)
    if (!row) return []
    // A class that the batch view does not list has no images there: zero, not unknown.
    const batchCount = batchCounts.has(classKey.className) ? (batchCounts.get(classKey.className) ?? null) : 0
    return [
      {
        classKey,
        ...counts(row.count, batchCount),
        mean: formatNdvi(row.ndvi_avg),
        sd: formatNdvi(row.ndvi_stddev),
        min: formatNdvi(row.ndvi_min),
        max: formatNdvi(row.ndvi_max),
        red: formatBand(row.red_avg),
        nir: formatBand(row.nir_avg),
        brightness: formatBand(row.brightness_avg),
      },
    ]
  })
  const total = sum(joined)
  const batchTotal = sum(batch)
  const waiting = Math.max(0, total - batchTotal)
  return {
    items,
    total: counts(total, batchTotal),
    summary:
      batchTotal === 0
        ? `${plural(total, 'image')}, all of them still only in the speed layer: no batch view has counted any yet.`
        : waiting === 0
          ? `${plural(total, 'image')}, all of them counted by the batch view.`
          : `${plural(total, 'image')}: ${formatCount(batchTotal)} counted by the batch view, ${formatCount(waiting)} (${share(waiting / total)}) still only in the speed layer.`,
  }
}

function counts(count: number | null, batchCount: number | null) {
  const known = count !== null && batchCount !== null
  const waiting = known ? Math.max(0, count - batchCount) : null
  return {
    count: formatCount(count),
    batchCount: formatCount(batchCount),
    speedOnly: waiting ? `+${formatCount(waiting)}` : formatCount(waiting),
    batchShare: known && count > 0 ? Math.min(1, batchCount / count) : null,
  }
}

const sum = (rows: readonly ClassStatsRow[]) => rows.reduce((total, row) => total + (row.count ?? 0), 0)

function share(fraction: number): string {
  const percent = fraction * 100
  return percent < 0.1 ? 'under 0.1%' : `${percent < 10 ? percent.toFixed(1) : Math.round(percent)}%`
}
