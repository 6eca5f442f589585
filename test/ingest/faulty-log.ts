import { isCopy, type SeenRecord, see } from '../../functions/core/cursor.ts'
import { START } from '../../functions/core/lane.ts'
import { decodeRecord, type LogRecord, type Origin } from '../../functions/core/record.ts'
import { lookBackMs, slotOf } from '../../functions/core/slot.ts'
import { MINUTE_MS } from '../../functions/core/time.ts'
import type { RetryTime } from '../../functions/ingest/retry.ts'
import type { Append, AppendOutcome, EventLog } from '../../functions/ports/event-log.ts'
import { CLASSES, NOON_MS } from '../support/factories.ts'

/** Outcome of one append, with the time that its request and its answer take, ms. */
export interface Fault {
  kind:
    | 'none'
    /** Not stored, and the answer says so. */
    | 'refused'
    /** Not stored, and never will be: the record has too many bytes. */
    | 'too-large'
    /** Not stored, and the call fails. */
    | 'failed'
    /** Stored, but the answer says that it was refused. */
    | 'answer-wrong'
    /** Stored, but the call fails. */
    | 'answer-lost'
    /** The answer says at once that it was refused, but it is stored when the request arrives. */
    | 'late'
  thereMs: number
  backMs: number
}

export const NO_FAULT: Fault = { kind: 'none', thereMs: 0, backMs: 0 }

/** Append as the log received it. */
export interface Attempt extends Origin {
  destination: string
  bytes: string
  events: string[]
  /** True when the producer was told that it is stored; null while the producer has no answer. */
  acknowledged: boolean | null
}

/** Log on which appends meet the faults that `next` returns, in order. */
export function faultyLog(
  inner: EventLog,
  time: RetryTime,
  next: () => Fault,
): { log: EventLog; attempts: Attempt[]; arrived(): Promise<unknown> } {
  const attempts: Attempt[] = []
  const onTheWay: Promise<unknown>[] = []

  async function appendOne(record: Append): Promise<AppendOutcome> {
    const { kind, thereMs, backMs } = next()
    const store = async () => {
      await time.sleep(thereMs)
      return (await inner.append([record]))[0] as AppendOutcome
    }
    if (kind === 'late') {
      onTheWay.push(store())
      return { error: 'refused' }
    }
    if (kind === 'too-large') return { error: 'the record has too many bytes', tooLarge: true }
    const stored = kind === 'refused' || kind === 'failed' ? await time.sleep(thereMs) : await store()
    await time.sleep(backMs)
    if (kind === 'failed' || kind === 'answer-lost') throw new Error('the connection broke')
    return kind === 'none' && stored ? stored : { error: 'refused' }
  }

  const log: EventLog = {
    ...inner,
    async append([record, ...others]) {
      if (!record || others.length > 0) throw new Error('one record at a time is what these tests are made for')
      const attempt = toAttempt(record)
      attempts.push(attempt)
      try {
        const outcome = await appendOne(record)
        attempt.acknowledged = !('error' in outcome)
        return [outcome]
      } catch (error) {
        attempt.acknowledged = false
        throw error
      }
    },
  }
  return { log, attempts, arrived: () => Promise.all(onTheWay) }
}

function toAttempt(record: Append): Attempt {
  const { origin, events } = decode({ lane: '', position: START, arrivalMs: NOON_MS, data: record.data })
  return {
    ...(origin as Origin),
    destination: 'lane' in record ? record.lane : record.key,
    bytes: Buffer.from(record.data).toString('hex'),
    events: events.map(({ event }) => event.imageId),
    acknowledged: null,
  }
}

function decode(record: LogRecord) {
  return decodeRecord(record, slotOf(record.arrivalMs, SLOT_MS), CLASSES)
}

const SLOT_MS = MINUTE_MS

/** Image ids of the events that a consumer of the log counts, lane by lane: copies of records do not count. */
export async function countedEvents(log: EventLog): Promise<string[]> {
  const counted: string[] = []
  for (const { name } of await log.lanes()) {
    const producers = new Map<string, readonly SeenRecord[]>()
    for (const record of await log.read(name, START, Number.MAX_SAFE_INTEGER)) {
      const { origin, events } = decode(record)
      const slot = slotOf(record.arrivalMs, SLOT_MS)
      const isKnown = origin !== null && isCopy(producers, origin, slot, lookBackMs(SLOT_MS))
      if (origin) see(producers, origin.producer, { counter: origin.counter, slot })
      if (isKnown) continue
      for (const { event } of events) counted.push(event.imageId)
    }
  }
  return counted
}
