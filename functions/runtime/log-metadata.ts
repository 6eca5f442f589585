import { SECOND_MS } from '../core/time.ts'
import type { EventLog, LogMetadata, Waiting } from '../ports/event-log.ts'
import { remembered } from './memo.ts'

const LANES_AGE_MS = 10 * SECOND_MS
const WAITING_AGE_MS = 2 * SECOND_MS

/** Reads the metadata of a log directly. */
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

/**
 * Log metadata for a function that answers readers: it asks the log only every few seconds. A shard of Kinesis allows five
 * reads a second, and its consumers need two of them. Lanes may be old for an answer: a lane that is not listed yet
 * has nothing that its parents' records do not precede.
 */
export function rememberedLogMetadata(metadata: LogMetadata): LogMetadata {
  type Place = Parameters<LogMetadata['waiting']>[0]
  const places = new Map<string, Place>()
  const asks = new Map<string, () => Promise<Waiting>>()
  return {
    ...metadata,
    lanes: remembered(LANES_AGE_MS, () => metadata.lanes()),
    async waiting(place) {
      const { lane } = place
      places.set(lane, place)
      const ask = asks.get(lane) ?? remembered(WAITING_AGE_MS, () => metadata.waiting(places.get(lane) as Place))
      asks.set(lane, ask)
      return ask()
    },
    firstKept: lane => metadata.firstKept(lane),
  }
}
