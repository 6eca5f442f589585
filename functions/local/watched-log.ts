import { type Position, START } from '../core/lane.ts'
import { SECOND_MS } from '../core/time.ts'
import type { EventLog } from '../ports/event-log.ts'
import type { Failures } from '../ports/failures.ts'

export interface WatchedLog {
  log: EventLog
  /**
   * For how long the oldest record of a lane behind a position has been acknowledged to this process, ms, whether the log
   * hands it out or not; null where there is none.
   */
  acknowledgedBehindMs(lane: string, position: Position | undefined): number | null
}

/** Records that were acknowledged within a second: the time of the first, the position of the last. */
interface Span {
  firstMs: number
  last: Position
}

const SPAN_MS = SECOND_MS
/** Older spans go first: a lane with so many that are not applied has been behind for ten minutes at least. */
const MOST_SPANS = 600
/** A log may refuse a record and take it at once when it is sent again. */
const TOLERATED = 2

export const APPEND_COMPONENT = 'Appending to the event log'

/**
 * A log whose appends are watched.
 *
 * @param elapsedMs a clock that only goes forward
 */
export function watchedLog(inner: EventLog, failures: Failures, elapsedMs: () => number): WatchedLog {
  const spans = new Map<string, Span[]>()

  function acknowledge(lane: string, position: Position): void {
    const ofLane = spans.get(lane) ?? []
    spans.set(lane, ofLane)
    const current = ofLane.at(-1)
    if (current && elapsedMs() - current.firstMs < SPAN_MS) {
      if (position > current.last) current.last = position
      return
    }
    ofLane.push({ firstMs: elapsedMs(), last: position })
    if (ofLane.length > MOST_SPANS) ofLane.shift()
  }

  const append: EventLog['append'] = async records => {
    try {
      const outcomes = await inner.append(records)
      for (const outcome of outcomes) if ('position' in outcome) acknowledge(outcome.lane, outcome.position)
      const failure = outcomes.find(outcome => 'error' in outcome && !outcome.tooLarge)
      if (failure && 'error' in failure) failures.failed(APPEND_COMPONENT, failure.error, TOLERATED)
      else failures.recovered(APPEND_COMPONENT)
      return outcomes
    } catch (error) {
      failures.failed(APPEND_COMPONENT, error, TOLERATED)
      throw error
    }
  }
  return {
    // All else is the log's own, as it is when it is asked for.
    log: Object.assign(Object.create(inner) as EventLog, { append }),
    acknowledgedBehindMs(lane, position = START) {
      const ofLane = spans.get(lane) ?? []
      const applied = ofLane.findLastIndex(({ last }) => last <= position) + 1
      ofLane.splice(0, applied)
      const [oldest] = ofLane
      return oldest ? elapsedMs() - oldest.firstMs : null
    },
  }
}
