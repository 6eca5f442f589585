import type { RejectionReason } from '../../functions/core/record.ts'
import { type Listed, listQuarantine } from '../../functions/redrive/list.ts'
import { redriveQuarantine } from '../../functions/redrive/redrive.ts'
import type { Redrive } from '../../functions/redrive/standing.ts'
import { faultyLog } from './faulty-log.ts'
import { faultyStore, StoreFaultError } from './faulty-store.ts'
import type { Process } from './scheduler.ts'
import type { Senders } from './senders.ts'
import { SLOT_MS, type World } from './world.ts'

/** Redrives. Each is a run of the command in its own process. */
export class Redriving {
  readonly #world: World
  readonly #senders: Senders

  constructor(world: World, senders: Senders) {
    this.#world = world
    this.#senders = senders
  }

  start(): Process {
    const process: Process = { alive: true }
    redriveQuarantine(this.#redriveAs(process)).catch(error => {
      if (!(error instanceof StoreFaultError)) this.#world.seen.push(`the redrive threw ${String(error)}`)
    })
    return process
  }

  /** Starts a redrive. It usually ends long before the clock moves on; or it is suspended, and another one starts. */
  async startAndHalt(): Promise<void> {
    const { scheduler, log, random } = this.#world
    const process = this.start()
    await this.#world.someTurns(25)
    if (this.#world.chance(0.3, 'sleepers')) process.asleep = true
    else if (this.#world.chance(0.2, 'crashes')) scheduler.kill(process)
    else if (random() < 0.6) return
    if (this.#world.chance(0.5, 'reshards')) log.reshard(random(), false)
    this.start()
    await this.#world.someTurns(60)
  }

  /** Reads the quarantine for the last time, and returns the states of its entries. */
  list(): Promise<ReadonlyMap<RejectionReason, Listed>> {
    return listQuarantine({ ...this.#redriveAs({ alive: true }), store: this.#world.store })
  }

  #redriveAs(process: Process): Redrive {
    const world = this.#world
    const { scheduler } = world
    return {
      log: faultyLog(world, process, this.#senders),
      store: faultyStore(world.watchedStore, world.networkOf(process)),
      classes: async () => world.classes,
      slotMs: SLOT_MS,
      time: { now: () => world.nowMs, sleep: () => scheduler.turn(process), random: world.stir() },
    }
  }
}
