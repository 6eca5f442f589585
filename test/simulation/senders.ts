import { HOUR_MS } from '../../functions/core/time.ts'
import { WINDOW_MS } from '../../functions/core/window.ts'
import type { BatchSide } from './batch-side.ts'
import { SimulatedProducer, type UnderWay } from './producer.ts'
import { makeHeartbeat, makeRecord, type SentEvent, type SentRecord } from './sent.ts'
import { SLOT_MS, type World } from './world.ts'

/** All senders: producers that keep the contract, senders without a producer id, and heartbeats. */
export class Senders {
  readonly #world: World
  readonly #producers: SimulatedProducer[]
  readonly #content
  #underWay: UnderWay[] = []
  #images = 0
  /** Every event that was ever sent, by its image. */
  readonly sent = new Map<string, SentEvent>()

  constructor(world: World) {
    this.#world = world
    const { random } = world
    const names = Array.from({ length: 1 + Math.floor(random() * 3) }, (_, index) => `producer-${index}`)
    this.#producers = names.map(name => new SimulatedProducer(name, random()))
    this.#content = world.stir()
  }

  make(origin: SentRecord['origin']): SentRecord {
    const options = { times: () => this.#eventTime(), bad: this.#world.has('bad-records') }
    const record = makeRecord(this.#content, origin, () => ++this.#images, options)
    for (const event of record.events) this.sent.set(event.imageId, event)
    return record
  }

  /** Puts a record on the log now. */
  arrive({ record, lane: pinned, key }: UnderWay): void {
    const { log, random, nowMs, clock } = this.#world
    const jitter = !this.#world.has('jitter') || random() < 0.6 ? 0 : Math.floor((random() - 0.5) * 0.9 * SLOT_MS)
    const gap = random() < 0.3 ? Math.floor(random() * 60) : 0
    const lane = pinned ?? log.laneOf(key)
    const stamp = clock.stamp(nowMs + jitter)
    const right = { arrivalMs: nowMs + jitter, isMisstamped: false }
    log.append(lane, record, this.#needsRightTime(lane, record) ? right : stamp, gap)
  }

  /**
   * Returns true for a copy in a descendant of the lane of its original, if the batch layer takes part. The speed layer
   * recognises it by higher counters of that lane, too. The batch layer does not know which lane comes from which: it
   * needs the original within the look-back, as the contract with logs says.
   */
  #needsRightTime(lane: string, { origin }: SentRecord): boolean {
    const { log, withBatch } = this.#world
    if (!withBatch || !origin) return false
    const isOriginal = ({ sent }: { sent: SentRecord }) =>
      sent.origin?.producer === origin.producer && sent.origin.counter === origin.counter
    return log.stored.some(stored => isOriginal(stored) && log.isDescendant(lane, stored.lane))
  }

  /** Keeps a record under way. */
  delay(copy: UnderWay): void {
    this.#underWay.push(copy)
  }

  sendAsProducer(batch: BatchSide | undefined): void {
    const { random, log, nowMs } = this.#world
    const producer = this.#world.pick(this.#producers) as SimulatedProducer
    const copies = producer.send(random, log, nowMs, origin => this.make(origin))
    // Copies at the end of a slot, of which the first has the later time: the batch layer looks ahead for these.
    if (batch && copies[0] && batch.chance(0.3)) this.arrive(copies[0])
    for (const copy of copies) {
      if (copy.beforeMs === Number.POSITIVE_INFINITY || random() < 0.5) this.arrive(copy)
      else this.delay(copy)
    }
  }

  sendUnwrapped(): void {
    const { random } = this.#world
    const record = this.make(null)
    for (let copies = random() < 0.2 ? 2 : 1; copies > 0; copies--) {
      this.arrive({ record, lane: null, key: random(), beforeMs: Number.POSITIVE_INFINITY })
    }
  }

  /** Lets some of the records under way arrive, and drops those that would be too late. */
  deliverUnderWay(): void {
    const { random, nowMs } = this.#world
    this.#underWay = this.#underWay.filter(copy => {
      const arrives = nowMs < copy.beforeMs && random() < 0.5
      if (arrives) this.arrive(copy)
      return !arrives && nowMs < copy.beforeMs
    })
  }

  sendHeartbeats(): void {
    const { log, clock, nowMs } = this.#world
    for (const { lane } of log.open) log.append(lane.name, makeHeartbeat(nowMs), clock.stamp(nowMs), 0)
  }

  /** Random event times, often near window and slot boundaries, sometimes far in the past. */
  #eventTime(): number {
    const { nowMs } = this.#world
    const boundary = Math.round(nowMs / WINDOW_MS) * WINDOW_MS
    const near = boundary + Math.floor((this.#content() - 0.5) * 4) * 1000
    if (this.#content() < 0.1 && this.#world.has('late-events')) {
      return near - Math.floor(this.#content() * 48) * HOUR_MS
    }
    return Math.min(this.#content() < 0.5 ? near : nowMs, nowMs)
  }
}
