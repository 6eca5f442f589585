import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Random } from '../../data/random.ts'
import { openFolderObjectStore } from '../../functions/adapters/files/object-store.ts'
import { openDuckDbBatchQuery } from '../../functions/adapters/sql/duckdb-batch-query.ts'
import { compactArchive } from '../../functions/archive/compaction.ts'
import { archiveHandler } from '../../functions/archive/handler.ts'
import { ARCHIVE_TABLE_COLUMNS } from '../../functions/archive/table.ts'
import { expiredBefore } from '../../functions/batch/expiry.ts'
import { type BatchLayer, runBackfill, runBatch } from '../../functions/batch/run.ts'
import { READERS_MS, type View } from '../../functions/batch/view.ts'
import { viewReader } from '../../functions/batch/view-reader.ts'
import type { ClassList } from '../../functions/core/classes.ts'
import { type Position, START } from '../../functions/core/lane.ts'
import type { Lateness } from '../../functions/core/lateness.ts'
import { dayOf, HOUR_MS } from '../../functions/core/time.ts'
import { kafkaEvent, kinesisEvent } from '../../functions/lambda/encode-event.ts'
import type { BatchQuery } from '../../functions/ports/batch-query.ts'
import type { ObjectStore } from '../../functions/ports/object-store.ts'
import type { SpeedStore } from '../../functions/ports/speed-store.ts'
import { activityElsewhere } from '../../functions/serving/activity.ts'
import { classStats, type Serving } from '../../functions/serving/answers.ts'
import { BATCH_SQL } from '../support/pipeline.ts'
import { type Faults, faultyObjects, faultyStore, type Network, overNetwork, StoreFaultError } from './faulty-store.ts'
import type { SimulatedLog, StoredRecord } from './log.ts'
import { compare, describeTotals, distinctRecords, goodEvents, inOneText, recount } from './recount.ts'
import type { Process } from './scheduler.ts'
import { SLOT_MS, type World } from './world.ts'

/** The parts of a history that the batch layer uses. */
interface Surroundings {
  log: SimulatedLog
  store: SpeedStore & { expire(before: number): Promise<void> }
  classes: ClassList
  lateness: Lateness
  slotMs: number
  random: Random
  nowMs(): number
  networkOf(process: Process): Network
  /** Records a breach of a law. */
  see(breach: string): void
}

/** Makes calls fail less often for a batch run, because it makes so many calls that it would rarely finish. */
function lessOf({ refused, answerLost }: Faults): Faults {
  return { refused: refused / 10, answerLost: answerLost / 10 }
}

/** Limits of the pieces of a compaction, so small that a lane and slot has several. */
const SMALL_PIECES = { rows: 40, files: 3 }
/** First day of a recount: earlier than any arrival. */
const FIRST_DAY = '2026-01-01'
/** Age after which rows may be deleted, once a view counts them. */
const TTL_MS = 2 * HOUR_MS

/** The archive, batch runs, compaction, expiry and readers of a history. Each is a process that may fail. */
export class BatchSide {
  readonly #options: Surroundings
  readonly #folder = mkdtempSync(join(tmpdir(), 'landcover-simulation-'))
  readonly #objects = openFolderObjectStore(join(this.#folder, 'objects'))
  readonly #views = viewReader(this.#objects)
  readonly #checkpoints = new Map<string, Position>()
  readonly #inFlight = new Map<string, Process>()
  /** Largest counts of each class in the answers so far. No later answer may have less. */
  readonly #answered = new Map<string, number>()
  #query: BatchQuery | undefined
  /** Key of the last view that was checked. */
  #judged = ''
  readonly #texts = new Map<string, string>()
  expired = 0

  constructor(world: World) {
    const { log, store, watchedStore, classes, lateness, seen } = world
    this.#options = {
      log,
      store: { ...watchedStore, expire: store.expire },
      classes,
      lateness,
      slotMs: SLOT_MS,
      random: world.stir(),
      nowMs: () => world.nowMs,
      networkOf: process => ({ ...world.networkOf(process), faults: () => lessOf(world.faults) }),
      see: breach => void seen.push(breach),
    }
  }

  /** Random number in [0, 1) from its own stream. */
  luck(): number {
    return this.#options.random()
  }

  chance(share: number): boolean {
    return this.luck() < share
  }

  async open(): Promise<void> {
    this.#query = await openDuckDbBatchQuery(join(this.#folder, 'objects', 'archive'), ARCHIVE_TABLE_COLUMNS)
  }

  async close(): Promise<void> {
    await this.#query?.close()
    rmSync(this.#folder, { recursive: true })
  }

  /** Delivers some records of a lane to the archive. Returns false when there is nothing to deliver. */
  startArchiving(): boolean {
    const { log, random, networkOf, slotMs, lateness, classes, nowMs } = this.#options
    const lanes = log.shards.map(({ lane }) => lane).filter(lane => this.#isDeliverable(lane.name))
    const lane = lanes[Math.floor(random() * lanes.length)]?.name
    if (lane === undefined) return false
    const pending = this.#undelivered(lane)
    const known = log.shardOf(lane).records
    const again = random() < 0.2 ? Math.floor(random() * 4) : 0
    const start = Math.max(known.length - pending.length - again, 0)
    const records = known.slice(start, known.length - pending.length + 1 + Math.floor(random() * pending.length))
    const process: Process = { alive: true }
    this.#inFlight.set(lane, process)
    const handler = archiveHandler({
      objects: faultyObjects(this.#objects, networkOf(process)),
      slotMs,
      lateness,
      classes: async () => classes,
      streamIdentity: log.identity,
      logger: { info() {}, warn() {} },
      metrics: { record() {} },
      now: nowMs,
    })
    const toEvent = log.kind === 'kinesis' ? kinesisEvent : kafkaEvent
    void handler(toEvent(log.identity, records)).then(({ batchItemFailures }) => {
      if (this.#inFlight.get(lane) !== process) return
      this.#inFlight.delete(lane)
      if (batchItemFailures.length === 0) this.#checkpoints.set(lane, (records.at(-1) as StoredRecord).position)
    })
    return true
  }

  /** Drops deliveries whose process was killed. */
  giveUpDead(): void {
    for (const [lane, process] of this.#inFlight) if (!process.alive) this.#inFlight.delete(lane)
  }

  startBatch(): void {
    this.#start('batch run', process => runBatch(this.#layer(process)))
  }

  startBackfill(): void {
    const { random, nowMs } = this.#options
    const day = (back: number) => new Date(nowMs() - back * 24 * HOUR_MS).toISOString().slice(0, 10)
    const from = Math.floor(random() * 2)
    this.#start('backfill', process => runBackfill(this.#layer(process), day(from), day(0)))
  }

  /** Counts all days again, from what the archive holds. */
  startRecount(): void {
    const today = dayOf(this.#options.nowMs())
    this.#start('recount', process => runBackfill(this.#layer(process), FIRST_DAY, today))
  }

  /** Some compactions end after their first piece. */
  async startCompaction(): Promise<void> {
    await this.#compact(this.luck() < 0.3 ? 1 : Number.POSITIVE_INFINITY)
  }

  async startWholeCompaction(): Promise<void> {
    await this.#compact(Number.POSITIVE_INFINITY)
  }

  async #compact(mostPieces: number): Promise<void> {
    const { networkOf, slotMs, nowMs } = this.#options
    const before = (await this.#views.current())?.cut ?? 0
    this.#start('compaction', process => {
      const objects = faultyObjects(this.#objects, networkOf(process))
      let pieces = mostPieces
      const hasTime = () => pieces-- > 0
      return compactArchive({ objects, slotMs, before, now: nowMs, hasTime, pieceLimits: SMALL_PIECES })
    })
  }

  async expire(): Promise<void> {
    this.expired = Math.max(this.expired, await expiredBefore(this.#options.nowMs(), this.#views, TTL_MS))
    await this.#options.store.expire(this.expired)
  }

  /** Requests the joined answer, and checks it when it comes. */
  async startReading(): Promise<void> {
    const { see, networkOf, nowMs } = this.#options
    const startedMs = nowMs()
    const least = await this.#applied()
    const earlier = new Map(this.#answered)
    this.#start('reader', async process => {
      const network = networkOf(process)
      const images = await this.#joined(
        faultyObjects(this.#objects, network),
        faultyStore(this.#options.store, network),
      )
      // No client waits that long, and rows are not kept for it.
      if (nowMs() - startedMs >= READERS_MS) return
      const most = this.#sent()
      for (const name of new Set([...images.keys(), ...least.keys(), ...earlier.keys()])) {
        const count = images.get(name) ?? 0
        if (count < (least.get(name) ?? 0)) see(`an answer has ${count} of ${name}; applied were ${least.get(name)}`)
        if (count > (most.get(name) ?? 0)) see(`an answer has ${count} of ${name}; sent were ${most.get(name) ?? 0}`)
        if (count < (earlier.get(name) ?? 0)) see(`an answer shrank from ${earlier.get(name)} of ${name} to ${count}`)
        this.#answered.set(name, Math.max(this.#answered.get(name) ?? 0, count))
      }
    })
  }

  async #joined(objects: ObjectStore, store: SpeedStore): Promise<Map<string, number>> {
    const { log, slotMs, lateness, nowMs } = this.#options
    const serving: Serving = {
      store,
      views: viewReader(objects),
      slotMs,
      lateness,
      classes: async () => new Map(),
      lanes: async () => log.lanes(),
      lastRun: async () => undefined,
      compaction: async () => undefined,
      incidents: async () => undefined,
      normals: async () => undefined,
      decisions: null,
      waiting: async () => ({ oldestMs: null, reason: null }),
      now: nowMs,
      elapsedMs: nowMs,
      sites: async () => undefined,
      readClasses: async () => undefined,
      activity: activityElsewhere(slotMs, nowMs),
    }
    const { rows } = await classStats(serving)
    return new Map(rows.map(({ class_name, count }) => [class_name, count]))
  }

  /** Images by class that an answer must have: those that a cursor has passed, or that a view counts. */
  async #applied(): Promise<Map<string, number>> {
    const cursors = new Map((await this.#options.store.readCursors()).map(each => [each.lane, each.lastPosition]))
    const cut = (await this.#views.current())?.cut ?? 0
    return this.#images(({ lane, position, arrivalMs }) => position <= (cursors.get(lane) ?? START) || arrivalMs < cut)
  }

  #sent(): Map<string, number> {
    return this.#images(() => true)
  }

  #images(isMeant: (record: StoredRecord) => boolean): Map<string, number> {
    const { log, classes, slotMs } = this.#options
    const images = new Map<string, number>()
    for (const record of distinctRecords(log, SLOT_MS).filter(isMeant)) {
      for (const { className } of goodEvents(record, classes, slotMs)) {
        images.set(className, (images.get(className) ?? 0) + 1)
      }
    }
    return images
  }

  /** Compares every view that was published since the last check with a recount of the arrivals before its cut. */
  async judgeViews(): Promise<void> {
    for await (const key of this.#objects.list('views/', this.#judged)) {
      this.#judged = key
      const text = await this.#textOf(key)
      this.#texts.set(key, text)
      const view = JSON.parse(text) as View
      await this.#judge(view).catch(error =>
        this.#options.see(`view ${view.revision} cannot be read: ${String(error)}`),
      )
    }
  }

  async #textOf(key: string): Promise<string> {
    return Buffer.from((await this.#objects.get(key)) ?? []).toString()
  }

  async #judge(view: View): Promise<void> {
    const { log, classes, lateness, slotMs, see } = this.#options
    const before = distinctRecords(log, SLOT_MS).filter(({ arrivalMs }) => arrivalMs < view.cut)
    const ofDay = recount(before, { classes, lateness, slotMs }, event => `${dayOf(event.eventMs)} ${event.className}`)
    const days = await this.#views.days(view, '', '9')
    const said = describeTotals(days.map(row => [`${row.day} ${row.className}`, row.history.totals]))
    for (const breach of compare(`view ${view.revision}`, said, ofDay)) see(breach)
    const ofClass = recount(before, { classes, lateness, slotMs }, event => event.className)
    const allTime = describeTotals(Array.from(await this.#views.classes(view), ([name, { totals }]) => [name, totals]))
    for (const breach of compare(`all time of view ${view.revision}`, allTime, ofClass)) see(breach)
    for (const breach of compare(
      `looks of view ${view.revision}`,
      await this.#looksOf(view),
      this.#siteEvents(before),
    )) {
      see(breach)
    }
    if (view.audit.missed > 0) see(`view ${view.revision} misses ${view.audit.missed} events`)
  }

  /** Looks that a view has, by site and day: images and their NDVI. */
  async #looksOf(view: View): Promise<Map<string, string>> {
    const looks: [string, string][] = []
    for (const part of Object.values(view.sites ?? {})) {
      for (const { event } of await this.#views.looks(part)) {
        looks.push([`${event.siteId} on ${dayOf(event.eventMs)}`, `${event.imageId} ${event.ndviMean}`])
      }
    }
    return inOneText(looks)
  }

  #siteEvents(records: readonly StoredRecord[]): Map<string, string> {
    const { classes, slotMs } = this.#options
    const events = records
      .flatMap(record => goodEvents(record, classes, slotMs))
      .filter(({ siteId }) => siteId !== null)
    return inOneText(
      events.map(event => [`${event.siteId} on ${dayOf(event.eventMs)}`, `${event.imageId} ${event.ndviMean}`]),
    )
  }

  /** Checks what must hold when everything is delivered and a last batch run is over. */
  async judgeRest(cut: number): Promise<void> {
    const { store, see } = this.#options
    await this.judgeViews()
    for (const [key, text] of this.#texts) if ((await this.#textOf(key)) !== text) see(`${key} has changed`)
    const reached = (await this.#views.current())?.cut ?? 0
    if (reached < cut)
      see(`the cut came to rest at ${new Date(reached).toISOString()}, before ${new Date(cut).toISOString()}`)
    const text = (images: Map<string, number>) =>
      new Map(Array.from(images, ([name, count]) => [name, `${count} images`]))
    for (const breach of compare(
      'the joined answer',
      text(await this.#joined(this.#objects, store)),
      text(this.#sent()),
    )) {
      see(breach)
    }
  }

  get isArchived(): boolean {
    return this.#inFlight.size === 0 && this.#options.log.shards.every(({ lane }) => this.#isDone(lane.name))
  }

  #layer(process: Process): BatchLayer {
    const { store, log, slotMs, nowMs, networkOf } = this.#options
    const network = networkOf(process)
    const query = this.#query as BatchQuery
    return {
      objects: faultyObjects(this.#objects, network),
      query: {
        ...query,
        query: (...asked) => overNetwork(network, () => network.scheduler.work(() => query.query(...asked))),
      },
      store: faultyStore(store, network),
      lanes: async () => log.lanes().map(lane => ({ ...lane })),
      slotMs,
      sql: BATCH_SQL,
      now: nowMs,
    }
  }

  /** Ignores calls that fail as planned. Every other error of a process is a breach. */
  #start(what: string, task: (process: Process) => Promise<unknown>): void {
    task({ alive: true }).catch((error: Error) => {
      const isFault = [error, error.cause].some(each => each instanceof StoreFaultError || isVanishedFile(each))
      if (!isFault) this.#options.see(`the ${what} threw ${String(error)}`)
    })
  }

  #isDone(lane: string): boolean {
    return (this.#checkpoints.get(lane) ?? START) >= this.#options.log.lastPosition(lane)
  }

  #isDrained(lane: string): boolean {
    const { closed, parents } = this.#options.log.shardOf(lane).lane
    return parents.every(parent => this.#isDrained(parent)) && closed && this.#isDone(lane) && !this.#inFlight.has(lane)
  }

  #undelivered(lane: string): StoredRecord[] {
    const checkpoint = this.#checkpoints.get(lane) ?? START
    return this.#options.log.shardOf(lane).records.filter(record => record.position > checkpoint)
  }

  #isDeliverable(lane: string): boolean {
    const { parents } = this.#options.log.shardOf(lane).lane
    return (
      !this.#inFlight.has(lane) &&
      parents.every(parent => this.#isDrained(parent)) &&
      this.#undelivered(lane).length > 0
    )
  }
}

/** A query or compaction that read a file which a compaction has deleted since it was listed. It runs again. */
function isVanishedFile(error: unknown): boolean {
  return /vanished|No files found|Cannot open file|No such file/.test(String(error))
}
