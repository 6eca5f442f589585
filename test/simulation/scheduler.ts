import { setImmediate as settle } from 'node:timers/promises'
import type { Random } from '../../data/random.ts'

/** A running copy of the code. Killed, it never gets another turn. */
export interface Process {
  alive: boolean
  /** It stands still until it is woken, as a machine does that is suspended. */
  asleep?: boolean
}

interface Waiting {
  process: Process
  resume(): void
}

/**
 * Lets exactly one of the waiting calls go on at a time, chosen by the seed, so that a history with many processes
 * is the same each time it is run.
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

  /** Work that takes real time, of a disk or an engine: nobody else goes on before it is done. */
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

  /** Kills the process of a random waiting call; answers it, or undefined when nothing waits. */
  killOne(): Process | undefined {
    const victim = this.#pick()?.process
    if (victim) this.kill(victim)
    return victim
  }

  kill(victim: Process): void {
    victim.alive = false
    this.#waiting = this.#waiting.filter(({ process }) => process.alive)
  }

  /** Makes the process of a random waiting call stand still, for as long as nobody wakes it. */
  putOneToSleep(): void {
    const process = this.#pick()?.process
    if (process) process.asleep = true
  }

  wakeAll(): void {
    for (const { process } of this.#waiting) process.asleep = false
  }

  /** Lets a random waiting call go on, and all that follows from it until every call waits again. */
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
