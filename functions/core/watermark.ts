import type { Cursor } from './cursor.ts'
import type { Lane } from './lane.ts'
import { LATENESS_MS, WINDOW_MS } from './window.ts'

/**
 * Event time up to which windows are closed, ms: the latest arrival that every open lane has applied, less the
 * lateness that is waited for. Null while there is no open lane, or one of which nothing is known.
 *
 * A lane that has applied nothing yet goes on where its parents are, because all that it holds arrived after all of
 * theirs: so a reshard does not open windows again.
 *
 * @param lanes all lanes of the log, listed after the cursors were read: in the other order a lane could open, and
 *   take events, between the two
 */
export function watermarkOf(lanes: readonly Lane[], cursors: readonly Cursor[]): number | null {
  const arrivals = new Map(cursors.map(({ lane, lastArrivalMs }) => [lane, lastArrivalMs]))
  const parents = new Map(lanes.map(lane => [lane.name, lane.parents]))
  const arrivalOf = (name: string): number | null =>
    arrivals.get(name) ?? leastOf((parents.get(name) ?? []).map(parent => arrivalOf(parent)))
  const arrivalMs = leastOf(lanes.filter(lane => !lane.closed).map(({ name }) => arrivalOf(name)))
  return arrivalMs === null ? null : arrivalMs - LATENESS_MS
}

/** Null where any is null, or there is none. */
function leastOf(times: readonly (number | null)[]): number | null {
  return times.reduce((least, ms) => (least === null || ms === null ? null : Math.min(least, ms)), times[0] ?? null)
}

/**
 * Whether a window is closed. That promises: every event of it that was not late is in its totals, for whoever reads
 * the rows after the watermark. For such an event arrived before the last one that its lane has applied, and a lane
 * is applied in its order.
 *
 * It holds as far as arrival times grow in a lane's order. Where the log lets them go back by a moment, an event may
 * still come in that moment. It counts all the same, as late ones do. Of an open window nothing is promised.
 */
export function isClosed(windowStart: number, watermarkMs: number | null): boolean {
  return watermarkMs !== null && windowStart + WINDOW_MS <= watermarkMs
}
