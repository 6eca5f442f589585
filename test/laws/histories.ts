import { gzipSync, zstdCompressSync } from 'node:zlib'
import fc from 'fast-check'
import { decodeEvent, type WireEvent } from '../../functions/core/event.ts'
import { toPosition } from '../../functions/core/lane.ts'
import { encodeHeartbeat, encodeRecord, type LogRecord } from '../../functions/core/record.ts'
import { RETRY_LIMIT_MS } from '../../functions/core/slot.ts'
import { kinesisEvent } from '../../functions/lambda/encode-event.ts'
import { type SpeedStore, SpeedStoreUnavailableError } from '../../functions/ports/speed-store.ts'
import { wireEvents } from '../support/arbitraries.ts'
import { NOON_MS } from '../support/factories.ts'
import { openLanes, openPipeline, type Pipeline } from '../support/pipeline.ts'

/** Slot length: short, so that a history has many slots, and not a divisor of the retry limit. */
export const SLOT_MS = 8 * 60_000
const WINDOW_MS = 10 * 60_000
const LATENESS_MS = 5 * 60_000
const STREAM = 'history'
const LANES = openLanes(STREAM, 2)
const PRODUCERS = ['ann', 'bob', 'eve']

type Encoding = 'plain' | 'gzip' | 'zstd'

/** Lines of a record that are not events. Each gives one entry of the quarantine. */
const JUNK = [
  'nonsense',
  '{"image_id":',
  '[]',
  '{"image_id":"x"}',
  '"text"',
  JSON.stringify({ landcover: { producer: 'x', counter: 1 } }),
]

/** Step of a history. */
type Step =
  | { kind: 'wait'; ms: number }
  /** Time passes until about the end of a slot or a window. */
  | { kind: 'boundary'; everyMs: number; afterMs: number; byMs: number }
  /** A producer packs events, and lines that are not events, into a record. */
  | { kind: 'send'; producer: number; events: WireEvent[]; junk: string[]; encoding: Encoding; back: number }
  /** A producer without an answer sends its last record again, sometimes at the end of the time for retries. */
  | { kind: 'retry'; producer: number; isLast: boolean; back: number }
  /** A record that is not ours: other JSON, or any bytes. */
  | { kind: 'bare'; lane: number; text: string; event: WireEvent | null; back: number }
  | { kind: 'heartbeat' }
  | { kind: 'speed'; lane: number; process: number; again: number; take: number; fault: Fault | null }
  /** Two processes, one of them stale, work on the same lane at the same time. */
  | { kind: 'race'; lane: number; again: number; takes: [number, number] }
  | { kind: 'archive'; lane: number; again: number; take: number }
  | { kind: 'batch' }
  /** A slot ends, and the archive and the batch layer process everything that they can. */
  | { kind: 'catch-up'; speed: boolean }

/** Fault: write number n of a delivery fails, before or after it took effect. */
interface Fault {
  write: number
  isDone: boolean
}

const lane = fc.nat(LANES.length - 1)
const producer = fc.nat(PRODUCERS.length - 1)
const take = fc.integer({ min: 1, max: 6 })
const again = fc.oneof(fc.constant(0), fc.nat(4))
/** Sometimes arrival times go back by less than a slot. */
const back = fc.oneof(fc.constant(0), fc.constantFrom(1, SLOT_MS - 1), fc.nat(SLOT_MS - 1))
const waits = fc.oneof(
  fc.nat(20_000),
  fc.constantFrom(SLOT_MS, SLOT_MS - 1, 3 * SLOT_MS, RETRY_LIMIT_MS),
  fc.nat(2 * SLOT_MS),
)

const boundary = fc.constantFrom({ everyMs: SLOT_MS, afterMs: 0 }, { everyMs: WINDOW_MS, afterMs: LATENESS_MS })

/** Most events share a few windows, so that deliveries touch the same rows. */
const events: fc.Arbitrary<WireEvent> = fc
  .tuple(wireEvents, fc.option(fc.nat(25 * 60), { freq: 6 }))
  .map(([event, secondsAgo]) =>
    secondsAgo === null ? event : { ...event, timestamp: new Date(NOON_MS - secondsAgo * 1000).toISOString() },
  )

const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('wait'), ms: waits }) },
  {
    weight: 3,
    arbitrary: fc
      .record({ kind: fc.constant('boundary'), byMs: fc.constantFrom(-1, 0, 1) })
      .chain(by => boundary.map(of => ({ ...by, ...of }))),
  },
  {
    weight: 8,
    arbitrary: fc.record({
      kind: fc.constant('send'),
      producer,
      events: fc.array(events, { maxLength: 6 }),
      junk: fc.array(fc.constantFrom(...JUNK), { maxLength: 2 }),
      encoding: fc.constantFrom<Encoding>('plain', 'gzip', 'zstd'),
      back,
    }),
  },
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('retry'), producer, isLast: fc.boolean(), back }) },
  {
    weight: 2,
    arbitrary: fc
      .oneof(
        events.map(event => ({ event, text: JSON.stringify(event) })),
        events.map(event => ({ event, text: JSON.stringify(event, null, 1) })),
        fc.constantFrom(...JUNK, '', '\u001f\u008b').map(text => ({ event: null, text })),
      )
      .chain(what => fc.record({ kind: fc.constant('bare'), lane, back }).map(place => ({ ...place, ...what }))),
  },
  { weight: 1, arbitrary: fc.constant({ kind: 'heartbeat' }) },
  {
    weight: 7,
    arbitrary: fc.record({
      kind: fc.constant('speed'),
      lane,
      process: fc.nat(1),
      again,
      take,
      fault: fc.option(fc.record({ write: fc.nat(5), isDone: fc.boolean() })),
    }),
  },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('race'), lane, again, takes: fc.tuple(take, take) }) },
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('archive'), lane, again, take }) },
  { weight: 1, arbitrary: fc.constant({ kind: 'batch' }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('catch-up'), speed: fc.boolean() }) },
) as fc.Arbitrary<Step>

export const histories: fc.Arbitrary<Step[]> = fc.array(step, { minLength: 10, maxLength: 60, size: 'max' })

/** Expected and actual results of a history. */
export interface Lived {
  pipeline: Pipeline
  /** Events that count, each once. */
  events: WireEvent[]
  /** Number of late events, by the first copy of each. */
  late: number
  /** Number of lines or whole records that are not events. */
  junk: number
  /** Number of images in the joined answer, each time it was requested. */
  joinedCounts: number[]
}

/** Runs a history, and continues until everything is delivered and counted. The caller closes the pipeline. */
export async function live(steps: readonly Step[]): Promise<Lived> {
  const life = await begin()
  for (const each of steps) await perform(life, each)
  life.nowMs += 2 * SLOT_MS
  await perform(life, { kind: 'catch-up', speed: true })
  return life.lived
}

type Handler = ReturnType<Pipeline['speedProcess']>

/** State of a history under way. Lists have an entry for each lane or producer. */
interface Life {
  nowMs: number
  records: LogRecord[][]
  /** Number of all records. */
  appended: number
  /** Latest arrival. */
  latestMs: number[]
  /** Number of records that are done. */
  speedAt: number[]
  archivedTo: number[]
  /** Counters of the last records. */
  counters: number[]
  inFlight: ({ data: Buffer; sentMs: number } | undefined)[]
  fault: Fault | null
  processes: [Handler, Handler]
  archive: Handler
  lived: Lived
}

async function begin(): Promise<Life> {
  const pipeline = await openPipeline({
    streamIdentity: STREAM,
    slotMs: SLOT_MS,
    lanes: async () => LANES,
    now: () => life.nowMs,
  })
  const faulty = withFaults(pipeline.store, () => {
    const failing = life.fault?.write === 0 ? life.fault : null
    if (life.fault) life.fault.write--
    return failing
  })
  const life: Life = {
    // Events are from the day before noon, so none is in the future.
    nowMs: NOON_MS,
    records: LANES.map(() => []),
    appended: 0,
    latestMs: LANES.map(() => 0),
    speedAt: LANES.map(() => 0),
    archivedTo: LANES.map(() => 0),
    counters: PRODUCERS.map(() => 0),
    inFlight: PRODUCERS.map(() => undefined),
    fault: null,
    processes: [pipeline.speedProcess(faulty), pipeline.speedProcess(faulty)],
    archive: pipeline.archiveProcess(),
    lived: { pipeline, events: [], late: 0, junk: 0, joinedCounts: [] },
  }
  return life
}

/** Steps by kind. */
type StepOf<Kind extends Step['kind']> = Extract<Step, { kind: Kind }>

async function perform(life: Life, step: Step): Promise<void> {
  switch (step.kind) {
    case 'wait':
      life.nowMs += step.ms
      return
    case 'boundary':
      life.nowMs = Math.ceil((life.nowMs + 2 - step.afterMs) / step.everyMs) * step.everyMs + step.afterMs + step.byMs
      return
    case 'send':
      return send(life, step)
    case 'retry':
      return retry(life, step)
    case 'bare':
      return sendBare(life, step)
    case 'heartbeat':
      for (const index of LANES.keys()) append(life, index, encodeHeartbeat(life.nowMs))
      return
    case 'speed':
      return applyOne(life, step)
    case 'race':
      return applyInRace(life, step)
    case 'archive':
      return archiveOne(life, step)
    case 'batch':
      await life.lived.pipeline.runBatch()
      life.lived.joinedCounts.push(await joinedCount(life.lived.pipeline))
      return
    case 'catch-up':
      return catchUp(life, step)
  }
}

function send(life: Life, step: StepOf<'send'>): void {
  const origin = {
    producer: PRODUCERS[step.producer] as string,
    counter: (life.counters[step.producer] as number) + 1,
  }
  life.counters[step.producer] = origin.counter
  const text = [encodeRecord(origin, step.events).toString(), ...step.junk].join('\n')
  const data = encode(text, step.encoding)
  life.inFlight[step.producer] = { data, sentMs: life.nowMs }
  expectCounted(life, step.events, append(life, step.producer % LANES.length, data, step.back))
  life.lived.junk += step.junk.length
}

function retry(life: Life, step: StepOf<'retry'>): void {
  const sent = life.inFlight[step.producer]
  if (!sent) return
  if (step.isLast) life.nowMs = Math.max(life.nowMs, sent.sentMs + RETRY_LIMIT_MS)
  if (life.nowMs - sent.sentMs <= RETRY_LIMIT_MS) append(life, step.producer % LANES.length, sent.data, step.back)
}

function sendBare(life: Life, step: StepOf<'bare'>): void {
  const arrivalMs = append(life, step.lane, Buffer.from(step.text, 'latin1'), step.back)
  if (step.event) expectCounted(life, [step.event], arrivalMs)
  else if (!step.text.startsWith('{"landcover"')) life.lived.junk++
}

/** Appends a record to a lane, and returns its arrival time. */
function append(life: Life, index: number, data: Uint8Array, backMs = 0): number {
  const latestMs = life.latestMs[index] as number
  const arrivalMs = Math.max(life.nowMs - backMs, latestMs - SLOT_MS + 1)
  life.latestMs[index] = Math.max(latestMs, arrivalMs)
  const { name } = LANES[index] as (typeof LANES)[number]
  life.records[index]?.push({ lane: name, position: toPosition(++life.appended * 10), arrivalMs, data })
  return arrivalMs
}

function expectCounted({ lived }: Life, events: readonly WireEvent[], arrivalMs: number): void {
  for (const event of events) {
    const { eventMs } = decodeEvent(event, arrivalMs)
    const windowEnd = eventMs - (eventMs % WINDOW_MS) + WINDOW_MS
    if (arrivalMs >= windowEnd + LATENESS_MS) lived.late++
  }
  lived.events.push(...events)
}

async function applyOne(life: Life, step: StepOf<'speed'>): Promise<void> {
  life.fault = step.fault && { ...step.fault }
  const batch = cut(life, step.lane, life.speedAt[step.lane] as number, step.again, step.take)
  if (await deliver(life.processes[step.process] as Handler, batch)) advance(life, life.speedAt, step.lane, step.take)
  life.fault = null
}

async function applyInRace(life: Life, step: StepOf<'race'>): Promise<void> {
  const doneTo = life.speedAt[step.lane] as number
  const [one, other] = step.takes
  const [oneDone, otherDone] = await Promise.all([
    deliver(life.processes[0], cut(life, step.lane, doneTo, step.again, one)),
    deliver(life.processes[1], cut(life, step.lane, doneTo, 0, other)),
  ])
  advance(life, life.speedAt, step.lane, Math.max(oneDone ? one : 0, otherDone ? other : 0))
}

async function archiveOne(life: Life, step: StepOf<'archive'>): Promise<void> {
  const batch = cut(life, step.lane, life.archivedTo[step.lane] as number, step.again, step.take)
  if (await deliver(life.archive, batch)) advance(life, life.archivedTo, step.lane, step.take)
}

async function catchUp(life: Life, step: StepOf<'catch-up'>): Promise<void> {
  await perform(life, { kind: 'boundary', everyMs: SLOT_MS, afterMs: 0, byMs: 0 })
  await perform(life, { kind: 'heartbeat' })
  for (const lane of LANES.keys()) {
    const { length } = life.records[lane] as LogRecord[]
    while ((life.archivedTo[lane] as number) < length) await perform(life, { kind: 'archive', lane, again: 1, take: 5 })
    while (step.speed && (life.speedAt[lane] as number) < length) {
      await perform(life, { kind: 'speed', lane, process: 0, again: 1, take: 5, fault: null })
    }
  }
  await perform(life, { kind: 'batch' })
}

/** Delivery of some records. It begins a few records before the first one that is not done. */
function cut({ records }: Life, index: number, doneTo: number, againBy: number, takes: number): LogRecord[] {
  return (records[index] as LogRecord[]).slice(Math.max(doneTo - againBy, 0), doneTo + takes)
}

async function deliver(handler: Handler, batch: LogRecord[]): Promise<boolean> {
  return batch.length > 0 && (await handler(kinesisEvent(STREAM, batch))).batchItemFailures.length === 0
}

function advance({ records }: Life, done: number[], index: number, takes: number): void {
  done[index] = Math.min((done[index] as number) + takes, records[index]?.length ?? 0)
}

async function joinedCount(pipeline: Pipeline): Promise<number> {
  return (await pipeline.joined()).reduce((sum, { count }) => sum + count, 0)
}

function encode(text: string, encoding: Encoding): Buffer {
  if (encoding === 'gzip') return gzipSync(text)
  return encoding === 'zstd' ? zstdCompressSync(text) : Buffer.from(text)
}

const WRITES: ReadonlySet<string | symbol> = new Set<keyof SpeedStore>([
  'createCursor',
  'moveCursor',
  'writeRow',
  'quarantine',
  'putUnusualImages',
])

/** Real store with faults: its connection breaks before or after a chosen write. */
function withFaults(store: SpeedStore, nextFault: () => Fault | null): SpeedStore {
  return new Proxy(store, {
    get(target, name) {
      const method = Reflect.get(target, name) as (...all: unknown[]) => Promise<unknown>
      if (!WRITES.has(name)) return method
      return async (...all: unknown[]) => {
        const failing = nextFault()
        if (failing && !failing.isDone) throw new SpeedStoreUnavailableError('the connection broke')
        const answer = await method(...all)
        if (failing) throw new SpeedStoreUnavailableError('the answer was lost')
        return answer
      }
    },
  })
}
