import type { ClassStatsRow } from '../../functions/serving/schemas.ts'
import type { WindowStats } from '../answers.ts'
import { roundLimits, type Scale } from './axis.ts'
import { type ClassKey, classKeys } from './classes.ts'
import { type Clock, formatCount, formatDifference, formatFixed, formatNdvi, plural } from './format.ts'

/** A bar of the chart: a class and its newest window. */
export type NowBar = ClassKey & {
  mean: number | null
  /** Standard deviation; null for a single image. */
  sd: number | null
  /** The class's mean over all history, from the batch view. */
  baseline: number | null
  baselineSd: number | null
  count: number | null
  /** Time range of the class's newest window, when this is not the newest window of the page; else null. */
  olderRange: string | null
}

/** View of the card and of the headline. */
export type NowView = {
  bars: NowBar[]
  axis: Scale
  /** Newest window, in local time: "14:10–14:20". */
  range: string
  startMs: number
  endMs: number
  /**
   * Time of the newest image, in local time, where images come hours or days after they were taken; null where the newest
   * window is told by the clock.
   */
  latest: string | null
  /** True while the newest window gets images: until it ends or, where they come later, until it is closed. */
  filling: boolean
  /** True when the newest window is the current one or the one before. */
  isRecent: boolean
  /** Images in the newest window, all classes. */
  images: number
  /** Classes with images in the newest window. */
  classes: number
  /** Late images in the newest window. */
  late: number
  /** Number of classes with a baseline; null when the baselines are not known. */
  baselineCount: number | null
  /** Number of classes of the newest window that can be compared with their baseline. */
  comparable: number
  /**
   * Classes whose mean differs from the baseline by more than chance explains. Largest number of standard errors first.
   */
  away: { bar: NowBar; difference: number; errors: number }[]
  /** The chart in words. */
  description: string
}

/**
 * View of the newest window of each class and its baseline; null when there is no window.
 *
 * @param windows the newest windows of each class
 * @param batch the baselines; undefined when they could not be loaded
 * @param latestImageMs time of the newest image, where images come hours or days after they were taken
 */
export function nowView(
  windows: readonly WindowStats[],
  batch: readonly ClassStatsRow[] | undefined,
  clock: Clock,
  nowMs: number,
  latestImageMs: number | null = null,
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
  const baselines = new Map(batch?.map(row => [row.class_name, row]))

  const bars = classKeys([...newest.keys(), ...baselines.keys()]).map((key): NowBar => {
    const row = newest.get(key.className)
    const baseline = baselines.get(key.className)
    const older = row !== undefined && row.startMs !== startMs
    return {
      ...key,
      mean: row?.ndvi_avg ?? null,
      sd: row?.ndvi_stddev ?? null,
      baseline: baseline?.ndvi_avg ?? null,
      baselineSd: baseline?.ndvi_stddev ?? null,
      count: row?.count ?? null,
      olderRange: older ? clock.range(row.startMs, row.endMs, nowMs) : null,
    }
  })

  const range = clock.range(startMs, endMs, nowMs)
  return {
    bars,
    axis: roundLimits(
      bars.flatMap(({ mean, sd, baseline }) => [
        ...(mean === null ? [] : [mean - (sd ?? 0), mean + (sd ?? 0)]),
        ...(baseline === null ? [] : [baseline]),
      ]),
      [0],
      0.2,
    ),
    range,
    startMs,
    endMs,
    latest: latestImageMs === null ? null : clock.moment(latestImageMs, nowMs),
    filling: latestImageMs === null ? endMs > nowMs : current.some(row => row.state === 'open'),
    isRecent: nowMs - endMs < endMs - startMs,
    baselineCount: batch ? baselines.size : null,
    images: current.reduce((sum, row) => sum + row.count, 0),
    classes: current.length,
    late: current.reduce((sum, row) => sum + (row.late_count ?? 0), 0),
    ...compare(bars.filter(bar => bar.olderRange === null)),
    description: describe(bars, range),
  }
}

/**
 * Threshold, in standard errors of the mean. With ten normal classes, 3% of the windows show one above it by chance.
 */
const MIN_ERRORS = 3

function compare(bars: readonly NowBar[]): Pick<NowView, 'comparable' | 'away'> {
  const distances = bars.flatMap(bar => {
    if (bar.mean === null || bar.baseline === null || !bar.baselineSd || !bar.count) return []
    const difference = bar.mean - bar.baseline
    return [{ bar, difference, errors: Math.abs(difference) / (bar.baselineSd / Math.sqrt(bar.count)) }]
  })
  return {
    comparable: distances.length,
    away: distances.filter(({ errors }) => errors >= MIN_ERRORS).sort((a, b) => b.errors - a.errors),
  }
}

function describe(bars: readonly NowBar[], range: string): string {
  const sentences = bars.map(bar => {
    if (bar.mean === null) return `${bar.label}: no images`
    const spread = bar.sd === null ? '' : ` plus or minus ${formatFixed(bar.sd, 3)}`
    const normal = bar.baseline === null ? '' : `, ${formatDifference(bar.mean - bar.baseline)} from normal`
    const count = bar.count === null ? '' : `, ${plural(bar.count, 'image')}`
    const older = bar.olderRange === null ? '' : ` (from ${bar.olderRange})`
    return `${bar.label}${older}: ${formatNdvi(bar.mean)}${spread}${normal}${count}`
  })
  return `Bar chart of the mean NDVI per class, ${range}. ${sentences.join('. ')}.`
}

/** Number of images, "1,204"; a dash for a class without images. */
export const countLabel = (bar: NowBar): string => formatCount(bar.count)
