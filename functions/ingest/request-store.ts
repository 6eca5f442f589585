import { randomUUID } from 'node:crypto'
import { encodeRecord, type Origin } from '../core/record.ts'
import { SECOND_MS } from '../core/time.ts'
import type { AppendFailure, Destination, EventLog } from '../ports/event-log.ts'
import { RouteUnknownError } from './key-route.ts'
import { compressRecord, RECORD_BYTES_LIMIT } from './packing.ts'
import { appendWithRetries, type RetryTime } from './retry.ts'

/** Outcome of storing the events of a request. */
export type StoreOutcome =
  | { kind: 'stored' }
  /**
   * The log accepts no record of this size, bytes. With its limit, bytes, nothing was sent; without (null) the log has
   * refused the record.
   */
  | { kind: 'too-large'; error: string; bytes: number; limit: number | null }
  /** Outcome when nothing was sent to the log. */
  | { kind: 'not-sent'; error: string }
  /** The disk of the log refuses writes. The log may have stored them or not. */
  | { kind: 'unwritable'; error: string }
  /** The log may have stored them or not. */
  | { kind: 'unknown'; error: string }

/** Time limit for an answer, ms. API Gateway gives up after 29 s. */
export const ANSWERED_WITHIN_MS = 20 * SECOND_MS
/** Number of producer ids for requests without a key, and so of such requests that are stored in parallel. */
export const IDS = 4
/** Maximum number of requests that wait for such an id or for an answer of the log. */
export const MOST_UNDER_WAY = 256

/**
 * Creates the store for requests. The events of each request become one record, and each request is answered within a
 * time limit from its arrival. Requests without a key are records of a few producers, each with one record in flight
 * and with a new id after a record that may be missing. So they need little room among the producers in the cursors.
 *
 * @param onRetry called for each attempt that is followed by another one
 * @param routeOf returns the destination of all attempts with a request's key
 */
export function requestStore(
  log: EventLog,
  time: RetryTime,
  onRetry: (error: string) => void,
  routeOf: (producer: string) => Promise<Destination>,
) {
  const origins = originPool(time)
  const maxBytes = Math.min(RECORD_BYTES_LIMIT, log.maxRecordBytes)
  /** Number of requests for which an append may still be running. This may be long after the answer. */
  let underWay = 0

  /** Stores the lines of a request as one record. */
  async function append(
    origin: Origin,
    lines: Uint8Array,
    untilMs: number,
    route: () => Promise<Destination>,
  ): Promise<StoreOutcome> {
    const data = compressRecord(withHeader(origin, lines))
    const bytes = data.byteLength
    if (bytes > maxBytes) {
      underWay--
      return { kind: 'too-large', error: `the record has ${bytes} bytes`, bytes, limit: maxBytes }
    }
    return appendUntil(untilMs, data, route, { log, time, onRetry, onEnd: () => underWay-- })
  }

  /** Stores the lines of a request without a key as the next record of an idle producer id. */
  async function appendInTurn(lines: Uint8Array, untilMs: number): Promise<StoreOutcome> {
    const last = await origins.take(untilMs)
    if (!last) {
      underWay--
      return { kind: 'not-sent', error: 'other requests waited for the log during the whole time limit' }
    }
    const origin = { ...last, counter: last.counter + 1 }
    let outcome: StoreOutcome | undefined
    try {
      outcome = await append(origin, lines, untilMs, async () => log.destinationOf(origin.producer))
      return outcome
    } finally {
      origins.release(originAfter(outcome, last, origin))
    }
  }

  return {
    /**
     * Stores the lines of one request.
     *
     * @param producer id derived from the request's key; undefined without a key
     */
    async store(lines: Uint8Array, producer: string | undefined, arrivedMs: number): Promise<StoreOutcome> {
      if (underWay >= MOST_UNDER_WAY) {
        return { kind: 'not-sent', error: `${MOST_UNDER_WAY} other requests wait for the log` }
      }
      underWay++
      const untilMs = arrivedMs + ANSWERED_WITHIN_MS
      if (producer === undefined) return appendInTurn(lines, untilMs)
      return append({ producer, counter: 1 }, lines, untilMs, () => routeOf(producer))
    },
  }
}

/**
 * Appends a record, and answers by a time limit, or at once when the disk of the log refuses writes. `onEnd` is called when the last attempt has ended, which may be long
 * after the answer.
 */
async function appendUntil(
  untilMs: number,
  data: Uint8Array,
  route: () => Promise<Destination>,
  { log, time, onRetry, onEnd }: { log: EventLog; time: RetryTime; onRetry(error: string): void; onEnd(): void },
): Promise<StoreOutcome> {
  const giveUp = new AbortController()
  let lastError: string | undefined
  const noteRetry = (error: string) => {
    lastError = error
    onRetry(error)
  }
  // A full disk stays full for longer than a sender waits, so the sender is told at once.
  const append: EventLog['append'] = async records => {
    const outcomes = await log.append(records)
    if (outcomes.some(outcome => 'error' in outcome && outcome.unwritable)) giveUp.abort()
    return outcomes
  }
  const toLog = async (): Promise<AppendFailure | null> => {
    const destination = await route().catch((error: unknown) => {
      if (error instanceof RouteUnknownError) return error
      throw error
    })
    if (destination instanceof RouteUnknownError) return { error: destination.message }
    return appendWithRetries({ append }, { ...destination, data }, time, noteRetry, giveUp.signal)
  }
  const appending = toLog().finally(onEnd)
  const ended = await within(
    appending.then(failure => ({ failure })),
    untilMs,
    time,
  )
  giveUp.abort()
  return ended ? outcomeOf(ended.failure, data.byteLength) : noAnswer(lastError)
}

/** Pool of the producer ids for requests without a key. An id that is taken has its record in flight. */
function originPool(time: RetryTime) {
  const idle: Origin[] = Array.from({ length: IDS }, newOrigin)
  const waiting: ((origin: Origin) => void)[] = []
  return {
    /** Waits for an id, with the counter of its last record; undefined when the time is over. */
    async take(untilMs: number): Promise<Origin | undefined> {
      const origin = idle.shift()
      if (origin) return origin
      const { promise, resolve } = Promise.withResolvers<Origin>()
      waiting.push(resolve)
      const taken = await within(promise, untilMs, time)
      const at = waiting.indexOf(resolve)
      if (at === -1) return taken ?? promise
      waiting.splice(at, 1)
      return undefined
    },
    release(origin: Origin): void {
      const next = waiting.shift()
      if (next) next(origin)
      else idle.unshift(origin)
    },
  }
}

function newOrigin(): Origin {
  return { producer: `api-${randomUUID()}`, counter: 0 }
}

/** Returns the value of a promise; undefined when the time is over. */
async function within<T>(promise: Promise<T>, untilMs: number, time: RetryTime): Promise<T | undefined> {
  const isOver = new AbortController()
  const late = time.sleep(Math.max(untilMs - time.now(), 0), isOver.signal).then(() => undefined)
  try {
    return await Promise.race([promise, late])
  } finally {
    isOver.abort()
  }
}

/** Returns the origin with which the next record continues: a new one after a record that may be missing. */
function originAfter(outcome: StoreOutcome | undefined, last: Origin, sent: Origin): Origin {
  if (outcome?.kind === 'stored') return sent
  return outcome?.kind === 'too-large' && outcome.limit !== null ? last : newOrigin()
}

/** Bytes of a record: its header, then the lines as they are. */
function withHeader(origin: Origin, lines: Uint8Array): Buffer {
  return Buffer.concat([encodeRecord(origin, []), Buffer.from('\n'), lines])
}

function noAnswer(lastError: string | undefined): StoreOutcome {
  const silence = `the log has not answered within ${ANSWERED_WITHIN_MS / SECOND_MS} s`
  return { kind: 'unknown', error: lastError === undefined ? silence : `${silence}; its last error: ${lastError}` }
}

function outcomeOf(failure: AppendFailure | null, bytes: number): StoreOutcome {
  if (failure === null) return { kind: 'stored' }
  const { error } = failure
  if (failure.tooLarge) return { kind: 'too-large', error, bytes, limit: null }
  return { kind: failure.unwritable ? 'unwritable' : 'unknown', error }
}
