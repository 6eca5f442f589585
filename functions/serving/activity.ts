import type { Cursor } from '../core/cursor.ts'
import type { Lane, Position } from '../core/lane.ts'
import { SECOND_MS } from '../core/time.ts'
import type { Failing } from '../ports/failures.ts'

/** What this process, and the heartbeats of the system, tell of its work. */
export interface Activity {
  heartbeats: {
    everyMs: number
    /** Since when they are sent, by the clock of arrivals, ms: where the system was off before, none could come. */
    sinceMs: number
  }
  /** For how long this process has known of a lane, ms. */
  knownForMs(lane: string): number
  /** Parts of this process that are failing now. */
  failing(): readonly Failing[]
  /** See WatchedLog; null where another process appends. */
  acknowledgedBehindMs(lane: string, position: Position | undefined): number | null
}

/** What holds where health is told by another process than those that work. */
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

/** Of heartbeats one may be lost, and another be late. */
const HEARTBEATS_MISSED = 3
/** From its sending until a heartbeat is applied, where all is well. */
const HEARTBEAT_DELAY_MS = 30 * SECOND_MS
/** Lanes that a reason names; the rest is counted. */
const MOST_NAMED = 5

/** Why the work of the system does not go on, in words for people. */
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
      `Nothing comes through lane ${named.join(', ')}${others}, though a heartbeat is sent every ${seconds(everyMs)}: what arrives there is not counted, and windows do not close.`,
    )
  }
  return reasons
}

function seconds(ms: number): string {
  return `${Math.round(ms / SECOND_MS)} s`
}
