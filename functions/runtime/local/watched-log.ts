import { type Position, START } from '../../core/lane.ts'
import { SECOND_MS } from '../../core/time.ts'
import type { EventLog } from '../../ports/event-log.ts'
import type { Failures } from '../../ports/failures.ts'

/** Event log that remembers what it acknowledged to this process. */
export interface WatchedLog {
  log: EventLog
  /**
   * Returns the age of the oldest record behind a position that was acknowledged to this process, whole ms, even if the
   * log does not return it yet; null when there is none. It is at most a second too low, and never too high.
   */
  acknowledgedBehindMs(lane: string, position: Position | undefined): number | null
}

/** Records that were acknowledged within one second: times and positions of the first and the last. */
interface Span {
  firstMs: number
  first: Position
  lastMs: number
  last: Position
}

const SPAN_MS = SECOND_MS
/**
 * Maximum number of spans of a lane. The oldest are dropped first; a lane with this many has been behind for at least
 * ten minutes.
 */
const MOST_SPANS = 600
/**
 * Number of failures in a row that are not reported: a log may refuse a record and accept it immediately afterwards. A
 * disk that refuses writes is reported at once.
 */
const TOLERATED = 2

export const APPEND_COMPONENT = 'Appending to the event log'

/**
 * Wraps a log so that its appends are observed.
 *
 * @param elapsedMs monotonic clock, ms
 */
export function watchedLog(inner: EventLog, failures: Failures, elapsedMs: () => number): WatchedLog {
  const spans = new Map<string, Span[]>()

  function acknowledge(lane: string, position: Position): void {
    const ofLane = spans.get(lane) ?? []
    spans.set(lane, ofLane)
    const current = ofLane.at(-1)
    const nowMs = elapsedMs()
    if (current && nowMs - current.firstMs < SPAN_MS) {
      if (position > current.last) Object.assign(current, { last: position, lastMs: nowMs })
      return
    }
    ofLane.push({ firstMs: nowMs, first: position, lastMs: nowMs, last: position })
    if (ofLane.length > MOST_SPANS) ofLane.shift()
  }

  const append: EventLog['append'] = async records => {
    try {
      const outcomes = await inner.append(records)
      for (const outcome of outcomes) if ('position' in outcome) acknowledge(outcome.lane, outcome.position)
      const failure = outcomes.find(outcome => 'error' in outcome && !outcome.tooLarge)
      if (failure && 'error' in failure)
        failures.failed(APPEND_COMPONENT, failure.error, failure.unwritable ? 0 : TOLERATED)
      else failures.recovered(APPEND_COMPONENT)
      return outcomes
    } catch (error) {
      failures.failed(APPEND_COMPONENT, error, TOLERATED)
      throw error
    }
  }
  return {
    // All other members are those of the log.
    log: Object.assign(Object.create(inner) as EventLog, { append }),
    acknowledgedBehindMs(lane, position = START) {
      const ofLane = spans.get(lane) ?? []
      const applied = ofLane.findLastIndex(({ last }) => last <= position) + 1
      ofLane.splice(0, applied)
      const [oldest] = ofLane
      if (!oldest) return null
      return Math.round(elapsedMs() - (position < oldest.first ? oldest.firstMs : oldest.lastMs))
    },
  }
}
