import type { ClassStatsRow } from '../../functions/serving/schemas.ts'
import type { WindowStats } from '../answers.ts'
import { roundLimits, type Scale } from './axis.ts'
import { type ClassKey, classKeys } from './classes.ts'
import { type Clock, formatCount, formatDifference, formatFixed, formatNdvi, plural } from './format.ts'

export type NowBar = ClassKey & {
  mean: number | null
  /** One standard deviation; null for a single image. */
  sd: number | null
  /** The class's mean over all history, from the batch view. */
  normal: number | null
  normalSd: number | null
  count: number | null
  /** Set when the class's newest window is not the page's newest one: its time range. */
  olderRange: string | null
}

export type NowView = {
  bars: NowBar[]
  axis: Scale
  /** The newest window, in local time: "14:10–14:20". */
  range: string
  startMs: number
  endMs: number
  /** The newest window has not ended: its numbers still grow. */
  filling: boolean
  /** It is the current window, or the one before. */
  isRecent: boolean
  /** Images in the newest window, all classes. */
  images: number
  /** Classes with images in the newest window. */
  classes: number
  /** Images that came after their window's end. */
  late: number
  /** Classes that have a normal; null while that is not known. */
  normals: number | null
  /** Classes of the newest window that can be compared with their normal. */
  comparable: number
  /** Those of them whose mean lies away from normal by more than chance explains, the least likely first. */
  away: { bar: NowBar; difference: number; errors: number }[]
  /** The chart in words. */
  description: string
}

/**
 * The newest window of every class beside its normal; null when there is no window at all.
 *
 * @param windows some of each class
 * @param batch undefined while it is not known
 */
export function nowView(
  windows: readonly WindowStats[],
  batch: readonly ClassStatsRow[] | undefined,
  clock: Clock,
  nowMs: number,
): NowView | null {
  const newest = new Map<string, WindowStats>()
  for (const row of windows) {
    if (row.startMs > (newest.get(row.class_name)?.startMs ?? -Infinity)) newest.set(row.class_name, row)
  }
  const rows = [...newest.values()]
  if (rows.length === 0) return null
  const startMs = Math.max(...rows.map(row => row.startMs))
  const current = rows.filter(row => row.startMs === startMs)
  const endMs = Math.max(...current.map(row => row.endMs))
  const normals = new Map(batch?.map(row => [row.class_name, row]))

  const bars = classKeys([...newest.keys(), ...normals.keys()]).map((key): NowBar => {
    const row = newest.get(key.className)
    const normal = normals.get(key.className)
    const older = row !== undefined && row.startMs !== startMs
    return {
      ...key,
      mean: row?.ndvi_avg ?? null,
      sd: row?.ndvi_stddev ?? null,
      normal: normal?.ndvi_avg ?? null,
      normalSd: normal?.ndvi_stddev ?? null,
      count: row?.count ?? null,
      olderRange: older ? clock.range(row.startMs, row.endMs, nowMs) : null,
    }
  })

  const range = clock.range(startMs, endMs, nowMs)
  return {
    bars,
    axis: roundLimits(
      bars.flatMap(({ mean, sd, normal }) => [
        ...(mean === null ? [] : [mean - (sd ?? 0), mean + (sd ?? 0)]),
        ...(normal === null ? [] : [normal]),
      ]),
      [0],
      0.2,
    ),
    range,
    startMs,
    endMs,
    filling: endMs > nowMs,
    isRecent: nowMs - endMs < endMs - startMs,
    normals: batch ? normals.size : null,
    images: current.reduce((sum, row) => sum + row.count, 0),
    classes: current.length,
    late: current.reduce((sum, row) => sum + (row.late_count ?? 0), 0),
    ...awayFromNormal(bars.filter(bar => bar.olderRange === null)),
    description: describe(bars, range),
  }
}

/** Three standard errors of the mean: of ten classes that are all normal, one looks away in 3% of windows. */
const AWAY_ERRORS = 3

function awayFromNormal(bars: readonly NowBar[]): Pick<NowView, 'comparable' | 'away'> {
  const distances = bars.flatMap(bar => {
    if (bar.mean === null || bar.normal === null || !bar.normalSd || !bar.count) return []
    const difference = bar.mean - bar.normal
    return [{ bar, difference, errors: Math.abs(difference) / (bar.normalSd / Math.sqrt(bar.count)) }]
  })
  return {
    comparable: distances.length,
    away: distances.filter(({ errors }) => errors >= AWAY_ERRORS).sort((a, b) => b.errors - a.errors),
  }
}

function describe(bars: readonly NowBar[], range: string): string {
  const parts = bars.map(bar => {
    if (bar.mean === null) return `${bar.label}: no images`
    const spread = bar.sd === null ? '' : ` plus or minus ${formatFixed(bar.sd, 3)}`
    const normal = bar.normal === null ? '' : `, ${formatDifference(bar.mean - bar.normal)} from normal`
    const count = bar.count === null ? '' : `, ${plural(bar.count, 'image')}`
    const older = bar.olderRange === null ? '' : ` (from ${bar.olderRange})`
    return `${bar.label}${older}: ${formatNdvi(bar.mean)}${spread}${normal}${count}`
  })
  return `Bar chart of the mean NDVI per class, ${range}. ${parts.join('. ')}.`
}

/** "1,204" or, for a class without images, the dash. */
export const countLabel = (bar: NowBar): string => formatCount(bar.count)
