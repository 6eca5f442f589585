import { setTimeout as delay } from 'node:timers/promises'
import { RETRY_LIMIT_MS } from '../core/slot.ts'
import { MINUTE_MS } from '../core/time.ts'
import type { Append, AppendFailure, AppendOutcome, EventLog } from '../ports/event-log.ts'

/** The time that passes while something is retried. */
export interface RetryTime {
  /** Milliseconds since any moment; never goes back. */
  now(): number
  /** Waits, or ends early when the signal says so. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>
  /** 0 up to 1. */
  random(): number
}

const FIRST_RETRY_MS = 50
const LONGEST_RETRY_MS = 10_000

/** No attempt begins later: the last one may take a minute more to reach the log within the limit. */
export const LAST_ATTEMPT_MS = RETRY_LIMIT_MS - MINUTE_MS

/**
 * Stores one record: the same bytes to the same destination until the log has them, says that it never takes them, the
 * time is over or the signal says to stop. Between attempts it waits a random time up to a bound that doubles: "full jitter" of Marc Brooker,
 * "Exponential Backoff And Jitter", AWS Architecture Blog, 2015.
 *
 * @param onRetry told of every attempt that is followed by another
 * @param startMs when the time began, where somebody else may have made the first attempt
 * @returns why the last attempt failed, in which case the log may or may not have the record; null once it has
 */
export async function appendWithRetries(
  log: EventLog,
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
    // Time may have leapt while the machine slept.
    if (signal?.aborted || time.now() - startMs > LAST_ATTEMPT_MS) return outcome
  }
}

async function attempt(log: EventLog, record: Append): Promise<AppendOutcome> {
  try {
    const [outcome] = await log.append([record])
    return outcome ?? { error: 'the log told no outcome' }
  } catch (error) {
    return { error: error instanceof Error ? error.message : String(error) }
  }
}

/**
 * The time of this process. The machine's monotonic clock may stand still while the machine is suspended and the
 * wall clock may be set back; a retry that comes too late is counted twice, so whichever says more time is believed.
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
