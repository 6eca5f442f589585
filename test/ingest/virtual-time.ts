import { setImmediate } from 'node:timers/promises'
import type { RetryTime } from '../../functions/ingest/retry.ts'

/** Time that passes only while all tasks wait. It then jumps to the next moment for which a task waits. */
export interface VirtualTime extends RetryTime {
  /** Lets time pass until the work is done. @throws Error when the work waits for something that cannot come */
  run<T>(work: Promise<T>): Promise<T>
}

/** Number of turns of the event loop after which everything that does not wait for this time is done. */
const TURNS = 3

export function virtualTime(random: () => number = () => 0.5): VirtualTime {
  let nowMs = 0
  const sleepers = new Set<{ atMs: number; wake(): void }>()
  return {
    now: () => nowMs,
    random,
    sleep: (ms, signal) =>
      new Promise(resolve => {
        if (ms === 0) {
          resolve()
          return
        }
        const sleeper = {
          atMs: nowMs + ms,
          wake() {
            sleepers.delete(sleeper)
            resolve()
          },
        }
        sleepers.add(sleeper)
        signal?.addEventListener('abort', sleeper.wake)
      }),
    async run(work) {
      let isDone = false
      const over = () => {
        isDone = true
      }
      work.then(over, over)
      for (;;) {
        for (let turn = 0; turn < TURNS; turn++) await setImmediate()
        if (isDone) return work
        const next = [...sleepers].sort((a, b) => a.atMs - b.atMs)[0]
        if (!next) throw new Error('the work waits for nothing that will come')
        nowMs = Math.max(nowMs, next.atMs)
        next.wake()
      }
    },
  }
}
