import { randomUUID } from 'node:crypto'
import { encodeRecord, type Origin } from '../core/record.ts'
import { SECOND_MS } from '../core/time.ts'
import type { AppendFailure, Destination, EventLog } from '../ports/event-log.ts'
import { RouteUnknownError } from './key-route.ts'
import { compressRecord } from './packing.ts'
import { appendWithRetries, type RetryTime } from './retry.ts'

/** What became of the events of a request. */
export type StoreOutcome =
  | { kind: 'stored' }
  /** The log takes no record of so many bytes. */
  | { kind: 'too-large'; error: string }
  /** Nothing was sent to the log. */
  | { kind: 'not-sent'; error: string }
  /** The log may have them or not. */
  | { kind: 'unknown'; error: string }

/** Below the 29 s after which API Gateway gives up. */
export const ANSWERED_WITHIN_MS = 20 * SECOND_MS
/** Producer ids of requests without a key: as many of these are stored at a time. */
export const IDS = 4
/** Requests that wait for such an id, and appends that the log has not answered. */
export const MOST_UNDER_WAY = 256

/**
 * Stores the events of requests, each as one record, and answers each within a time from its arrival. Requests without
 * a key are records of a few producers, which each have one record in flight and take another id after a record that
 * may be missing: so they cost the speed layer's memory of producers little.
 *
 * @param onRetry told of every attempt that is followed by another
 * @param routeOf tells where every attempt under a request's key goes
 */
export function requestStore(
  log: EventLog,
  time: RetryTime,
  onRetry: (error: string) => void,
  routeOf: (producer: string) => Promise<Destination>,
) {
  const idle: Origin[] = Array.from({ length: IDS }, newOrigin)
  const waiting: ((origin: Origin) => void)[] = []
  /** Ends for a request when nothing of it is with the log any more, which may be long after its answer. */
  let underWay = 0

  function newOrigin(): Origin {
    return { producer: `api-${randomUUID()}`, counter: 0 }
  }

  function release(origin: Origin): void {
    const next = waiting.shift()
    if (next) next(origin)
    else idle.unshift(origin)
  }

  /** The origin of the next record without a key; undefined when the time is over. */
  async function nextOrigin(untilMs: number): Promise<Origin | undefined> {
    const origin = idle.shift()
    if (origin) return origin
    const { promise, resolve } = Promise.withResolvers<Origin>()
    waiting.push(resolve)
    const taken = await within(promise, untilMs)
    const at = waiting.indexOf(resolve)
    if (at === -1) return taken ?? promise
    waiting.splice(at, 1)
    return undefined
  }

  /** What a promise resolves to; undefined when the time is over. */
  async function within<T>(promise: Promise<T>, untilMs: number): Promise<T | undefined> {
    const isOver = new AbortController()
    const late = time.sleep(Math.max(untilMs - time.now(), 0), isOver.signal).then(() => undefined)
    try {
      return await Promise.race([promise, late])
    } finally {
      isOver.abort()
    }
  }

  async function append(
    { producer, counter }: Origin,
    lines: Uint8Array,
    untilMs: number,
    route: () => Promise<Destination>,
  ): Promise<StoreOutcome> {
    const giveUp = new AbortController()
    let lastError: string | undefined
    const noteRetry = (error: string) => {
      lastError = error
      onRetry(error)
    }
    const toLog = async (): Promise<AppendFailure | null> => {
      const destination = await route().catch((error: unknown) => {
        if (error instanceof RouteUnknownError) return error
        throw error
      })
      if (destination instanceof RouteUnknownError) return { error: destination.message }
      const record = { ...destination, data: recordOf({ producer, counter }, lines) }
      return appendWithRetries(log, record, time, noteRetry, giveUp.signal)
    }
    const appending = toLog().finally(() => underWay--)
    const ended = await within(
      appending.then(failure => ({ failure })),
      untilMs,
    )
    giveUp.abort()
    if (!ended) {
      const silence = `the log has not answered within ${ANSWERED_WITHIN_MS / SECOND_MS} s`
      return { kind: 'unknown', error: lastError === undefined ? silence : `${silence}; before, it said: ${lastError}` }
    }
    return outcomeOf(ended.failure)
  }

  return {
    /** @param producer derived from the request's key; undefined without one */
    async store(lines: Uint8Array, producer: string | undefined, arrivedMs: number): Promise<StoreOutcome> {
      if (underWay >= MOST_UNDER_WAY) {
        return { kind: 'not-sent', error: `${MOST_UNDER_WAY} other requests wait for the log` }
      }
      underWay++
      const untilMs = arrivedMs + ANSWERED_WITHIN_MS
      if (producer !== undefined) return append({ producer, counter: 1 }, lines, untilMs, () => routeOf(producer))
      const last = await nextOrigin(untilMs)
      if (!last) {
        underWay--
        return { kind: 'not-sent', error: 'other requests have waited for the log all the time' }
      }
      const origin = { ...last, counter: last.counter + 1 }
      let outcome: StoreOutcome | undefined
      try {
        outcome = await append(origin, lines, untilMs, async () => log.destinationOf(origin.producer))
        return outcome
      } finally {
        release(outcome?.kind === 'stored' ? origin : newOrigin())
      }
    },
  }
}

/** A record as it goes to the log. */
export function recordOf(origin: Origin, lines: Uint8Array): Uint8Array {
  return compressRecord(withHeader(origin, lines))
}

export function withHeader(origin: Origin, lines: Uint8Array): Buffer {
  return Buffer.concat([encodeRecord(origin, []), Buffer.from('\n'), lines])
}

function outcomeOf(failure: AppendFailure | null): StoreOutcome {
  if (failure === null) return { kind: 'stored' }
  return { kind: failure.tooLarge ? 'too-large' : 'unknown', error: failure.error }
}
