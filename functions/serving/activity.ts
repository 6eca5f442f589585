import type { Cursor } from '../core/cursor.ts'
import type { Lane, Position } from '../core/lane.ts'
import { SECOND_MS } from '../core/time.ts'
import type { Failing } from '../ports/failures.ts'

/** Signs of work in this process and in the system's heartbeats. */
export interface Activity {
  heartbeats: {
    everyMs: number
    /**
     * Time since when heartbeats are sent, by the clock of arrivals, ms. Before it the system was off, and none could
     * come.
     */
    sinceMs: number
  }
  /** Returns the time for which this process has known a lane, ms. */
  knownForMs(lane: string): number
  /** Lists the components of this process that are failing now. */
  failing(): readonly Failing[]
  /** Described in WatchedLog; null when another process appends. */
  acknowledgedBehindMs(lane: string, position: Position | undefined): number | null
}

/** Creates the activity for a process that only answers health and does none of the work. */
export function activityElsewhere(everyMs: number, elapsedMs: () => number): Activity {
  const seenMs = new Map<string, number>()
  return {
    heartbeats: { everyMs, sinceMs: 0 },
    knownForMs(lane) {
      const first = seenMs.get(lane) ?? elapsedMs()
      seenMs.set(lane, first)
      return elapsedMs() - first
    },
    failing: () => [],
    acknowledgedBehindMs: () => null,
  }
}

/** Number of heartbeat intervals without a heartbeat that are accepted: one heartbeat may be lost and another late. */
const HEARTBEATS_MISSED = 3
/** Normal upper limit for the time from the sending of a heartbeat until it is applied, ms. */
const HEARTBEAT_DELAY_MS = 30 * SECOND_MS
/** Maximum number of lanes that a reason names. The others are counted. */
const MOST_NAMED = 5

/** Lists the reasons why the system's work has stopped, in words for people. */
export function activityReasons(
  activity: Activity,
  lanes: readonly Lane[],
  cursors: readonly Cursor[],
  nowMs: number,
): string[] {
  const { everyMs, sinceMs } = activity.heartbeats
  const longestMs = HEARTBEATS_MISSED * everyMs + HEARTBEAT_DELAY_MS
  const arrivals = new Map(cursors.map(({ lane, lastArrivalMs }) => [lane, lastArrivalMs]))
  const silent = lanes
    .filter(({ closed }) => !closed)
    .map(({ name }) => {
      const arrivedMs = arrivals.get(name) ?? null
      const silentMs = arrivedMs === null ? activity.knownForMs(name) : nowMs - Math.max(arrivedMs, sinceMs)
      return { name, silentMs }
    })
    .filter(({ silentMs }) => silentMs > longestMs)
  const reasons = activity
    .failing()
    .map(
      ({ component, forMs, count, message }) =>
        `${component} fails: ${count} times in a row, for ${seconds(forMs)}. The last time: ${message}`,
    )
  if (silent.length > 0) {
    const named = silent.slice(0, MOST_NAMED).map(({ name, silentMs }) => `${name} (${seconds(silentMs)})`)
    const others = silent.length > MOST_NAMED ? ` and ${silent.length - MOST_NAMED} more` : ''
    reasons.push(
      `Nothing comes through lane ${named.join(', ')}${others}, although a heartbeat is sent every ${seconds(everyMs)}: records that arrive there are not counted, and windows do not close.`,
    )
  }
  return reasons
}

function seconds(ms: number): string {
  return `${Math.round(ms / SECOND_MS)} s`
}
