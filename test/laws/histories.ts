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
  '{',
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
  // Events are from the day before noon, so none is in the future.
  let nowMs = NOON_MS
  const pipeline = await openPipeline({
    streamIdentity: STREAM,
    slotMs: SLOT_MS,
    lanes: async () => LANES,
    now: () => nowMs,
  })
  const records: LogRecord[][] = LANES.map(() => [])
  const latestMs = LANES.map(() => 0)
  const speedAt = LANES.map(() => 0)
  const archivedTo = LANES.map(() => 0)
  const counters = PRODUCERS.map(() => 0)
  const inFlight: ({ data: Buffer; sentMs: number } | undefined)[] = PRODUCERS.map(() => undefined)
  const lived: Lived = { pipeline, events: [], late: 0, junk: 0, joinedCounts: [] }
  let fault: Fault | null = null
  const faulty = withFaults(pipeline.store, () => {
    const failing = fault?.write === 0 ? fault : null
    if (fault) fault.write--
    return failing
  })
  const processes = [pipeline.speedProcess(faulty), pipeline.speedProcess(faulty)] as const
  const archive = pipeline.archiveProcess()
  let sequence = 0

  function append(index: number, data: Uint8Array, backMs = 0): number {
    const arrivalMs = Math.max(nowMs - backMs, (latestMs[index] as number) - SLOT_MS + 1)
    latestMs[index] = Math.max(latestMs[index] as number, arrivalMs)
    const { name } = LANES[index] as (typeof LANES)[number]
    records[index]?.push({ lane: name, position: toPosition(++sequence * 10), arrivalMs, data })
    return arrivalMs
  }

  function expectCounted(events: readonly WireEvent[], arrivalMs: number): void {
    for (const event of events) {
      const { eventMs } = decodeEvent(event, arrivalMs)
      const windowEnd = eventMs - (eventMs % WINDOW_MS) + WINDOW_MS
      if (arrivalMs >= windowEnd + LATENESS_MS) lived.late++
    }
    lived.events.push(...events)
  }

  /** Delivery of some records. It begins a few records before the first one that is not done. */
  function cut(index: number, doneTo: number, againBy: number, takes: number): LogRecord[] {
    return (records[index] as LogRecord[]).slice(Math.max(doneTo - againBy, 0), doneTo + takes)
  }

  const deliver = async (handler: ReturnType<Pipeline['speedProcess']>, batch: LogRecord[]): Promise<boolean> =>
    batch.length > 0 && (await handler(kinesisEvent(STREAM, batch))).batchItemFailures.length === 0

  const advance = (done: number[], index: number, takes: number) => {
    done[index] = Math.min((done[index] as number) + takes, records[index]?.length ?? 0)
  }

  async function take(step: Step): Promise<void> {
    switch (step.kind) {
      case 'wait':
        nowMs += step.ms
        return
      case 'boundary':
        nowMs = Math.ceil((nowMs + 2 - step.afterMs) / step.everyMs) * step.everyMs + step.afterMs + step.byMs
        return
      case 'send': {
        const origin = {
          producer: PRODUCERS[step.producer] as string,
          counter: (counters[step.producer] as number) + 1,
        }
        counters[step.producer] = origin.counter
        const text = [encodeRecord(origin, step.events).toString(), ...step.junk].join('\n')
        const data = encode(text, step.encoding)
        inFlight[step.producer] = { data, sentMs: nowMs }
        expectCounted(step.events, append(step.producer % LANES.length, data, step.back))
        lived.junk += step.junk.length
        return
      }
      case 'retry': {
        const sent = inFlight[step.producer]
        if (sent && step.isLast) nowMs = Math.max(nowMs, sent.sentMs + RETRY_LIMIT_MS)
        if (sent && nowMs - sent.sentMs <= RETRY_LIMIT_MS) append(step.producer % LANES.length, sent.data, step.back)
        return
      }
      case 'bare': {
        const arrivalMs = append(step.lane, Buffer.from(step.text, 'latin1'), step.back)
        if (step.event) expectCounted([step.event], arrivalMs)
        else if (!step.text.startsWith('{"landcover"')) lived.junk++
        return
      }
      case 'heartbeat':
        for (const index of LANES.keys()) append(index, encodeHeartbeat(nowMs))
        return
      case 'speed': {
        fault = step.fault && { ...step.fault }
        const batch = cut(step.lane, speedAt[step.lane] as number, step.again, step.take)
        if (await deliver(processes[step.process] as (typeof processes)[0], batch))
          advance(speedAt, step.lane, step.take)
        fault = null
        return
      }
      case 'race': {
        const doneTo = speedAt[step.lane] as number
        const [one, other] = step.takes
        const [oneDone, otherDone] = await Promise.all([
          deliver(processes[0], cut(step.lane, doneTo, step.again, one)),
          deliver(processes[1], cut(step.lane, doneTo, 0, other)),
        ])
        advance(speedAt, step.lane, Math.max(oneDone ? one : 0, otherDone ? other : 0))
        return
      }
      case 'archive': {
        if (await deliver(archive, cut(step.lane, archivedTo[step.lane] as number, step.again, step.take))) {
          advance(archivedTo, step.lane, step.take)
        }
        return
      }
      case 'batch':
        await pipeline.runBatch()
        lived.joinedCounts.push(await joinedCount(pipeline))
        return
      case 'catch-up':
        await take({ kind: 'boundary', everyMs: SLOT_MS, afterMs: 0, byMs: 0 })
        await take({ kind: 'heartbeat' })
        for (const index of LANES.keys()) {
          const { length } = records[index] as LogRecord[]
          while ((archivedTo[index] as number) < length) await take({ kind: 'archive', lane: index, again: 1, take: 5 })
          while (step.speed && (speedAt[index] as number) < length) {
            await take({ kind: 'speed', lane: index, process: 0, again: 1, take: 5, fault: null })
          }
        }
        await take({ kind: 'batch' })
        return
    }
  }

  for (const each of steps) await take(each)
  nowMs += 2 * SLOT_MS
  await take({ kind: 'catch-up', speed: true })
  return lived
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
  'putAlerts',
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
