import type { Random } from '../../data/random.ts'
import { RETRY_LIMIT_MS } from '../../functions/core/slot.ts'
import type { SimulatedLog } from './log.ts'
import type { SentRecord } from './sent.ts'

interface InFlight {
  record: SentRecord
  lane: string
  firstSentMs: number
}

/** Copy of a record that is still under way to the log. */
export interface UnderWay {
  record: SentRecord
  lane: string | null
  key: number
  /** Time before which it reaches the log, or never. */
  beforeMs: number
}

/** Share of sends before which the producer restarts. */
const RESTARTS = 0.03

/**
 * Producer that keeps the contract: one record in flight, with a number. A retry has the same bytes and the same key,
 * and on Kafka the same partition. The producer takes a new id when it restarts or gives up, which it does at the retry
 * limit at the latest.
 */
export class SimulatedProducer {
  readonly #key: number
  readonly #name: string
  #lives = 0
  #counter = 0
  #inFlight: InFlight | undefined

  constructor(name: string, key: number) {
    this.#name = name
    this.#key = key
  }

  /** Sends the record in flight again, or else the next one. Returns the copies that are now under way. */
  send(
    random: Random,
    log: SimulatedLog,
    nowMs: number,
    make: (origin: SentRecord['origin']) => SentRecord,
  ): UnderWay[] {
    const tooLate = this.#inFlight && nowMs - this.#inFlight.firstSentMs >= RETRY_LIMIT_MS
    if (tooLate || random() < RESTARTS) this.#startAnew()
    if (!this.#inFlight) {
      const origin = { producer: `${this.#name}-${this.#lives}`, counter: ++this.#counter }
      this.#inFlight = { record: make(origin), lane: log.laneOf(this.#key), firstSentMs: nowMs }
    }
    const { record, lane, firstSentMs } = this.#inFlight
    const copy: UnderWay = {
      record,
      lane: log.kind === 'kafka' ? lane : null,
      key: this.#key,
      beforeMs: firstSentMs + RETRY_LIMIT_MS,
    }
    const luck = random()
    if (luck < 0.55) {
      this.#inFlight = undefined
      return [{ ...copy, beforeMs: Number.POSITIVE_INFINITY }, ...(luck < 0.1 ? [copy] : [])]
    }
    return luck < 0.9 ? [copy] : []
  }

  /** Copies of the record that was in flight may still reach the log. */
  #startAnew(): void {
    this.#inFlight = undefined
    this.#lives++
    this.#counter = 0
  }
}
