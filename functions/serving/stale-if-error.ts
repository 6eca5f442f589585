import { setTimeout as sleep } from 'node:timers/promises'
import { MINUTE_MS } from '../core/time.ts'
import { BadParameterError } from './bad-parameter.ts'

/** An older answer than this helps nobody: what it says is no more. */
const LONGEST_MS = 10 * MINUTE_MS
/** Answers that are kept; the one that was given longest ago goes first. */
const MOST_KEPT = 50

export interface Kept<T> {
  value: T
  /** 0 for an answer of now. */
  ageMs: number
  /** Why there is no answer of now. */
  failure: string | null
}

/**
 * Gives every question an answer within a bound: that of now or, while there is none, the last good one.
 *
 * @param now a clock of ms that only goes forward
 * @param withinMs after which an answer is no more waited for
 * @param keptWithinMs the same where an older one is there
 */
export function staleIfError(now: () => number, withinMs: number, keptWithinMs: number) {
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
    /** Of which no older answer would do. */
    askFresh: <T>(ask: () => Promise<T>) => within(withinMs, ask),
    /** @throws what the question throws, where it is the asker's fault or nothing good enough is kept */
    async ask<T>(key: string, ask: () => Promise<T>): Promise<Kept<T>> {
      try {
        const fresh = await within(usable(key) ? keptWithinMs : withinMs, ask)
        answers.delete(key)
        answers.set(key, { value: fresh.value, atMs: now() })
        const [oldest] = answers.keys()
        if (answers.size > MOST_KEPT && oldest !== undefined) answers.delete(oldest)
        return fresh
      } catch (error) {
        const last = usable(key)
        // What is wrong with a question is wrong however often it was answered.
        if (!last || error instanceof BadParameterError) throw error
        return { value: last.value as T, ageMs: Math.max(now() - last.atMs, 1), failure: String(error) }
      }
    },
  }
}
