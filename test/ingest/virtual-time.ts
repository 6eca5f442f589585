import { setImmediate } from 'node:timers/promises'
import type { RetryTime } from '../../functions/ingest/retry.ts'

/** Time that passes only while everybody waits, in one leap to the next moment somebody waits for. */
export interface VirtualTime extends RetryTime {
  /** Lets time pass until the work is done. @throws Error when it waits for nothing that will come */
  run<T>(work: Promise<T>): Promise<T>
}

/** Whatever is not a wait of this time is done within so many turns of the event loop. */
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
