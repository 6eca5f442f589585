/** Maximum number of answers in memory. An answer may have some MB; the one that was found longest ago is dropped first. */
const MOST_SHARED = 20

/** Asks a question, or gives the answer that an equal one got a moment ago. */
export type SharedAnswers = <T>(question: unknown, ask: () => Promise<T>) => Promise<T>

/**
 * Shares answers: equal questions at the same time cause one answer, which is given again for `sharedMs`. An answer that
 * failed is not shared. Clients that get past a cache before us, for example with other headers or another spelling of a
 * time, do not cause reads of the store again.
 *
 * @param sharedMs time for which an answer is given again, ms; 0: each question is asked
 * @param now monotonic clock, ms
 */
export function sharedAnswers(sharedMs: number, now: () => number): SharedAnswers {
  const shared = new Map<string, { answer: Promise<unknown>; atMs: number }>()

  return async <T>(question: unknown, ask: () => Promise<T>): Promise<T> => {
    if (sharedMs === 0) return ask()
    // Also one that is still under way: it may never come.
    for (const [key, { atMs }] of shared) {
      if (now() - atMs >= sharedMs) shared.delete(key)
    }
    const key = JSON.stringify(question)
    const known = shared.get(key)
    if (known) return known.answer as Promise<T>
    const entry = { answer: ask(), atMs: now() }
    shared.set(key, entry)
    const [oldest] = shared.keys()
    if (shared.size > MOST_SHARED && oldest !== undefined) shared.delete(oldest)
    try {
      const answer = await entry.answer
      entry.atMs = now()
      return answer
    } catch (error) {
      if (shared.get(key) === entry) shared.delete(key)
      throw error
    }
  }
}
