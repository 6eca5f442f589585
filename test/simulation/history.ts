import type { ClassList } from '../../functions/core/classes.ts'
import type { Lateness } from '../../functions/core/lateness.ts'
import type { RejectionReason } from '../../functions/core/record.ts'
import { slotOf } from '../../functions/core/slot.ts'
import type { SpeedStore } from '../../functions/ports/speed-store.ts'
import type { Listed } from '../../functions/redrive/list.ts'
import { BatchSide } from './batch-side.ts'
import { KeyedRequests } from './keyed-requests.ts'
import type { SimulatedLog } from './log.ts'
import { Mapping } from './mapping.ts'
import { StoreOwners } from './other-systems.ts'
import { Redriving } from './redriving.ts'
import { removeOldest } from './retention.ts'
import { Senders } from './senders.ts'
import { type HistoryOptions, SLOT_MS, World } from './world.ts'

const MAX_STEPS_TO_FINISH = 20_000
/** Share of the steps of the batch layer, when it takes part. */
const BATCH_STEPS = 0.3
/** Number of clients that read during a batch run at the end of a history, and most turns of others between two of them. */
const READERS = 6
const TURNS_BETWEEN_READERS = 24
/** Number of redrives when everything else is over: what one redrive appends may be refused again. */
const LAST_REDRIVES = 3

/** Result of a history, which the laws check. */
export interface Outcome {
  log: SimulatedLog
  store: SpeedStore
  classes: ClassList
  lateness: Lateness
  /** Time when the quarantine was last read, ms. The batch layer comes to rest later. */
  listedMs: number
  /** States of the entries at the last reading of the quarantine; null when nothing was ever redriven. */
  listed: ReadonlyMap<RejectionReason, Listed> | null
  /** Time before which rows and unusual images may be deleted, ms. */
  expired: number
  /** Breaches that were noticed during the history. */
  seen: string[]
  deliveries: number
}

/** Plays a history, then lets everything come to rest: all delivered, no failures, no process running. */
export async function playHistory(options: HistoryOptions): Promise<Outcome> {
  const history = new History(options)
  await history.open()
  for (let step = 0; step < options.steps; step++) await history.oneStep()
  return history.finish()
}

class History {
  readonly #world: World
  readonly #senders: Senders
  readonly #keyed: KeyedRequests
  readonly #mapping: Mapping
  readonly #redriving: Redriving
  readonly #owners: StoreOwners
  readonly #batch: BatchSide | undefined

  constructor(options: HistoryOptions) {
    this.#world = new World(options)
    this.#senders = new Senders(this.#world)
    this.#keyed = new KeyedRequests(this.#world, this.#senders)
    this.#mapping = new Mapping(this.#world)
    this.#redriving = new Redriving(this.#world, this.#senders)
    this.#owners = new StoreOwners(this.#world)
    this.#batch = this.#world.withBatch ? new BatchSide(this.#world) : undefined
  }

  async open(): Promise<void> {
    await this.#owners.begin()
    await this.#batch?.open()
  }

  async oneStep(): Promise<void> {
    if (this.#batch?.chance(BATCH_STEPS)) return this.#oneBatchStep(this.#batch)
    if (await this.#trouble()) return
    const { random, scheduler } = this.#world
    const luck = random()
    if (luck < 0.12) this.#senders.sendAsProducer(this.#batch)
    else if (luck < 0.14) this.#keyed.send()
    else if (luck < 0.17) this.#senders.sendUnwrapped()
    else if (luck < 0.21) this.#senders.deliverUnderWay()
    else if (luck < 0.26) this.#world.moveClock()
    else if (luck < 0.36) this.#mapping.startDelivery()
    else await scheduler.step()
  }

  /** Returns true if there was any. */
  async #trouble(): Promise<boolean> {
    const { scheduler, log, random } = this.#world
    if (this.#world.chance(0.02, 'crashes')) {
      this.#mapping.giveUp(scheduler.killOne())
      this.#batch?.giveUpDead()
    } else if (this.#world.chance(0.02, 'sleepers')) {
      if (random() < 0.4) scheduler.wakeAll()
      else scheduler.putOneToSleep()
    } else if (this.#world.chance(0.04, 'stale-processors')) this.#mapping.giveUpAny()
    else if (this.#world.chance(0.01, 'rewinds')) this.#mapping.rewind()
    else if (this.#world.chance(0.02, 'reshards')) {
      for (let times = random() < 0.4 ? 2 : 1; times > 0; times--) log.reshard(random(), random() < 0.4)
    } else if (this.#world.chance(0.02, 'retention')) await removeOldest(this.#world, this.#mapping)
    else if (this.#world.chance(0.01, 'other-systems')) await this.#owners.open()
    else if (this.#world.chance(0.03, 'redrives')) await this.#redriving.startAndHalt()
    else return false
    return true
  }

  async #oneBatchStep(batch: BatchSide): Promise<void> {
    const luck = batch.luck()
    if (luck < 0.18) this.#senders.sendHeartbeats()
    else if (luck < 0.62) {
      batch.startArchiving()
      await this.#world.turns(batch.luck() * 12)
    } else if (luck < 0.73) {
      // A client reads while the cut moves.
      if (batch.chance(0.7)) await batch.startReading()
      batch.startBatch()
      await this.#world.turns(batch.luck() * 120)
      await batch.judgeViews()
    } else if (luck < 0.88) await batch.startReading()
    else if (luck < 0.91) batch.startBackfill()
    else if (luck < 0.97) await batch.startCompaction()
    else await batch.expire()
  }

  async finish(): Promise<Outcome> {
    this.#world.calmDown()
    // When records were removed, only a later record shows that they are missing.
    this.#senders.sendHeartbeats()
    await this.#comeToRest()
    const listed = this.#world.has('redrives') ? await this.#redriveTheRest() : null
    const { log, store, classes, lateness, seen, nowMs: listedMs } = this.#world
    if (this.#batch) await this.#finishBatch(this.#batch)
    await this.#batch?.close()
    const { deliveries } = this.#mapping
    return { log, store, classes, lateness, listedMs, listed, expired: this.#batch?.expired ?? 0, seen, deliveries }
  }

  async #comeToRest(): Promise<void> {
    const { scheduler, random, seen } = this.#world
    for (let step = 0; !this.#mapping.isAtRest || !scheduler.isIdle; step++) {
      if (step > MAX_STEPS_TO_FINISH) {
        seen.push('the log was never applied to its end')
        break
      }
      if (scheduler.isIdle || random() < 0.3) this.#mapping.startDelivery()
      await scheduler.step()
    }
  }

  async #redriveTheRest(): Promise<Outcome['listed']> {
    for (let run = 0; run < LAST_REDRIVES; run++) {
      this.#world.nowMs += Math.floor(this.#world.random() * 2 * SLOT_MS)
      this.#redriving.start()
      await this.#comeToRest()
    }
    return this.#redriving.list()
  }

  /** The archive gets what is left, slots end, and batch runs find everything that there is. */
  async #finishBatch(batch: BatchSide): Promise<void> {
    await this.#comeToRest()
    for (let slot = 0; slot < 3; slot++) {
      this.#world.nowMs += SLOT_MS
      this.#senders.sendHeartbeats()
      while (!batch.isArchived) {
        batch.startArchiving()
        await this.#comeToRest()
      }
      batch.startBatch()
      await this.#readMeanwhile(batch)
      await this.#comeToRest()
    }
    const cut = slotOf(this.#world.nowMs, SLOT_MS) - SLOT_MS
    await this.#compactAndRecount(batch)
    await batch.judgeRest(cut)
  }

  /** Clients read at several moments of a batch run that moves the cut. */
  async #readMeanwhile(batch: BatchSide): Promise<void> {
    for (let reader = 0; reader < READERS; reader++) {
      await batch.startReading()
      await this.#world.turns(batch.luck() * TURNS_BETWEEN_READERS)
    }
  }

  /** The second compaction, a slot later, deletes the files that the first has replaced. Before it, both are there. */
  async #compactAndRecount(batch: BatchSide): Promise<void> {
    for (let run = 0; run < 2; run++) {
      this.#world.nowMs += SLOT_MS
      await batch.startWholeCompaction()
      await this.#comeToRest()
      batch.startRecount()
      await this.#comeToRest()
      await batch.judgeViews()
    }
  }
}
