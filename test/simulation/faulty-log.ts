import { createHash } from 'node:crypto'
import { MINUTE_MS } from '../../functions/core/time.ts'
import type { Append, AppendOutcome, EventLog } from '../../functions/ports/event-log.ts'
import type { UnderWay } from './producer.ts'
import type { Process } from './scheduler.ts'
import type { Senders } from './senders.ts'
import { readRedriven } from './sent.ts'
import type { World } from './world.ts'

/**
 * The log as a process sees it over a network: an append is stored within a minute or never, and its answer
 * may be lost, or may come before the append is stored.
 */
export function faultyLog(world: World, process: Process, senders: Senders): EventLog {
  const { log, scheduler } = world
  const random = world.stir()

  async function appendOne(record: Append): Promise<AppendOutcome> {
    const beforeMs = world.nowMs + MINUTE_MS
    const copy: UnderWay = {
      record: readRedriven(record.data, senders.sent),
      lane: 'lane' in record ? record.lane : null,
      key: 'key' in record ? hashOf(record.key) : 0,
      beforeMs,
    }
    await scheduler.turn(process)
    if (world.nowMs >= beforeMs) throw new Error('the log did not answer')
    const { refused, answerLost } = world.faults
    const luck = random()
    if (luck < refused) {
      if (luck < refused / 2) senders.delay(copy)
      return { error: 'the log refused the record' }
    }
    senders.arrive(copy)
    await scheduler.turn(process)
    const lane = copy.lane ?? log.laneOf(copy.key)
    const isLost = luck < refused + answerLost
    return isLost ? { error: 'the answer was lost' } : { lane, position: log.lastPosition(lane) }
  }

  return {
    maxRecordBytes: Number.MAX_SAFE_INTEGER,
    identity: log.identity,
    lanes: async () => log.lanes(),
    read: async (lane, after, limit) =>
      log
        .kept(lane)
        .filter(({ position }) => position > after)
        .slice(0, limit),
    end: async lane => log.lastPosition(lane),
    waiting: async () => ({ oldestMs: null, reason: null }),
    firstKept: async lane => log.firstKept(lane),
    close: async () => {},
    destinationOf: (key, among) => (log.kind === 'kafka' ? { lane: log.laneOf(hashOf(key), among) } : { key }),
    async append(records) {
      const outcomes: AppendOutcome[] = []
      for (const record of records) outcomes.push(await appendOne(record))
      return outcomes
    },
  }
}

/** Random number in [0, 1). */
export function hashOf(key: string): number {
  return createHash('md5').update(key).digest().readUInt32BE(0) / 2 ** 32
}
