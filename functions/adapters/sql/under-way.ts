/** Statements that are under way, so that closing can wait for them. */
export interface UnderWay {
  /** Counts a statement as under way until it ends. */
  track<T>(answer: Promise<T>): Promise<T>
  /** Resolves when all have ended, well or not. */
  ended(): Promise<void>
}

/** Creates the list, without statements. */
export function underWay(): UnderWay {
  const running = new Set<Promise<unknown>>()
  return {
    async track(answer) {
      running.add(answer)
      try {
        return await answer
      } finally {
        running.delete(answer)
      }
    },
    async ended() {
      await Promise.allSettled(running)
    },
  }
}
