import { setTimeout as delay } from 'node:timers/promises'
import { RETRY_LIMIT_MS } from '../core/slot.ts'
import { MINUTE_MS } from '../core/time.ts'
import type { Append, AppendFailure, AppendOutcome, EventLog } from '../ports/event-log.ts'

/** Clock, waiting and randomness for retries. */
export interface RetryTime {
  /** Returns ms since any moment; never goes back. */
  now(): number
  /** Waits, or ends early when the signal aborts. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>
  /** Returns a random number from 0 to below 1. */
  random(): number
}

const FIRST_RETRY_MS = 50
const LONGEST_RETRY_MS = 10_000

/**
 * Latest start of an attempt, ms after the first. The last attempt may need a minute more to reach the log within the
 * retry limit.
 */
export const LAST_ATTEMPT_MS = RETRY_LIMIT_MS - MINUTE_MS

/**
 * Returns true while the records of a claim may be appended again: the log is the same, and still recognises copies.
 *
 * @param claim identity of the log, and time of the first attempt since the epoch, ms
 * @param ports the log, and a clock of the time since the epoch
 */
export function isContinuable(
  claim: { log: string; claimedMs: number },
  { log, time }: { log: EventLog; time: RetryTime },
): boolean {
  return claim.log === log.identity && time.now() - claim.claimedMs <= LAST_ATTEMPT_MS
}

/**
 * Stores one record. It sends the same bytes to the same destination until the log has them or refuses them permanently,
 * the time is over, or the signal aborts. Between attempts it waits a random time below a limit that doubles: "full
 * jitter" of Marc Brooker, "Exponential Backoff And Jitter", AWS Architecture Blog, 2015.
 *
 * @param onRetry called for each attempt that is followed by another one
 * @param startMs start of the time limit, if another process may have made the first attempt
 * @returns null when the log has the record. Otherwise the failure of the last attempt; the log may have the record or
 *   not.
 */
export async function appendWithRetries(
  log: Pick<EventLog, 'append'>,
  record: Append,
  time: RetryTime,
  onRetry: (error: string) => void,
  signal?: AbortSignal,
  startMs: number = time.now(),
): Promise<AppendFailure | null> {
  for (let longestMs = FIRST_RETRY_MS; ; longestMs = Math.min(longestMs * 2, LONGEST_RETRY_MS)) {
    const outcome = await attempt(log, record)
    if (!('error' in outcome)) return null
    const waitMs = time.random() * longestMs
    if (outcome.tooLarge || signal?.aborted || time.now() + waitMs - startMs > LAST_ATTEMPT_MS) return outcome
    onRetry(outcome.error)
    await time.sleep(waitMs, signal)
    // Time may have leapt while the machine was suspended.
    if (signal?.aborted || time.now() - startMs > LAST_ATTEMPT_MS) return outcome
  }
}

async function attempt(log: Pick<EventLog, 'append'>, record: Append): Promise<AppendOutcome> {
  try {
    const [outcome] = await log.append([record])
    return outcome ?? { error: 'the log reported no outcome' }
  } catch (error) {
    return { error: error instanceof Error ? error.message : String(error) }
  }
}

/**
 * Creates the clock of this process. The monotonic clock may stop while the machine is suspended, and the wall clock
 * may be set back. A retry that comes too late would count twice, so the clock that shows more time is used.
 */
export function systemTime(): RetryTime {
  let elapsedMs = 0
  let wallMs = Date.now()
  let monotonicMs = performance.now()
  return {
    now() {
      const wall = Date.now()
      const monotonic = performance.now()
      elapsedMs += Math.max(wall - wallMs, monotonic - monotonicMs)
      wallMs = wall
      monotonicMs = monotonic
      return elapsedMs
    },
    sleep: (ms, signal) => delay(ms, undefined, signal && { signal }).catch(() => {}),
    random: Math.random,
  }
}

/** Creates the clock of this process that reads time since the epoch, to be compared with that of other processes. */
export function timeFromEpoch(): RetryTime {
  const time = systemTime()
  const epochMs = Date.now() - time.now()
  return { ...time, now: () => epochMs + time.now() }
}
