import type { ClassStatsRow, WindowRow } from '../rows.ts'
import { type Limits, roundLimits, type Scale } from './axis.ts'
import { type ClassKey, classKeys } from './classes.ts'
import { type Clock, formatDifference, formatNdvi } from './format.ts'
import type { WindowHistory } from './window-history.ts'

/** `ndvi`: as measured. `difference`: minus the class's mean over all history. */
export type TrendScale = 'ndvi' | 'difference'

export type TrendPoint = {
  /** Epoch ms of the window's start. */
  x: number
  /** NaN where the line is to break: a window without images. */
  y: number
  count: number | null
  /** The window has not ended. */
  filling: boolean
}

export type TrendLine = ClassKey & { points: TrendPoint[] }

export type TrendView = {
  lines: TrendLine[]
  scale: TrendScale
  x: Limits
  y: Scale
  windows: number
  /** The chart in words. */
  description: string
}

const WINDOW_MS = 600_000

/** A line per class over the windows seen; null when there are none. Classes without a normal have no difference. */
export function trendView(
  history: WindowHistory,
  batch: readonly ClassStatsRow[],
  scale: TrendScale,
  clock: Clock,
  nowMs: number,
): TrendView | null {
  const normals = new Map(batch.map(row => [row.class_name, row.ndvi_avg]))
  const lines = classKeys(history.keys()).flatMap((key): TrendLine[] => {
    const base = scale === 'ndvi' ? 0 : normals.get(key.className)
    if (base === null || base === undefined) return []
    return [{ ...key, points: pointsOf(history.get(key.className) ?? [], base, nowMs) }]
  })
  const starts = [...history.values()].flat().map(row => Date.parse(row.window_start))
  if (starts.length === 0) return null
  const first = Math.min(...starts)
  const last = Math.max(...starts)
  const values = lines.flatMap(line => line.points.map(point => point.y)).filter(Number.isFinite)
  return {
    lines,
    scale,
    // At least an hour, so that the first windows of a young page do not stand at the far ends of the chart.
    x: { min: Math.min(first, last - 6 * WINDOW_MS), max: last },
    y: scale === 'ndvi' ? roundLimits(values, [0], 0.2) : roundLimits(values, [0], 0.02),
    windows: new Set(starts).size,
    description: describe(lines, scale, clock.range(first, last + WINDOW_MS, nowMs)),
  }
}

/** The lines from the one that ends highest to the one that ends lowest. */
export function linesByHeight(lines: readonly TrendLine[]): TrendLine[] {
  const end = (line: TrendLine) => line.points.findLast(point => Number.isFinite(point.y))?.y ?? -Infinity
  return lines.toSorted((a, b) => end(b) - end(a))
}

function pointsOf(rows: readonly WindowRow[], base: number, nowMs: number): TrendPoint[] {
  const points: TrendPoint[] = []
  let lastEnd: number | null = null
  for (const row of rows) {
    const start = Date.parse(row.window_start)
    const end = Date.parse(row.window_end)
    if (lastEnd !== null && start > lastEnd) points.push({ x: lastEnd, y: Number.NaN, count: 0, filling: false })
    points.push({
      x: start,
      y: row.ndvi_avg === null ? Number.NaN : row.ndvi_avg - base,
      count: row.count,
      filling: end > nowMs,
    })
    lastEnd = end
  }
  return points
}

function describe(lines: readonly TrendLine[], scale: TrendScale, range: string): string {
  const format = scale === 'ndvi' ? formatNdvi : formatDifference
  const parts = lines.flatMap(line => {
    const measured = line.points.filter(point => Number.isFinite(point.y))
    const from = measured[0]
    const to = measured.at(-1)
    if (!from || !to) return []
    return measured.length === 1
      ? `${line.label}: ${format(to.y)}`
      : `${line.label}: from ${format(from.y)} to ${format(to.y)}`
  })
  const what = scale === 'ndvi' ? 'mean NDVI' : 'mean NDVI minus normal'
  return `Line chart of the ${what} per class, ${range}. ${parts.join('. ')}.`
}
