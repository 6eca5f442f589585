import type { ClassStatsRow } from '../../functions/serving/schemas.ts'
import type { WindowStats } from '../answers.ts'
import { type Limits, roundLimits, type Scale } from './axis.ts'
import type { Range, TrendScale } from './choice.ts'
import { type ClassKey, classKeys } from './classes.ts'
import { type Clock, formatDifference, formatNdvi, LONG_AGO_MS, plural } from './format.ts'

/** A point of a line: one window of one class. */
export type TrendPoint = {
  /** Start of the window, epoch ms. */
  x: number
  /** NDVI or difference. NaN for a window without images: the line has a gap there. */
  y: number
  count: number
  /** True while the window has not ended. */
  filling: boolean
  /** True when neither neighbour has images. No line reaches the point, so it needs a dot. */
  alone: boolean
  /** Time of the window, for people. */
  time: string
}

/** A line of the chart: one class. */
export type TrendLine = ClassKey & { points: TrendPoint[] }

/** View of the card with the time series. */
export type TrendView = {
  lines: TrendLine[]
  scale: TrendScale
  x: Limits
  /** True when windows are UTC days. Times are then UTC; otherwise local. */
  isDaily: boolean
  y: Scale
  /** Number and length of the windows: "36 windows of 10 minutes". */
  summary: string
  /** Period of the chart with its year, in UTC or local time (`isDaily`). */
  period: string
  /** The chart in words. */
  description: string
}

/** Min width of the time axis, in windows. The first points of a new system are then not far apart. */
const MIN_WINDOWS = 6
const UNITS = {
  '10m': ['window of 10 minutes', 'windows of 10 minutes'],
  '1h': ['hour', 'hours'],
  '1d': ['UTC day', 'UTC days'],
} as const

/**
 * View of the trend chart: one line per class; null without windows. On the scale `difference`, a class without a
 * baseline has no line.
 */
export function trendView(
  rows: readonly WindowStats[],
  { every, stepMs, spanMs }: Range,
  batch: readonly ClassStatsRow[],
  scale: TrendScale,
  clock: Clock,
  nowMs: number,
): TrendView | null {
  if (rows.length === 0) return null
  const isDaily = every === '1d'
  const [one, many] = UNITS[every]
  const baselines = new Map(batch.map(row => [row.class_name, row.ndvi_avg]))
  const byClass = Map.groupBy(rows, row => row.class_name)
  const timeOf = (startMs: number, endMs: number) =>
    isDaily ? `${clock.utcDay(startMs, nowMs)} (UTC)` : clock.range(startMs, endMs, nowMs)
  const lines = classKeys(byClass.keys()).flatMap((key): TrendLine[] => {
    const base = scale === 'ndvi' ? 0 : baselines.get(key.className)
    if (base === null || base === undefined) return []
    return [{ ...key, points: pointsOf(byClass.get(key.className) ?? [], base, timeOf, nowMs) }]
  })
  const starts = new Set(rows.map(row => row.startMs))
  const first = Math.min(...starts)
  const last = Math.max(...starts)
  const values = lines.flatMap(line => line.points.map(point => point.y)).filter(Number.isFinite)
  const time = (asOfMs: number) =>
    isDaily
      ? `${clock.utcDay(first, asOfMs)} to ${clock.utcDay(last, asOfMs)}`
      : clock.range(first, last + stepMs, asOfMs)
  return {
    lines,
    scale,
    // The range that was asked for, also where the first images came later. A point alone would have no width.
    x: { min: Math.min(first, last + stepMs - Math.max(spanMs, MIN_WINDOWS * stepMs)), max: last },
    isDaily,
    y: scale === 'ndvi' ? roundLimits(values, [0], 0.2) : roundLimits(values, [0], 0.02),
    summary: plural(starts.size, one, many),
    period: time(LONG_AGO_MS),
    description: describe(lines, scale, time(nowMs)),
  }
}

/** Lines sorted by their last value, highest first. */
export function linesByHeight(lines: readonly TrendLine[]): TrendLine[] {
  const end = (line: TrendLine) => line.points.findLast(point => Number.isFinite(point.y))?.y ?? -Infinity
  return lines.toSorted((a, b) => end(b) - end(a))
}

/** @param rows of one class, oldest first */
function pointsOf(
  rows: readonly WindowStats[],
  base: number,
  timeOf: (startMs: number, endMs: number) => string,
  nowMs: number,
): TrendPoint[] {
  const points: Omit<TrendPoint, 'alone'>[] = []
  let lastEnd: number | null = null
  for (const row of rows) {
    const time = timeOf(row.startMs, row.endMs)
    if (lastEnd !== null && row.startMs > lastEnd) {
      points.push({ x: lastEnd, y: Number.NaN, count: 0, filling: false, time })
    }
    points.push({
      x: row.startMs,
      y: row.ndvi_avg === null ? Number.NaN : row.ndvi_avg - base,
      count: row.count,
      filling: row.endMs > nowMs,
      time,
    })
    lastEnd = row.endMs
  }
  const isThere = (point: { y: number } | undefined) => point !== undefined && Number.isFinite(point.y)
  return points.map((point, index) => ({
    ...point,
    alone: !isThere(points[index - 1]) && !isThere(points[index + 1]),
  }))
}

function describe(lines: readonly TrendLine[], scale: TrendScale, time: string): string {
  const format = scale === 'ndvi' ? formatNdvi : formatDifference
  const sentences = lines.flatMap(line => {
    const measured = line.points.filter(point => Number.isFinite(point.y))
    const from = measured[0]
    const to = measured.at(-1)
    if (!from || !to) return []
    return measured.length === 1
      ? `${line.label}: ${format(to.y)}`
      : `${line.label}: from ${format(from.y)} to ${format(to.y)}`
  })
  const what = scale === 'ndvi' ? 'mean NDVI' : 'mean NDVI minus normal'
  return `Line chart of the ${what} per class, ${time}. ${sentences.join('. ')}.`
}
