import { type Random, randomNumbers } from '../../data/random.ts'
import { openSqliteSpeedStore } from '../../functions/adapters/sqlite/speed-store.ts'
import { type Alert, type Baseline, judge } from '../../functions/core/alert.ts'
import type { ClassList } from '../../functions/core/classes.ts'
import type { ImageEvent } from '../../functions/core/event.ts'
import { type Position, START, toPosition } from '../../functions/core/lane.ts'
import type { RejectionReason } from '../../functions/core/record.ts'
import { DEFAULT_RULES } from '../../functions/core/rules/index.ts'
import { slotOf } from '../../functions/core/slot.ts'
import { HOUR_MS, MINUTE_MS } from '../../functions/core/time.ts'
import { WINDOW_MS } from '../../functions/core/window.ts'
import type { BatchResponse } from '../../functions/lambda/decode-event.ts'
import { kafkaEvent, kinesisEvent } from '../../functions/lambda/encode-event.ts'
import type { SpeedStore } from '../../functions/ports/speed-store.ts'
import { type Listed, listQuarantine } from '../../functions/redrive/list.ts'
import { redriveQuarantine } from '../../functions/redrive/redrive.ts'
import type { Redrive } from '../../functions/redrive/standing.ts'
import { speedHandler } from '../../functions/speed/handler.ts'
import { BatchSide } from './batch-side.ts'
import { faultyLog } from './faulty-log.ts'
import { type Faults, faultyStore, type Network, StoreFaultError } from './faulty-store.ts'
import { SimulatedLog, type StoredRecord } from './log.ts'
import { LogClock } from './log-clock.ts'
import { SimulatedProducer, type UnderWay } from './producer.ts'
import { type Process, Scheduler } from './scheduler.ts'
import { ALWAYS_KNOWN, makeHeartbeat, makeRecord, NEW_CLASS, type SentEvent, type SentRecord } from './sent.ts'

/** Kinds of trouble; each can be left out to find what a failure needs. */
export const TROUBLES = [
  'crashes',
  'sleepers',
  'store-faults',
  'stale-processors',
  'rewinds',
  'reshards',
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
  /** Whether the archive and the batch layer take part: their engine takes its time. */
  withBatch: boolean
}

const SLOT_MS = HOUR_MS
const START_MS = Date.UTC(2026, 0, 1, 23, 30)
const MAX_STEPS_TO_FINISH = 20_000
/** Share of the steps that are the batch layer's, where it takes part. */
const BATCH_STEPS = 0.3
/** How often a redrive runs when all else is over: what one appends may be refused once more. */
const LAST_REDRIVES = 3

export const BASELINE: Baseline = {
  version: 1,
  classes: new Map(ALWAYS_KNOWN.map(name => [name, { ndviMean: 0.1, ndviStddev: 0.3 }])),
}

interface Delivery {
  lane: string
  records: StoredRecord[]
  process: Process
  /** The mapping has given it up: its answer no longer counts. */
  abandoned: boolean
}

interface Warm extends Process {
  busy: boolean
  handler: ReturnType<typeof speedHandler>
}

/** A batch run calls so often that it would hardly ever come to its end. */
function lessOf({ refused, answerLost }: Faults): Faults {
  return { refused: refused / 10, answerLost: answerLost / 10 }
}

/** What a history has left behind, for the laws to judge. */
export interface Outcome {
  log: SimulatedLog
  store: SpeedStore
  classes: ClassList
  /** When the quarantine was last looked at, ms: the batch layer comes to rest later. */
  listedMs: number
  /** What a last look at the quarantine says of it; null where nothing was ever redriven. */
  listed: ReadonlyMap<RejectionReason, Listed> | null
  /** Rows and alerts of before may be gone, ms. */
  expired: number
  /** Breaches that were seen on the way. */
  seen: string[]
  deliveries: number
}

/** Plays a history and then lets everything come to rest: all delivered, nothing failing, no process running. */
export async function playHistory({ seed, steps, without, withBatch }: HistoryOptions): Promise<Outcome> {
  let stream = 0
  const stir = (): Random => randomNumbers(seed, ++stream, 0)
  const random = stir()
  const chance = (share: number, trouble?: Trouble) => random() < share && !(trouble && without.has(trouble))

  const kind = random() < 0.7 ? 'kinesis' : 'kafka'
  const log = new SimulatedLog(kind, 1 + Math.floor(random() * 2), random() < 0.5 ? 95 : 0)
  const inner = openSqliteSpeedStore(':memory:')
  const scheduler = new Scheduler(stir())
  const seen: string[] = []
  const store = watched(inner, seen)
  const producers = Array.from(
    { length: 1 + Math.floor(random() * 3) },
    (_, index) => new SimulatedProducer(`producer-${index}`, random()),
  )
  const classes = new Map([
    ...ALWAYS_KNOWN.map(name => [name, 0] as const),
    [NEW_CLASS, slotOf(START_MS, SLOT_MS) + (1 + Math.floor(random() * 3)) * SLOT_MS] as const,
  ])
  const checkpoints = new Map<string, Position>()
  const inFlight = new Map<string, Delivery>()
  const processes: Warm[] = []
  const sent = new Map<string, SentEvent>()
  const recordRandom = stir()
  let underWay: UnderWay[] = []
  let nowMs = START_MS
  let images = 0
  let deliveries = 0
  let faults: Faults = without.has('store-faults') ? { refused: 0, answerLost: 0 } : { refused: 0.03, answerLost: 0.06 }

  const networkOf = (process: Process): Network => ({ scheduler, process, random: stir(), faults: () => faults })

  const batchRandom = stir()
  const batch =
    withBatch && !without.has('batch')
      ? new BatchSide({
          log,
          store: { ...store, expire: inner.expire },
          classes,
          slotMs: SLOT_MS,
          random: batchRandom,
          nowMs: () => nowMs,
          networkOf: process => ({ ...networkOf(process), faults: () => lessOf(faults) }),
          see: breach => void seen.push(breach),
        })
      : undefined
  await batch?.open()
  const jumps = !without.has('clock-jumps')
  // What is stamped before the cut the batch view misses until a backfill, as the contract with logs says.
  const clock = new LogClock({ random: stir(), ahead: jumps, back: jumps && !batch })

  function startProcess(): Warm {
    const process: Warm = { alive: true, busy: false, handler: async () => ({ batchItemFailures: [] }) }
    process.handler = speedHandler({
      store: faultyStore(store, networkOf(process)),
      channel: { publish: async () => {} },
      lanes: async () => log.lanes().map(lane => ({ ...lane })),
      firstKept: async () => null,
      slotMs: SLOT_MS,
      classes: async () => classes,
      rules: DEFAULT_RULES,
      baseline: async () => BASELINE,
      streamIdentity: log.identity,
      logger: { info() {}, warn() {} },
      metrics: { record() {} },
      now: () => nowMs,
    })
    processes.push(process)
    return process
  }

  /** Event times crowd around window and slot boundaries, now and then far back. */
  function eventTime(): number {
    const boundary = Math.round(nowMs / WINDOW_MS) * WINDOW_MS
    const near = boundary + Math.floor((recordRandom() - 0.5) * 4) * 1000
    if (recordRandom() < 0.1 && !without.has('late-events')) return near - Math.floor(recordRandom() * 48) * HOUR_MS
    return Math.min(recordRandom() < 0.5 ? near : nowMs, nowMs)
  }

  function make(origin: SentRecord['origin']): SentRecord {
    const options = { times: eventTime, bad: !without.has('bad-records') }
    const record = makeRecord(recordRandom, origin, () => ++images, options)
    for (const event of record.events) sent.set(event.imageId, event)
    return record
  }

  function arrive({ record, lane, key }: UnderWay): void {
    const jitter = without.has('jitter') || random() < 0.6 ? 0 : Math.floor((random() - 0.5) * 0.9 * SLOT_MS)
    const gap = random() < 0.3 ? Math.floor(random() * 60) : 0
    // The stamps of a record and its copies tell that they are the same, so those are right but for jitter.
    const stampMs = record.origin ? nowMs + jitter : clock.stamp(nowMs + jitter)
    log.append(lane ?? log.laneOf(key), record, stampMs, gap)
  }

  function redriveAs(process: Process): Redrive {
    const way = {
      nowMs: () => nowMs,
      faults: () => faults,
      sent,
      arrive,
      delay: (copy: UnderWay) => void underWay.push(copy),
    }
    return {
      log: faultyLog(log, scheduler, process, stir(), way),
      store: faultyStore(store, networkOf(process)),
      classes: async () => classes,
      slotMs: SLOT_MS,
      time: { now: () => nowMs, sleep: () => scheduler.turn(process), random: stir() },
    }
  }

  /** One run of the command, in a process of its own. */
  function startRedrive(): Process {
    const process: Process = { alive: true }
    redriveQuarantine(redriveAs(process)).catch(error => {
      if (!(error instanceof StoreFaultError)) seen.push(`the redrive threw ${String(error)}`)
    })
    return process
  }

  /** A redrive that, as a rule, is far before the clock moves on; or it comes to a halt, and somebody starts another. */
  async function redriveNow(): Promise<void> {
    const process = startRedrive()
    await someTurns(25)
    if (chance(0.3, 'sleepers')) process.asleep = true
    else if (chance(0.2, 'crashes')) scheduler.kill(process)
    else if (random() < 0.6) return
    if (chance(0.5, 'reshards')) log.reshard(random(), false)
    startRedrive()
    await someTurns(60)
  }

  const someTurns = (most: number) => turns(random() * most)

  async function turns(count: number): Promise<void> {
    for (let turn = 1; turn < count; turn++) await scheduler.step()
  }

  /** Only jitter may bring arrival times back, and by less than half a slot to either side. */
  function moveClock(): void {
    const toBoundary = SLOT_MS - (nowMs % SLOT_MS)
    const luck = random()
    if (luck < 0.3) nowMs += toBoundary - 1000
    else if (luck < 0.5) nowMs += toBoundary
    else nowMs += Math.floor(random() * 20 * MINUTE_MS)
  }

  function isDrained(lane: string): boolean {
    const { closed, parents } = log.shardOf(lane).lane
    if (!parents.every(isDrained)) return false
    return closed && (checkpoints.get(lane) ?? START) >= log.lastPosition(lane) && !inFlight.has(lane)
  }

  function undelivered(lane: string): StoredRecord[] {
    const checkpoint = checkpoints.get(lane) ?? START
    return log.shardOf(lane).records.filter(record => record.position > checkpoint)
  }

  function deliverable(): string[] {
    return log.shards
      .map(shard => shard.lane)
      .filter(({ name, parents }) => !inFlight.has(name) && parents.every(isDrained) && undelivered(name).length > 0)
      .map(lane => lane.name)
  }

  function startDelivery(): boolean {
    const lanes = deliverable()
    const lane = lanes[Math.floor(random() * lanes.length)]
    if (lane === undefined) return false
    const pending = undelivered(lane)
    const records = pending.slice(0, 1 + Math.floor(random() * Math.min(pending.length, 6)))
    const idle = processes.filter(process => process.alive && !process.busy)
    const process = (random() < 0.8 ? idle[Math.floor(random() * idle.length)] : undefined) ?? startProcess()
    const delivery: Delivery = { lane, records, process, abandoned: false }
    inFlight.set(lane, delivery)
    process.busy = true
    deliveries++
    const toEvent = log.kind === 'kinesis' ? kinesisEvent : kafkaEvent
    process.handler(toEvent(log.identity, records)).then(
      response => endDelivery(delivery, process, response),
      error => seen.push(`the handler threw ${String(error)}`),
    )
    return true
  }

  function endDelivery(delivery: Delivery, process: Warm, response: BatchResponse): void {
    process.busy = false
    if (delivery.abandoned) return
    inFlight.delete(delivery.lane)
    const [failure] = response.batchItemFailures
    const item = failure?.itemIdentifier
    const from = item === undefined ? undefined : toPosition(typeof item === 'string' ? item : item.offset)
    const done = from === undefined ? delivery.records : delivery.records.filter(record => record.position < from)
    const last = done.at(-1)
    if (last) checkpoints.set(delivery.lane, last.position)
  }

  function abandon(delivery: Delivery): void {
    delivery.abandoned = true
    inFlight.delete(delivery.lane)
  }

  function anyInFlight(): Delivery | undefined {
    return [...inFlight.values()][Math.floor(random() * inFlight.size)]
  }

  function sendHeartbeats(): void {
    for (const { lane } of log.open) log.append(lane.name, makeHeartbeat(nowMs), clock.stamp(nowMs), 0)
  }

  async function oneBatchStep(side: BatchSide): Promise<void> {
    const luck = batchRandom()
    if (luck < 0.18) sendHeartbeats()
    else if (luck < 0.62) {
      side.startArchiving()
      await turns(batchRandom() * 12)
    } else if (luck < 0.73) {
      // Somebody reads while the cut moves.
      if (batchRandom() < 0.7) await side.startReading()
      side.startBatch()
      await turns(batchRandom() * 120)
      await side.judgeViews()
    } else if (luck < 0.88) await side.startReading()
    else if (luck < 0.91) side.startBackfill()
    else if (luck < 0.97) await side.startCompaction()
    else await side.expire()
  }

  async function oneStep(): Promise<void> {
    if (batch && batchRandom() < BATCH_STEPS) {
      await oneBatchStep(batch)
      return
    }
    if (chance(0.02, 'crashes')) {
      const victim = scheduler.killOne()
      for (const delivery of inFlight.values()) if (delivery.process === victim) abandon(delivery)
      batch?.giveUpDead()
      return
    }
    if (chance(0.02, 'sleepers')) {
      if (random() < 0.4) scheduler.wakeAll()
      else scheduler.putOneToSleep()
      return
    }
    if (chance(0.04, 'stale-processors')) {
      const delivery = anyInFlight()
      if (delivery) abandon(delivery)
      return
    }
    if (chance(0.01, 'rewinds')) {
      const lane = log.shards[Math.floor(random() * log.shards.length)]?.lane.name as string
      const back = log.shardOf(lane).records[Math.floor(random() * log.shardOf(lane).records.length)]
      const checkpoint = checkpoints.get(lane) ?? START
      if (!inFlight.has(lane)) checkpoints.set(lane, back && back.position < checkpoint ? back.position : START)
      return
    }
    if (chance(0.02, 'reshards')) {
      for (let times = random() < 0.4 ? 2 : 1; times > 0; times--) log.reshard(random(), random() < 0.4)
      return
    }
    if (chance(0.03, 'redrives')) {
      await redriveNow()
      return
    }
    const luck = random()
    if (luck < 0.14) {
      const producer = producers[Math.floor(random() * producers.length)] as SimulatedProducer
      const copies = producer.send(random, log, nowMs, make)
      // Copies at a slot's end, of which the first has the later time, are what the batch layer looks ahead for.
      if (batch && copies[0] && batchRandom() < 0.3) arrive(copies[0])
      for (const copy of copies) {
        if (copy.beforeMs === Number.POSITIVE_INFINITY || random() < 0.5) arrive(copy)
        else underWay.push(copy)
      }
    } else if (luck < 0.17) {
      const record = make(null)
      for (let copies = random() < 0.2 ? 2 : 1; copies > 0; copies--) {
        arrive({ record, lane: null, key: random(), beforeMs: Number.POSITIVE_INFINITY })
      }
    } else if (luck < 0.21) {
      underWay = underWay.filter(copy => {
        const arrives = nowMs < copy.beforeMs && random() < 0.5
        if (arrives) arrive(copy)
        return !arrives && nowMs < copy.beforeMs
      })
    } else if (luck < 0.26) moveClock()
    else if (luck < 0.36) startDelivery()
    else await scheduler.step()
  }

  async function comeToRest(): Promise<void> {
    for (let step = 0; inFlight.size > 0 || !scheduler.isIdle || deliverable().length > 0; step++) {
      if (step > MAX_STEPS_TO_FINISH) {
        seen.push('the log was never applied to its end')
        break
      }
      if (scheduler.isIdle || random() < 0.3) startDelivery()
      await scheduler.step()
    }
  }

  /** The archive takes what is left, slots end, and batch runs find all that there is. */
  async function finishBatch(side: BatchSide): Promise<void> {
    await comeToRest()
    for (let slot = 0; slot < 3; slot++) {
      nowMs += SLOT_MS
      sendHeartbeats()
      while (!side.isArchived) {
        side.startArchiving()
        await comeToRest()
      }
      side.startBatch()
      await comeToRest()
    }
    await side.judgeRest(slotOf(nowMs, SLOT_MS) - SLOT_MS)
  }

  async function finish(listed: Outcome['listed']): Promise<Outcome> {
    const listedMs = nowMs
    if (batch) await finishBatch(batch)
    await batch?.close()
    return { log, store: inner, classes, listedMs, listed, expired: batch?.expired ?? 0, seen, deliveries }
  }

  for (let step = 0; step < steps; step++) await oneStep()
  faults = { refused: 0, answerLost: 0 }
  clock.setRight()
  // Who stood still goes on now, perhaps hours later.
  nowMs += Math.floor(random() * 6 * SLOT_MS)
  scheduler.wakeAll()
  await comeToRest()
  if (without.has('redrives')) return finish(null)

  for (let run = 0; run < LAST_REDRIVES; run++) {
    nowMs += Math.floor(random() * 2 * SLOT_MS)
    startRedrive()
    await comeToRest()
  }
  const listed = await listQuarantine({ ...redriveAs({ alive: true }), store: inner })
  return finish(listed)
}

/** Notes every breach of "a cursor only moves forward" at the moment it takes effect. */
function watched(store: SpeedStore, seen: string[]): SpeedStore {
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

/** The alert that the rules want for an event, judged by nothing but the event. */
export function expectedAlert(event: SentEvent): Alert | null {
  const decoded: ImageEvent = {
    imageId: event.imageId,
    className: event.className,
    eventMs: event.eventMs,
    ndviMean: event.ndviMean,
    ndviStd: null,
    ndviMin: null,
    ndviMax: null,
    vegetationIndex: null,
    red: null,
    green: null,
    blue: null,
    nir: event.nir,
    brightness: null,
  }
  return judge(decoded, DEFAULT_RULES, BASELINE)
}

export { SLOT_MS }
