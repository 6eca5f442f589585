import { SECOND_MS } from '../core/time.ts'
import type { EventLog, LogMetadata } from '../ports/event-log.ts'
import { remembered } from './memo.ts'

const LANES_AGE_MS = 10 * SECOND_MS

/** The metadata of a log that can be asked. */
export function logMetadataOf(log: EventLog): LogMetadata {
  const knownLanes = remembered(LANES_AGE_MS, async () => new Set((await log.lanes()).map(({ name }) => name)))
  return {
    identity: log.identity,
    ...(log.arrivalNeverGoesBack && { arrivalNeverGoesBack: true }),
    lanes: () => log.lanes(),
    async waiting(cursor) {
      if (!(await knownLanes()).has(cursor.lane)) return { oldestMs: null, reason: null }
      return log.waiting(cursor)
    },
    firstKept: lane => log.firstKept(lane),
  }
}
