import { setImmediate as settle } from 'node:timers/promises'
import type { Random } from '../../data/random.ts'

/** Running copy of the code. After it is killed, it never runs again. */
export interface Process {
  alive: boolean
  /** Suspends it until it is woken, like a suspended machine. */
  asleep?: boolean
}

interface Waiting {
  process: Process
  resume(): void
}

/**
 * Lets exactly one of the waiting calls continue at a time. The seed decides which, so a history with many processes is
 * the same each time.
 */
export class Scheduler {
  readonly #random: Random
  #waiting: Waiting[] = []
  readonly #working = new Set<Promise<unknown>>()

  constructor(random: Random) {
    this.#random = random
  }

  /** Resolves when the scheduler chooses this call; never, if its process is killed before. */
  turn(process: Process): Promise<void> {
    return new Promise(resume => this.#waiting.push({ process, resume }))
  }

  /** Runs work that takes real time, of a disk or an engine: no other call continues before it is done. */
  async work<Answer>(task: () => Promise<Answer>): Promise<Answer> {
    const done = task()
    const settled = done.catch(() => {})
    this.#working.add(settled)
    try {
      return await done
    } finally {
      this.#working.delete(settled)
    }
  }

  get isIdle(): boolean {
    return this.#waiting.length === 0
  }

  /** Kills the process of a random waiting call, and returns it; undefined when nothing waits. */
  killOne(): Process | undefined {
    const victim = this.#pick()?.process
    if (victim) this.kill(victim)
    return victim
  }

  kill(victim: Process): void {
    victim.alive = false
    this.#waiting = this.#waiting.filter(({ process }) => process.alive)
  }

  /** Suspends the process of a random waiting call until it is woken. */
  putOneToSleep(): void {
    const process = this.#pick()?.process
    if (process) process.asleep = true
  }

  wakeAll(): void {
    for (const { process } of this.#waiting) process.asleep = false
  }

  /** Lets a random waiting call continue, with all that follows from it, until every call waits again. */
  async step(): Promise<void> {
    const next = this.#pick()
    if (!next) return
    this.#waiting.splice(this.#waiting.indexOf(next), 1)
    next.resume()
    await settle()
    while (this.#working.size > 0) {
      await Promise.all(this.#working)
      await settle()
    }
  }

  #pick(): Waiting | undefined {
    const awake = this.#waiting.filter(({ process }) => !process.asleep)
    return awake[Math.floor(this.#random() * awake.length)]
  }
}
