import type { ClassStatsRow } from '../../functions/serving/schemas.ts'
import type { WindowStats } from '../answers.ts'
import { type Limits, roundLimits, type Scale } from './axis.ts'
import type { Range, TrendScale } from './choice.ts'
import { type ClassKey, classKeys } from './classes.ts'
import { type Clock, formatDifference, formatNdvi, LONG_AGO_MS, plural } from './format.ts'

export type TrendPoint = {
  /** Epoch ms of the window's start. */
  x: number
  /** NaN where the line is to break: a window without images. */
  y: number
  count: number
  /** The window has not ended. */
  filling: boolean
  /** There is no window with images on either side: no line shows it. */
  alone: boolean
  /** When that was, for people. */
  time: string
}

export type TrendLine = ClassKey & { points: TrendPoint[] }

export type TrendView = {
  lines: TrendLine[]
  scale: TrendScale
  x: Limits
  /** Ticks of the time axis are of UTC days; else of local time. */
  isDaily: boolean
  y: Scale
  /** How many windows of which length: "36 windows of 10 minutes". */
  summary: string
  /** From when to when, with its year, in the time that isDaily says. */
  period: string
  /** The chart in words. */
  description: string
}

/** The chart shows at least so many windows, so that the first ones of a young system do not stand far apart. */
const LEAST_WINDOWS = 6
const UNITS = {
  '10m': ['window of 10 minutes', 'windows of 10 minutes'],
  '1h': ['hour', 'hours'],
  '1d': ['UTC day', 'UTC days'],
} as const

/** A line per class over the windows of a range; null when there are none. Classes without a normal have no difference. */
export function trendView(
  rows: readonly WindowStats[],
  { every, stepMs }: Range,
  batch: readonly ClassStatsRow[],
  scale: TrendScale,
  clock: Clock,
  nowMs: number,
): TrendView | null {
  if (rows.length === 0) return null
  const isDaily = every === '1d'
  const [one, many] = UNITS[every]
  const normals = new Map(batch.map(row => [row.class_name, row.ndvi_avg]))
  const byClass = Map.groupBy(rows, row => row.class_name)
  const timeOf = (startMs: number, endMs: number) =>
    isDaily ? `${clock.utcDay(startMs, nowMs)} (UTC)` : clock.range(startMs, endMs, nowMs)
  const lines = classKeys(byClass.keys()).flatMap((key): TrendLine[] => {
    const base = scale === 'ndvi' ? 0 : normals.get(key.className)
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
    x: { min: Math.min(first, last - LEAST_WINDOWS * stepMs), max: last },
    isDaily,
    y: scale === 'ndvi' ? roundLimits(values, [0], 0.2) : roundLimits(values, [0], 0.02),
    summary: plural(starts.size, one, many),
    period: time(LONG_AGO_MS),
    description: describe(lines, scale, time(nowMs)),
  }
}

/** The lines from the one that ends highest to the one that ends lowest. */
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
  return `Line chart of the ${what} per class, ${time}. ${parts.join('. ')}.`
}
