import type { Random } from '../../data/random.ts'
import { DAY_MS, HOUR_MS } from '../../functions/core/time.ts'

/** Share of the stamps with which the clock begins to be wrong. */
const JUMPS = 0.15
/** A wrong clock stamps at most so many records before it is right again. */
const LONGEST_JUMP = 4

export interface Jumps {
  random: Random
  ahead: boolean
  back: boolean
}

/**
 * The clock that stamps what arrives in the log. For a few records it is wrong now and then: it leaps ahead, or is set
 * back, and is right again. It leaps by days or years, or else by some hours, always as many in a history, so that the
 * right time comes to where it was.
 */
export class LogClock {
  readonly #jumps: Jumps
  readonly #hoursMs: number
  #offMs = 0
  #left = 0
  #isRight = false

  constructor(jumps: Jumps) {
    this.#jumps = jumps
    this.#hoursMs = (2 + 4 * jumps.random()) * HOUR_MS
  }

  /** From now on it is never wrong. */
  setRight(): void {
    this.#isRight = true
  }

  stamp(rightMs: number): number {
    if (this.#isRight) return rightMs
    const { random, ahead, back } = this.#jumps
    if (this.#left === 0 && random() < JUMPS) {
      this.#left = 1 + Math.floor(random() * LONGEST_JUMP)
      const isBack = random() < 0.3
      const farMs = random() < 0.5 ? this.#hoursMs : 2 * DAY_MS * 1000 ** random()
      this.#offMs = isBack ? (back ? -Math.floor(farMs) : 0) : ahead ? Math.floor(farMs) : 0
    }
    if (this.#left === 0) return rightMs
    this.#left--
    return rightMs + this.#offMs
  }
}
