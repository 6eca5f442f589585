import { setTimeout as sleep } from 'node:timers/promises'
import { MINUTE_MS } from '../core/time.ts'
import { BadParameterError } from './bad-parameter.ts'

/** Maximum age of a kept answer, ms. */
const LONGEST_MS = 10 * MINUTE_MS
/** Maximum number of kept answers. The one that was given longest ago is dropped first. */
const MAX_KEPT = 50

/** Answer, new or kept from before. */
export interface Kept<T> {
  value: T
  /** Age of the answer, ms; 0 for a new one. */
  ageMs: number
  /** Reason why there is no new answer; null when the answer is new. */
  failure: string | null
}

/**
 * Answers every request within a time limit: with a new answer or, if there is none, with the last good one.
 *
 * @param now monotonic clock, ms
 * @param withinMs time limit for a new answer, ms
 * @param staleWithinMs time limit for a new answer when an older one is kept, ms
 */
export function staleIfError(now: () => number, withinMs: number, staleWithinMs: number) {
  const answers = new Map<string, { value: unknown; atMs: number }>()

  function usable(key: string): { value: unknown; atMs: number } | undefined {
    const last = answers.get(key)
    return last && now() - last.atMs <= LONGEST_MS ? last : undefined
  }

  async function within<T>(waitMs: number, ask: () => Promise<T>): Promise<Kept<T>> {
    const giveUp = new AbortController()
    const late = sleep(waitMs, undefined, { signal: giveUp.signal, ref: false }).then(() => {
      throw new Error(`no answer within ${waitMs} ms`)
    })
    late.catch(() => {})
    try {
      return { value: await Promise.race([ask(), late]), ageMs: 0, failure: null }
    } finally {
      giveUp.abort()
    }
  }

  return {
    /** Asks a question for which an older answer is not acceptable. */
    askFresh: <T>(ask: () => Promise<T>) => within(withinMs, ask),
    /**
     * Asks a question. An older answer is acceptable.
     *
     * @throws the error of the question, when the request is invalid or no answer is kept
     */
    async ask<T>(key: string, ask: () => Promise<T>): Promise<Kept<T>> {
      try {
        const fresh = await within(usable(key) ? staleWithinMs : withinMs, ask)
        answers.delete(key)
        answers.set(key, { value: fresh.value, atMs: now() })
        const [oldest] = answers.keys()
        if (answers.size > MAX_KEPT && oldest !== undefined) answers.delete(oldest)
        return fresh
      } catch (error) {
        const last = usable(key)
        // An invalid request is invalid even if it was answered before.
        if (!last || error instanceof BadParameterError) throw error
        return { value: last.value as T, ageMs: Math.max(now() - last.atMs, 1), failure: String(error) }
      }
    },
  }
}
