import type { Cursor } from './cursor.ts'
import type { Lane } from './lane.ts'
import { type Lateness, mostLatenessFrom } from './lateness.ts'
import { WINDOW_MS } from './window.ts'

/**
 * Computes the watermark: the event time up to which windows are closed, ms. It is the latest arrival that every open
 * lane has applied, minus the allowed lateness. Null when there is no open lane, or when nothing is known of one of
 * them.
 *
 * A lane that has applied nothing yet counts with the latest arrival of its parents, because all its records arrived after
 * all of theirs. So a reshard does not open windows again.
 *
 * The latest arrival of a lane is a maximum. Where a clock leapt ahead, it lies in the future, and nothing that has not
 * happened yet is closed.
 *
 * Where the allowed lateness changes, the watermark uses the longest that a record to come may have. So when it becomes
 * longer, the watermark goes back once: windows that were closed are open again.
 *
 * @param lanes all lanes of the log, listed after the cursors were read. In the other order a lane could open and
 *   receive events between the two.
 */
export function watermarkOf(
  lanes: readonly Lane[],
  cursors: readonly Cursor[],
  nowMs: number,
  lateness: Lateness,
): number | null {
  const arrivals = new Map(cursors.map(({ lane, lastArrivalMs }) => [lane, lastArrivalMs]))
  const parents = new Map(lanes.map(lane => [lane.name, lane.parents]))
  const arrivalOf = (name: string): number | null =>
    arrivals.get(name) ?? leastOf((parents.get(name) ?? []).map(parent => arrivalOf(parent)))
  const arrivalMs = leastOf(lanes.filter(lane => !lane.closed).map(({ name }) => arrivalOf(name)))
  if (arrivalMs === null) return null
  const appliedMs = Math.min(arrivalMs, nowMs)
  return appliedMs - mostLatenessFrom(lateness, appliedMs)
}

/** Returns the smallest time; null when the list is empty or one time is null. */
function leastOf(times: readonly (number | null)[]): number | null {
  return times.reduce((least, ms) => (least === null || ms === null ? null : Math.min(least, ms)), times[0] ?? null)
}

/**
 * Returns true when a window is closed. Then all its events that were not late are in its totals, for a reader that
 * reads the rows after the watermark. The reason: such an event arrived before the last one that its lane has applied,
 * and a lane is applied in order.
 *
 * This holds as long as arrival times grow in the order of a lane. If the log lets them go back by a moment, an event
 * may still come in that moment. It counts, as late events do. For an open window nothing is promised.
 */
export function isClosed(windowStart: number, watermarkMs: number | null): boolean {
  return watermarkMs !== null && windowStart + WINDOW_MS <= watermarkMs
}
