import { createHash } from 'node:crypto'
import type { Random } from '../../data/random.ts'
import { MINUTE_MS } from '../../functions/core/time.ts'
import type { AppendOutcome, EventLog } from '../../functions/ports/event-log.ts'
import type { Faults } from './faulty-store.ts'
import type { SimulatedLog } from './log.ts'
import type { UnderWay } from './producer.ts'
import type { Process, Scheduler } from './scheduler.ts'
import { readRedriven, type SentEvent } from './sent.ts'

/** How the world around a log takes what is sent to it. */
export interface Way {
  nowMs(): number
  faults(): Faults
  /** Every event that was ever sent, by its image. */
  sent: ReadonlyMap<string, SentEvent>
  /** Puts a record on the log now. */
  arrive(copy: UnderWay): void
  /** Leaves a record under way. */
  delay(copy: UnderWay): void
}

/**
 * The log as one process appends to it over a network: an append is stored within a minute or never, and its answer
 * may be lost, or come before it is.
 */
export function faultyLog(
  log: SimulatedLog,
  scheduler: Scheduler,
  process: Process,
  random: Random,
  way: Way,
): EventLog {
  return {
    maxRecordBytes: Number.MAX_SAFE_INTEGER,
    identity: log.identity,
    lanes: async () => log.lanes(),
    read: async (lane, after, limit) =>
      log
        .shardOf(lane)
        .records.filter(({ position }) => position > after)
        .slice(0, limit),
    end: async lane => log.lastPosition(lane),
    waiting: async () => ({ oldestMs: null, reason: null }),
    firstKept: async () => null,
    close: async () => {},
    destinationOf: key => (log.kind === 'kafka' ? { lane: log.laneOf(hashOf(key)) } : { key }),
    async append(records) {
      const outcomes: AppendOutcome[] = []
      for (const record of records) {
        const beforeMs = way.nowMs() + MINUTE_MS
        const copy: UnderWay = {
          record: readRedriven(record.data, way.sent),
          lane: 'lane' in record ? record.lane : null,
          key: 'key' in record ? hashOf(record.key) : 0,
          beforeMs,
        }
        await scheduler.turn(process)
        if (way.nowMs() >= beforeMs) throw new Error('the log did not answer')
        const { refused, answerLost } = way.faults()
        const luck = random()
        if (luck < refused) {
          if (luck < refused / 2) way.delay(copy)
          outcomes.push({ error: 'the log refused the record' })
          continue
        }
        way.arrive(copy)
        await scheduler.turn(process)
        const lane = copy.lane ?? log.laneOf(copy.key)
        const isLost = luck < refused + answerLost
        outcomes.push(isLost ? { error: 'the answer was lost' } : { lane, position: log.lastPosition(lane) })
      }
      return outcomes
    },
  }
}

/** A number in [0, 1). */
function hashOf(key: string): number {
  return createHash('md5').update(key).digest().readUInt32BE(0) / 2 ** 32
}
