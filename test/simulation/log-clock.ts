import type { Random } from '../../data/random.ts'
import { DAY_MS } from '../../functions/core/time.ts'

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
 * The clock that stamps what arrives in the log. For a few records it is wrong now and then, by days or years: it leaps
 * ahead, or is set back, and is right again. A history lasts less than the shortest leap.
 */
export class LogClock {
  readonly #jumps: Jumps
  #offMs = 0
  #left = 0
  #isRight = false

  constructor(jumps: Jumps) {
    this.#jumps = jumps
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
      const farMs = 2 * DAY_MS * 1000 ** random()
      this.#offMs = isBack ? (back ? -Math.floor(farMs) : 0) : ahead ? Math.floor(farMs) : 0
    }
    if (this.#left === 0) return rightMs
    this.#left--
    return rightMs + this.#offMs
  }
}
