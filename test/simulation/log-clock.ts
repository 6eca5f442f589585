import type { Random } from '../../data/random.ts'
import { DAY_MS, HOUR_MS } from '../../functions/core/time.ts'

/** Share of the stamps at which the clock becomes wrong. */
const JUMPS = 0.15
/** Maximum number of records that a wrong clock stamps before it is right again. */
const LONGEST_JUMP = 4

/** Arrival time that the log gives a record. */
export interface Stamp {
  arrivalMs: number
  /** True if the clock was wrong. */
  isMisstamped: boolean
}

export interface Jumps {
  random: Random
  ahead: boolean
  back: boolean
}

/**
 * The clock that stamps arrivals in the log. Sometimes it is wrong for a few records: it leaps ahead, or is set back,
 * and is then right again. A leap is days or years, or some hours. In one history it is always the same number of
 * hours, so that the right time reaches the wrong one later.
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

  /** Makes the clock right for the rest of the history. */
  setRight(): void {
    this.#isRight = true
  }

  stamp(rightMs: number): Stamp {
    if (this.#isRight) return { arrivalMs: rightMs, isMisstamped: false }
    const { random, ahead, back } = this.#jumps
    if (this.#left === 0 && random() < JUMPS) {
      this.#left = 1 + Math.floor(random() * LONGEST_JUMP)
      const isBack = random() < 0.3
      const farMs = random() < 0.5 ? this.#hoursMs : 2 * DAY_MS * 1000 ** random()
      this.#offMs = isBack ? (back ? -Math.floor(farMs) : 0) : ahead ? Math.floor(farMs) : 0
    }
    if (this.#left === 0) return { arrivalMs: rightMs, isMisstamped: false }
    this.#left--
    return { arrivalMs: rightMs + this.#offMs, isMisstamped: this.#offMs !== 0 }
  }
}
