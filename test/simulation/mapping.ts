import { type Position, START, toPosition } from '../../functions/core/lane.ts'
import { DEFAULT_RULES } from '../../functions/core/rules/index.ts'
import type { BatchResponse } from '../../functions/lambda/decode-event.ts'
import { kafkaEvent, kinesisEvent } from '../../functions/lambda/encode-event.ts'
import { speedHandler } from '../../functions/speed/handler.ts'
import { faultyStore } from './faulty-store.ts'
import type { StoredRecord } from './log.ts'
import type { Process } from './scheduler.ts'
import { BASELINE, SLOT_MS, type World } from './world.ts'

const MOST_RECORDS = 6

interface Delivery {
  lane: string
  records: StoredRecord[]
  process: Process
  /** True when the mapping has given it up: its answer no longer counts. */
  abandoned: boolean
}

interface Warm extends Process {
  busy: boolean
  handler: ReturnType<typeof speedHandler>
}

/** Event source mapping of the speed layer: passes records to its processes, one delivery of a lane at a time. */
export class Mapping {
  readonly #world: World
  readonly #checkpoints = new Map<string, Position>()
  readonly #handedOver = new Map<string, Position>()
  readonly #inFlight = new Map<string, Delivery>()
  readonly #processes: Warm[] = []
  deliveries = 0

  constructor(world: World) {
    this.#world = world
  }

  /** Returns true when everything was delivered, and nothing is under way. */
  get isAtRest(): boolean {
    return this.#inFlight.size === 0 && this.#deliverable().length === 0
  }

  /** Last record of a lane that was ever delivered. A retry of the mapping may need it again. */
  handedOver(lane: string): Position {
    return this.#handedOver.get(lane) ?? START
  }

  startDelivery(): void {
    const { log, random, seen } = this.#world
    const lane = this.#world.pick(this.#deliverable())
    if (lane === undefined) return
    const pending = this.#undelivered(lane)
    const records = pending.slice(0, 1 + Math.floor(random() * Math.min(pending.length, MOST_RECORDS)))
    const idle = this.#processes.filter(process => process.alive && !process.busy)
    const process = (random() < 0.8 ? this.#world.pick(idle) : undefined) ?? this.#startProcess()
    const delivery: Delivery = { lane, records, process, abandoned: false }
    const last = (records.at(-1) as StoredRecord).position
    if (last > this.handedOver(lane)) this.#handedOver.set(lane, last)
    this.#inFlight.set(lane, delivery)
    process.busy = true
    this.deliveries++
    const toEvent = log.kind === 'kinesis' ? kinesisEvent : kafkaEvent
    process.handler(toEvent(log.identity, records)).then(
      response => this.#endDelivery(delivery, process, response),
      error => seen.push(`the handler threw ${String(error)}`),
    )
  }

  /** Drops deliveries whose process was killed. */
  giveUp(dead: Process | undefined): void {
    for (const delivery of this.#inFlight.values()) if (delivery.process === dead) this.#abandon(delivery)
  }

  /** Delivers again what a process is still working on. */
  giveUpAny(): void {
    const delivery = this.#world.pick([...this.#inFlight.values()])
    if (delivery) this.#abandon(delivery)
  }

  /** Sets the checkpoint of a lane back, as an operator may. */
  rewind(): void {
    const { log } = this.#world
    const lane = this.#world.pick(log.shards)?.lane.name as string
    const back = this.#world.pick(log.kept(lane))
    const checkpoint = this.#checkpoints.get(lane) ?? START
    if (!this.#inFlight.has(lane)) {
      this.#checkpoints.set(lane, back && back.position < checkpoint ? back.position : START)
    }
  }

  #startProcess(): Warm {
    const world = this.#world
    const { log } = world
    const process: Warm = { alive: true, busy: false, handler: async () => ({ batchItemFailures: [] }) }
    process.handler = speedHandler({
      store: faultyStore(world.watchedStore, world.networkOf(process)),
      lanes: async () => log.lanes().map(lane => ({ ...lane })),
      firstKept: async lane => log.firstKept(lane),
      slotMs: SLOT_MS,
      lateness: world.lateness,
      classes: async () => world.classes,
      rules: DEFAULT_RULES,
      baseline: async () => BASELINE,
      streamIdentity: log.identity,
      logger: { info() {}, warn() {} },
      metrics: { record() {} },
      now: () => world.nowMs,
    })
    this.#processes.push(process)
    return process
  }

  #endDelivery(delivery: Delivery, process: Warm, response: BatchResponse): void {
    process.busy = false
    if (delivery.abandoned) return
    this.#inFlight.delete(delivery.lane)
    const [failure] = response.batchItemFailures
    const item = failure?.itemIdentifier
    const from = item === undefined ? undefined : toPosition(typeof item === 'string' ? item : item.offset)
    const done = from === undefined ? delivery.records : delivery.records.filter(record => record.position < from)
    const last = done.at(-1)
    if (last) this.#checkpoints.set(delivery.lane, last.position)
  }

  #abandon(delivery: Delivery): void {
    delivery.abandoned = true
    this.#inFlight.delete(delivery.lane)
  }

  #isDrained(lane: string): boolean {
    const { log } = this.#world
    const { closed, parents } = log.shardOf(lane).lane
    if (!parents.every(parent => this.#isDrained(parent))) return false
    return closed && (this.#checkpoints.get(lane) ?? START) >= log.lastPosition(lane) && !this.#inFlight.has(lane)
  }

  #undelivered(lane: string): StoredRecord[] {
    const checkpoint = this.#checkpoints.get(lane) ?? START
    return this.#world.log.kept(lane).filter(record => record.position > checkpoint)
  }

  #deliverable(): string[] {
    const isReady = (name: string, parents: string[]) =>
      !this.#inFlight.has(name) &&
      parents.every(parent => this.#isDrained(parent)) &&
      this.#undelivered(name).length > 0
    return this.#world.log
      .lanes()
      .filter(({ name, parents }) => isReady(name, parents))
      .map(({ name }) => name)
  }
}
