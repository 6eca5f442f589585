import type { CompactionProgress } from '../archive/compaction-progress.ts'
import type { RunStatus } from '../batch/run-status.ts'
import type { View } from '../batch/view.ts'
import type { ViewReader } from '../batch/view-reader.ts'
import type { ClassList } from '../core/classes.ts'
import type { Cursor } from '../core/cursor.ts'
import { FUTURE_TOLERANCE_MS } from '../core/event.ts'
import { isSlowSource, type Lateness, mostLatenessFrom } from '../core/lateness.ts'
import { firstCut, slotOf } from '../core/slot.ts'
import { byName } from '../core/text-order.ts'
import { DAY_MS, dayOf, formatTimestamp, HOUR_MS, startOfDay } from '../core/time.ts'
import { addEach, statisticsOf, type Totals } from '../core/totals.ts'
import { isClosed, watermarkOf } from '../core/watermark.ts'
import { WINDOW_MS } from '../core/window.ts'
import type { LogMetadata } from '../ports/event-log.ts'
import type { SpeedRow, SpeedStore } from '../ports/speed-store.ts'
import type { Activity } from './activity.ts'
import { BadParameterError } from './bad-parameter.ts'
import { classStatsRows, viewTotals } from './batch-answers.ts'
import { refuseUnknownClass } from './class-names.ts'
import { MOST_ROWS, refuseTooManyRows } from './most-rows.ts'
import { type ClassStatsRow, LONGEST_DAYS, STEPS_MS, type WindowRow, type WindowsQuery } from './schemas.ts'
import type { NormalsSource } from './site-normals.ts'
import type { SiteSource } from './sites.ts'

/** Ports and settings with which the API answers. */
export interface Serving extends SiteSource, NormalsSource {
  store: SpeedStore
  views: ViewReader
  slotMs: number
  lateness: Lateness
  classes(): Promise<ClassList>
  lastRun(): Promise<RunStatus | undefined>
  /** True where decisions are not posted to this API, so that the page cannot send any. */
  decidedElsewhere?: boolean
  /** Reads the progress of the compaction that is furthest behind; undefined before the first. */
  compaction(): Promise<CompactionProgress | undefined>
  lanes: LogMetadata['lanes']
  waiting: LogMetadata['waiting']
  now(): number
  /** Monotonic clock, ms since any moment. It advances even when the wall clock is set back. */
  elapsedMs(): number
  /**
   * Reads the stored class list.
   *
   * @throws Error when it cannot be read
   */
  readClasses(): Promise<unknown>
  activity: Activity
}

/** Number of windows of a class in an answer, and maximum number of all: where there are many classes each has fewer. */
const WINDOWS_PER_CLASS = 6
const MOST_NEWEST_WINDOWS = 12_000

/**
 * Answers the newest windows of every class, newest first: of the last hours, or else of the last day. Where images
 * come hours or days after they were taken, this is the day before the newest image. Where there are more than 2,000
 * classes each has fewer than six.
 */
export async function realtimeNdvi(serving: Serving): Promise<WindowRow[]> {
  const cursors = await serving.store.readCursors()
  // The watermark is read before the rows, so that a window that it calls closed is complete in them.
  const watermarkMs = await knownWatermark(serving, cursors)
  const rows = await newestRows(serving, cursors)
  const byClass = new Map<string, Map<number, Totals>>()
  for (const { windowStart, totals } of rows) {
    for (const [className, of] of totals) {
      const windows = byClass.get(className) ?? new Map<number, Totals>()
      byClass.set(className, windows)
      addEach(windows, [[windowStart, of]])
    }
  }
  const answer: WindowRow[] = []
  const perClass = Math.max(1, Math.min(WINDOWS_PER_CLASS, Math.floor(MOST_NEWEST_WINDOWS / byClass.size)))
  for (const [className, windows] of [...byClass].sort(byName)) {
    const newest = [...windows].sort(([a], [b]) => b - a).slice(0, perClass)
    for (const [windowStart, totals] of newest) answer.push(windowRow(className, windowStart, totals, watermarkMs))
  }
  return answer
}

/** Reads the rows of the newest windows, by the clock or, of a slow source, by the newest image. */
async function newestRows(serving: Serving, cursors: readonly Cursor[]): Promise<SpeedRow[]> {
  const nowMs = serving.now()
  if (isSlowSource(mostLatenessFrom(serving.lateness, nowMs))) {
    const latestMs = latestImage(serving, cursors)
    return latestMs === null ? [] : wholeWindowsSince(serving, cursors, latestMs - DAY_MS)
  }
  const lately = await wholeWindowsSince(serving, cursors, nowMs - WINDOWS_PER_CLASS * WINDOW_MS - FUTURE_TOLERANCE_MS)
  return lately.length > 0 ? lately : wholeWindowsSince(serving, cursors, nowMs - DAY_MS)
}

/**
 * Reads the rows of windows that lie completely after a time. Rows of older windows are left out: late images arrive
 * for windows of long ago.
 */
async function wholeWindowsSince(serving: Serving, cursors: readonly Cursor[], since: number): Promise<SpeedRow[]> {
  const firstMs = slotOf(Math.max(since, 0), serving.slotMs) + FUTURE_TOLERANCE_MS
  return (await speedRowsSince(serving, cursors, since)).filter(({ windowStart }) => windowStart >= firstMs)
}

/**
 * Computes the watermark; null when the log's list of lanes cannot be read. Then nothing is known to be complete, but
 * the numbers are the same.
 */
async function knownWatermark({ lanes, lateness, now }: Serving, cursors: readonly Cursor[]): Promise<number | null> {
  try {
    return watermarkOf(await lanes(), cursors, now(), lateness)
  } catch {
    return null
  }
}

function windowRow(
  className: string,
  windowStart: number,
  totals: Totals,
  watermarkMs: number | null,
  lengthMs = WINDOW_MS,
): WindowRow {
  const { count, lateCount, ndviMean, ndviStddev, ndviMin, ndviMax } = statisticsOf(totals)
  return {
    class_name: className,
    window_start: formatTimestamp(windowStart),
    window_end: formatTimestamp(windowStart + lengthMs),
    state: isClosed(windowStart + lengthMs - WINDOW_MS, watermarkMs) ? 'closed' : 'open',
    count,
    // The batch view has no late count of a day.
    late_count: lengthMs === DAY_MS ? null : lateCount,
    ndvi_avg: ndviMean,
    ndvi_stddev: ndviStddev,
    ndvi_min: ndviMin,
    ndvi_max: ndviMax,
  }
}

/** Age up to which windows are computed from rows, ms. Older times are answered by the day. */
const WINDOWS_REACH_MS = 7 * DAY_MS
const DEFAULT_RANGE_MS = 6 * HOUR_MS

/**
 * Answers a time series: windows of ten minutes, hours made of them, and whole days for times a week ago or more, or
 * when days are requested. A day consists of the batch view and the speed rows since its cut. Imports appear only in
 * days.
 *
 * @returns rows ordered by time, then by class, and the range that they cover: the newest part of a longer one
 * @throws BadParameterError when the range is invalid or the class unknown
 */
export async function windows(
  serving: Serving,
  { class: only, from, to, every }: WindowsQuery,
): Promise<{ rows: WindowRow[]; range: string }> {
  const nowMs = serving.now()
  const untilMs = to ?? Math.max(nowMs + 1, from ?? 0)
  if (from !== undefined && untilMs < from) throw new BadParameterError('to: must not be before from')
  const fromMs = Math.max(from ?? untilMs - DEFAULT_RANGE_MS, untilMs - LONGEST_DAYS * DAY_MS, 0)
  const range = rangeOf(fromMs, untilMs)
  await refuseUnknownClass(serving, only)
  if (untilMs === fromMs) return { rows: [], range }
  const stepMs = STEPS_MS[every]
  const splitMs = stepMs === DAY_MS ? Number.POSITIVE_INFINITY : startOfDay(nowMs - WINDOWS_REACH_MS)
  const rows = await serving.views.read(view => windowsOf(serving, view, { only, fromMs, untilMs, stepMs, splitMs }))
  return { rows, range }
}

/**
 * Extends the range of a request to whole windows, which are what it is answered with. A range that is empty or invalid
 * stays as it is.
 */
export function wholeWindows(query: WindowsQuery): WindowsQuery {
  const { from, to, every } = query
  if (from !== undefined && to !== undefined && to <= from) return query
  const stepMs = STEPS_MS[every]
  return {
    ...query,
    ...(from !== undefined && { from: Math.floor(from / stepMs) * stepMs }),
    ...(to !== undefined && { to: Math.ceil(to / stepMs) * stepMs }),
  }
}

/** Formats a range as RANGE_HEADER has it. */
export function rangeOf(fromMs: number, untilMs: number): string {
  return `${formatTimestamp(fromMs)}/${formatTimestamp(untilMs)}`
}

async function windowsOf(
  serving: Serving,
  view: View | undefined,
  { only, fromMs, untilMs, stepMs, splitMs }: WindowsRange,
): Promise<WindowRow[]> {
  const startOfStep = (ms: number) => (ms < splitMs ? startOfDay(ms) : Math.floor(ms / stepMs) * stepMs)
  const cursors = await serving.store.readCursors()
  // The watermark is read before the rows, so that a window that it calls closed is complete in them.
  const watermarkMs = await knownWatermark(serving, cursors)
  const cut = view?.cut ?? 0
  const hasDays = fromMs < splitMs
  // If the clock of an image's sender was ahead, its window may start after its arrival.
  const ahead = startOfStep(Math.max(fromMs, splitMs)) - FUTURE_TOLERANCE_MS
  const since = hasDays ? Math.min(cut, ahead) : ahead

  const series = new Map<number, Map<string, Totals>>()
  let count = 0
  const add = (timeMs: number, totals: Iterable<readonly [string, Totals]>) => {
    const classes = series.get(timeMs) ?? new Map<string, Totals>()
    series.set(timeMs, classes)
    const before = classes.size
    addEach(classes, totals)
    count += classes.size - before
    refuseTooManyRows('class', count)
  }
  if (hasDays && view) {
    const lastDay = dayOf(Math.min(untilMs, splitMs) - 1)
    const days = await serving.views.days(view, dayOf(fromMs), lastDay, { only, most: MOST_ROWS })
    for (const { day, className, history } of days) add(Date.parse(day), [[className, history.totals]])
  }
  const firstMs = startOfStep(fromMs)
  for (const { slot, windowStart, totals } of await speedRowsSince(serving, cursors, since)) {
    const timeMs = startOfStep(windowStart)
    if (timeMs < firstMs || timeMs >= untilMs) continue
    if (windowStart >= splitMs || slot >= cut) add(timeMs, only === undefined ? totals : entryOf(totals, only))
  }
  return [...series]
    .sort(([a], [b]) => a - b)
    .flatMap(([timeMs, classes]) => {
      const lengthMs = timeMs < splitMs ? DAY_MS : stepMs
      return [...classes]
        .sort(byName)
        .map(([className, totals]) => windowRow(className, timeMs, totals, watermarkMs, lengthMs))
    })
}

/** The entry of one name, if there is one. */
function entryOf(totals: ReadonlyMap<string, Totals>, name: string): [string, Totals][] {
  const own = totals.get(name)
  return own ? [[name, own]] : []
}

/** Range of a requested series. */
interface WindowsRange {
  only: string | undefined
  fromMs: number
  untilMs: number
  stepMs: number
  /** Time before which windows are days, ms. */
  splitMs: number
}

/** State of the data that an answer is made of. */
export interface AsOf {
  /** Newest counted arrival, ms; null before the first. */
  arrivedMs: number | null
  /** Cut of the batch view, ms; null while it counts imports only, or when there is none. */
  cut: number | null
  watermarkMs: number | null
}

/**
 * Answers all history: the batch view for arrival slots before its cut, the speed rows from the cut on. The cut is read
 * once, before the rows. So each event is in exactly one of the two, and an answer never shrinks while the cut moves.
 */
export function classStats(serving: Serving): Promise<{ rows: ClassStatsRow[]; asOf: AsOf }> {
  return serving.views.read(view => classStatsOf(serving, view))
}

async function classStatsOf(serving: Serving, view: View | undefined): Promise<{ rows: ClassStatsRow[]; asOf: AsOf }> {
  const totals = new Map(view && (await viewTotals(serving.views, view)))
  const cursors = await serving.store.readCursors()
  // The cursors were read before the rows. The list of lanes is read in parallel with the rows, so that it costs no
  // extra time.
  const [watermarkMs, rows] = await Promise.all([
    knownWatermark(serving, cursors),
    speedRowsSince(serving, cursors, view?.cut ?? 0),
  ])
  for (const row of rows) addEach(totals, row.totals)
  return {
    rows: classStatsRows(totals),
    asOf: { arrivedMs: latestArrival(cursors) || null, cut: countedUpTo(serving, view), watermarkMs },
  }
}

/** Reads all rows of the arrival slots from the slot of `since` up to the latest slot that a cursor has reached. */
async function speedRowsSince(serving: Serving, cursors: readonly Cursor[], since: number): Promise<SpeedRow[]> {
  const { store, slotMs } = serving
  const latest = Math.max(serving.now(), latestArrival(cursors))
  const slots = { from: slotOf(Math.max(since, 0), slotMs), until: slotOf(latest, slotMs) + slotMs }
  return (await Promise.all(cursors.map(({ lane }) => store.readRows(lane, slots)))).flat()
}

/** Returns the cut; null while the view counts imports only. */
export function countedUpTo({ slotMs }: Serving, view: View | undefined): number | null {
  return view && view.cut > firstCut(slotMs) ? view.cut : null
}

/** Latest arrival time that the cursors have applied, ms; 0 before the first record. */
export function latestArrival(cursors: readonly Cursor[]): number {
  return Math.max(...cursors.map(({ lastArrivalMs }) => lastArrivalMs ?? 0), 0)
}

/**
 * Time of the newest image of a source whose images come hours or days after they were taken, ms; null for other sources,
 * and before the first image. Where a clock leapt ahead, it is now.
 */
export function latestImage({ lateness, now }: Serving, cursors: readonly Cursor[]): number | null {
  if (!isSlowSource(mostLatenessFrom(lateness, now()))) return null
  const times = cursors.flatMap(({ lastEventMs }) => (lastEventMs === null ? [] : [lastEventMs]))
  return times.length === 0 ? null : Math.min(Math.max(...times), now())
}
