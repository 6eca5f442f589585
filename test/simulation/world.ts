import { type Random, randomNumbers } from '../../data/random.ts'
import { openSqliteSpeedStore } from '../../functions/adapters/sqlite/speed-store.ts'
import type { ClassList } from '../../functions/core/classes.ts'
import { DEFAULT_LATENESS, type Lateness, withLateness } from '../../functions/core/lateness.ts'
import { slotOf } from '../../functions/core/slot.ts'
import { HOUR_MS, MINUTE_MS } from '../../functions/core/time.ts'
import type { Baseline } from '../../functions/core/unusual-image.ts'
import type { SpeedStore } from '../../functions/ports/speed-store.ts'
import type { Faults, Network } from './faulty-store.ts'
import { SimulatedLog } from './log.ts'
import { LogClock } from './log-clock.ts'
import { type Process, Scheduler } from './scheduler.ts'
import { ALWAYS_KNOWN, NEW_CLASS } from './sent.ts'

/** Kinds of trouble. Each can be left out to find what a failure needs. */
export const TROUBLES = [
  'crashes',
  'sleepers',
  'store-faults',
  'stale-processors',
  'rewinds',
  'reshards',
  'retention',
  'other-systems',
  'jitter',
  'clock-jumps',
  'late-events',
  'bad-records',
  'redrives',
  'batch',
] as const
export type Trouble = (typeof TROUBLES)[number]

export interface HistoryOptions {
  seed: number
  steps: number
  without: ReadonlySet<Trouble>
  /** True when the archive and the batch layer take part. Their engine makes a history slower. */
  withBatch: boolean
}

export const SLOT_MS = HOUR_MS
const START_MS = Date.UTC(2026, 0, 1, 23, 30)
const NO_FAULTS: Faults = { refused: 0, answerLost: 0 }
/** Stream of random numbers that no part of a history uses, so that the setting changes no history. */
const LATENESS_STREAM = 1_000_000
const FAULTS: Faults = { refused: 0.03, answerLost: 0.06 }

export const BASELINE: Baseline = {
  version: 1,
  classes: new Map(ALWAYS_KNOWN.map(name => [name, { ndviMean: 0.1, ndviStddev: 0.3 }])),
}

/** Random allowed lateness: in half of the histories another than by default, and it may change while records arrive. */
function someLateness(random: Random): Lateness {
  if (random() < 0.5) return DEFAULT_LATENESS
  const ms = MINUTE_MS + Math.floor(random() * 48) * HOUR_MS
  if (random() < 0.5) return [{ since: 0, ms }]
  const since = slotOf(START_MS, SLOT_MS) + Math.floor(random() * 6) * SLOT_MS
  return random() < 0.5 ? withLateness(DEFAULT_LATENESS, since, ms) : withLateness([{ since: 0, ms }], since, MINUTE_MS)
}

/** State that all parts of a history share: random numbers, clock, log, store, and the network in front of them. */
export class World {
  readonly #options: HistoryOptions
  #stream = 0
  readonly random: Random
  readonly log: SimulatedLog
  readonly store = openSqliteSpeedStore(':memory:')
  readonly scheduler: Scheduler
  readonly classes: ClassList
  readonly lateness: Lateness
  readonly clock: LogClock
  /** Breaches that were noticed during the history. */
  readonly seen: string[] = []
  nowMs = START_MS
  faults: Faults

  constructor(options: HistoryOptions) {
    this.#options = options
    this.random = this.stir()
    const kind = this.random() < 0.7 ? 'kinesis' : 'kafka'
    this.log = new SimulatedLog(kind, 1 + Math.floor(this.random() * 2), this.random() < 0.5 ? 95 : 0)
    this.scheduler = new Scheduler(this.stir())
    this.faults = this.has('store-faults') ? FAULTS : NO_FAULTS
    const knownSince = slotOf(START_MS, SLOT_MS) + (1 + Math.floor(this.random() * 3)) * SLOT_MS
    this.classes = new Map([...ALWAYS_KNOWN.map(name => [name, 0] as const), [NEW_CLASS, knownSince] as const])
    this.lateness = someLateness(randomNumbers(options.seed, LATENESS_STREAM, 0))
    const jumps = this.has('clock-jumps')
    // The batch view misses events stamped before the cut until a backfill, as the contract with logs says.
    this.clock = new LogClock({ random: this.stir(), ahead: jumps, back: jumps && !this.withBatch })
  }

  get withBatch(): boolean {
    return this.#options.withBatch && this.has('batch')
  }

  has(trouble: Trouble): boolean {
    return !this.#options.without.has(trouble)
  }

  /** Returns a separate stream of random numbers. */
  stir(): Random {
    return randomNumbers(this.#options.seed, ++this.#stream, 0)
  }

  chance(share: number, trouble?: Trouble): boolean {
    return this.random() < share && !(trouble && !this.has(trouble))
  }

  pick<Item>(items: readonly Item[]): Item | undefined {
    return items[Math.floor(this.random() * items.length)]
  }

  networkOf(process: Process): Network {
    return { scheduler: this.scheduler, process, random: this.stir(), faults: () => this.faults }
  }

  /** The store. Every breach of "a cursor only moves forward" is recorded at the moment when it takes effect. */
  get watchedStore(): SpeedStore {
    const { store, seen } = this
    return {
      ...store,
      async moveCursor(cursor, from) {
        const before = await store.readCursor(cursor.lane)
        const moved = await store.moveCursor(cursor, from)
        if (moved && before && cursor.lastPosition <= before.lastPosition) {
          seen.push(`the cursor of ${cursor.lane} went from ${before.lastPosition} to ${cursor.lastPosition}`)
        }
        return moved
      },
    }
  }

  /** Only jitter may move arrival times back, by less than half a slot in each direction. */
  moveClock(): void {
    const toBoundary = SLOT_MS - (this.nowMs % SLOT_MS)
    const luck = this.random()
    if (luck < 0.3) this.nowMs += toBoundary - 1000
    else if (luck < 0.5) this.nowMs += toBoundary
    else this.nowMs += Math.floor(this.random() * 20 * MINUTE_MS)
  }

  someTurns(most: number): Promise<void> {
    return this.turns(this.random() * most)
  }

  async turns(count: number): Promise<void> {
    for (let turn = 1; turn < count; turn++) await this.scheduler.step()
  }

  /** Stops all trouble: no call fails, the clock is right and no process is suspended. This may be hours later. */
  calmDown(): void {
    this.faults = NO_FAULTS
    this.clock.setRight()
    this.nowMs += Math.floor(this.random() * 6 * SLOT_MS)
    this.scheduler.wakeAll()
  }
}
