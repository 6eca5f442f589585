import type { ClassList } from '../core/classes.ts'
import {
  type Cursor,
  isCopy,
  mergeProducers,
  newCursor,
  type SeenRecord,
  see,
  withinSizeLimit,
  withoutExpired,
} from '../core/cursor.ts'
import { isNext, type Lane, lostBetween, type Position, START } from '../core/lane.ts'
import { type Lateness, latenessAt } from '../core/lateness.ts'
import { decodeRecord, type LogRecord, type RejectionReason } from '../core/record.ts'
import { lookBackMs, type Slot, slotOf } from '../core/slot.ts'
import { Accumulator, addEach, type Totals } from '../core/totals.ts'
import { type Baseline, judge, type Rule, type UnusualImage } from '../core/unusual-image.ts'
import { isLate, windowOf } from '../core/window.ts'
import type { LogMetadata } from '../ports/event-log.ts'
import type { QuarantineEntry, RowKey, SpeedRow, SpeedStore } from '../ports/speed-store.ts'
import { cacheKey, type RowCache, trimCache } from './row-cache.ts'

/** Ports and settings with which the speed layer applies records. */
export interface SpeedLayer {
  store: SpeedStore
  /** All lanes of the log, open and closed. */
  lanes(): Promise<Lane[]>
  firstKept: LogMetadata['firstKept']
  slotMs: number
  lateness: Lateness
  classes(): Promise<ClassList>
  rules: readonly Rule[]
  baseline(): Promise<Baseline>
  now(): number
}

/** Result of applying a delivery. Counts of events unless named otherwise. */
export interface Applied {
  records: number
  /** Records that were copies of earlier ones, or already applied. */
  skippedRecords: number
  counted: number
  late: number
  /** Optional values of the counted events that cannot be used. */
  unusedValues: number
  /** Rejections (lines or whole records) by reason. */
  quarantined: Map<RejectionReason, number>
  /** Unusual images, under the name of their metric. */
  alerts: number
  rowsWritten: number
  /**
   * Time from the sending of the delivery's last heartbeat until all but the cursor was written, ms; null without a
   * heartbeat.
   */
  heartbeatDelayMs: number | null
  /** Producer ids that the cursor has no more room for: see withinSizeLimit. */
  producersForgotten: number
  /** Records that the log removed before this delivery, and that were never read. */
  lost: number
}

/** Number of attempts to write a row while other writers replace it, before the delivery is given back. */
const MAX_ROW_ATTEMPTS = 5

/** Totals that a chunk adds to one row. */
interface Addition extends RowKey {
  first: Position
  last: Position
  accumulators: Map<string, Accumulator>
}

/**
 * Maximum number of unusual images, quarantine entries and rows that are held in memory before they are written. Even a
 * small record can decompress to many of each. When the limit is reached, the next record begins a new chunk.
 */
const MAX_HELD = 10_000

/**
 * Applies a delivery of one lane exactly once, however often it is delivered and however its records are grouped.
 * Quarantine, unusual images and rows are written first, each harmless to repeat; the cursor is written last. It throws
 * when the outcome of a write is unknown; when the records are delivered again, it detects what was done. A large
 * delivery is applied in chunks, each with its own move of the cursor.
 *
 * @param records in the order of the lane
 */
export async function applyDelivery(
  layer: SpeedLayer,
  cache: RowCache,
  lane: string,
  records: readonly LogRecord[],
): Promise<Applied> {
  let cursor = (await layer.store.readCursor(lane)) ?? (await startLane(layer, lane))
  refuseAnotherLog(cursor, records)
  const start = cursor.lastPosition
  const fresh = records.filter(record => record.position > start)
  const applied: Applied = {
    records: records.length,
    skippedRecords: records.length - fresh.length,
    counted: 0,
    late: 0,
    unusedValues: 0,
    quarantined: new Map(),
    alerts: 0,
    rowsWritten: 0,
    heartbeatDelayMs: null,
    producersForgotten: 0,
    lost: 0,
  }
  const [first] = fresh
  if (!first) return applied
  applied.lost = await lostBefore(layer, cursor, first)
  if (applied.lost > 0) cursor = { ...cursor, lostRecords: cursor.lostRecords + applied.lost, lastLossMs: layer.now() }
  const classes = await layer.classes()
  const baseline = await layer.baseline()
  for (let done = 0; done < fresh.length; ) {
    const chunk = addUp(layer, cursor, fresh, done, classes, baseline)
    cursor = await writeChunk(layer, cache, cursor, chunk, classes, applied)
    done = chunk.end
  }
  return applied
}

/** Consecutive records of a delivery, added up and not written yet. */
interface Chunk {
  /** Index behind the chunk's last record. */
  end: number
  last: LogRecord
  counted: LogRecord[]
  skippedRecords: number
  events: number
  late: number
  unusedValues: number
  quarantined: QuarantineEntry[]
  unusualImages: UnusualImage[]
  additions: Map<string, Addition>
  heartbeatSentMs: number | null
  producers: Map<string, readonly SeenRecord[]>
  lastArrivalMs: number | null
  lastEventMs: number | null
  /**
   * Slot of the last record that has a producer. Only these need room in the cursor, so only these may expire others.
   * While a clock that was set back stamps records, it is old, so that their producers stay known.
   */
  lastSlot: Slot
}

/** Adds up the records from `start` on, as many as one chunk may hold. */
function addUp(
  { slotMs, lateness, rules }: SpeedLayer,
  cursor: Cursor,
  records: readonly LogRecord[],
  start: number,
  classes: ClassList,
  baseline: Baseline,
): Chunk {
  const chunk: Chunk = {
    end: start,
    last: records[start] as LogRecord,
    counted: [],
    skippedRecords: 0,
    events: 0,
    late: 0,
    unusedValues: 0,
    quarantined: [],
    unusualImages: [],
    additions: new Map(),
    heartbeatSentMs: null,
    producers: new Map(cursor.producers),
    lastArrivalMs: cursor.lastArrivalMs,
    lastEventMs: cursor.lastEventMs,
    lastSlot: 0,
  }
  const { producers, quarantined, unusualImages, additions } = chunk
  while (chunk.end < records.length && quarantined.length + unusualImages.length + additions.size < MAX_HELD) {
    const record = records[chunk.end++] as LogRecord
    const { lane, position, arrivalMs } = record
    const slot = slotOf(arrivalMs, slotMs)
    chunk.last = record
    chunk.lastArrivalMs = Math.max(chunk.lastArrivalMs ?? arrivalMs, arrivalMs)
    const { origin, heartbeatMs, events, rejections, unusedValues } = decodeRecord(record, slot, classes)
    if (heartbeatMs !== null) chunk.heartbeatSentMs = heartbeatMs
    if (origin) {
      const isKnown = isCopy(producers, origin, slot, lookBackMs(slotMs))
      see(producers, origin.producer, { counter: origin.counter, slot })
      chunk.lastSlot = slot
      if (isKnown) {
        chunk.skippedRecords++
        continue
      }
    }
    const latenessMs = latenessAt(lateness, arrivalMs)
    for (const rejection of rejections) quarantined.push({ lane, position, arrivalMs, ...rejection })
    let addition: Addition | undefined
    for (const { event } of events) {
      const late = isLate(event.eventMs, arrivalMs, latenessMs)
      if (late) chunk.late++
      if (chunk.lastEventMs === null || event.eventMs > chunk.lastEventMs) chunk.lastEventMs = event.eventMs
      const windowStart = windowOf(event.eventMs)
      if (addition?.windowStart !== windowStart) {
        addition = additionTo(additions, { slot, lane, windowStart }, position)
        addition.last = position
      }
      accumulatorOf(addition.accumulators, event.className).add(event, late)
      const image = judge(event, rules, baseline)
      if (image) unusualImages.push(image)
    }
    chunk.counted.push(record)
    chunk.events += events.length
    chunk.unusedValues += unusedValues
  }
  return chunk
}

/** Writes a chunk, adds its counts to `applied`, and returns the moved cursor. */
async function writeChunk(
  layer: SpeedLayer,
  cache: RowCache,
  cursor: Cursor,
  chunk: Chunk,
  classes: ClassList,
  applied: Applied,
): Promise<Cursor> {
  const { store, slotMs } = layer
  const { quarantined, unusualImages } = chunk
  await store.quarantine(quarantined)
  await store.putUnusualImages(unusualImages)
  for (const [key, addition] of chunk.additions) {
    if (await addToRow(layer, cache, key, addition, chunk.counted, classes)) applied.rowsWritten++
  }
  trimCache(cache)

  // The clocks of the heartbeat's sender and of this process may differ slightly.
  if (chunk.heartbeatSentMs !== null) applied.heartbeatDelayMs = Math.max(layer.now() - chunk.heartbeatSentMs, 0)
  applied.skippedRecords += chunk.skippedRecords
  applied.counted += chunk.events
  applied.late += chunk.late
  applied.unusedValues += chunk.unusedValues
  applied.alerts += unusualImages.length
  for (const { reason } of quarantined) applied.quarantined.set(reason, (applied.quarantined.get(reason) ?? 0) + 1)
  // When the log's clock has leapt ahead, no producer expires: copies may come after the clock is right again.
  const nowSlot = slotOf(layer.now(), slotMs)
  const remembered = withoutExpired(chunk.producers, Math.min(chunk.lastSlot, nowSlot), slotMs)
  const { kept, forgotten } = withinSizeLimit(remembered, nowSlot + 2 * slotMs)
  applied.producersForgotten += forgotten
  const next: Cursor = {
    lane: cursor.lane,
    lastPosition: chunk.last.position,
    producers: kept,
    lastArrivalMs: chunk.lastArrivalMs,
    lastEventMs: chunk.lastEventMs,
    quarantined: cursor.quarantined + quarantined.length,
    lastHeartbeatDelayMs: applied.heartbeatDelayMs ?? cursor.lastHeartbeatDelayMs,
    lostRecords: cursor.lostRecords,
    lastLossMs: cursor.lastLossMs,
  }
  if (!(await store.moveCursor(next, cursor.lastPosition))) throw new LaneContestedError(cursor.lane)
  return next
}

function additionTo(additions: Map<string, Addition>, row: RowKey, position: Position): Addition {
  const key = cacheKey(row)
  const known = additions.get(key)
  if (known) return known
  const addition: Addition = { ...row, first: position, last: position, accumulators: new Map() }
  additions.set(key, addition)
  return addition
}

function accumulatorOf(accumulators: Map<string, Accumulator>, className: string): Accumulator {
  const known = accumulators.get(className)
  if (known) return known
  const accumulator = new Accumulator()
  accumulators.set(className, accumulator)
  return accumulator
}

/**
 * Refuses records of another log with the same name. All records before a cursor have been applied, so none can have
 * arrived after the cursor's last arrival. A record that did belongs to a log that was deleted and created again, and
 * it would be dropped as a copy.
 */
function refuseAnotherLog({ lane, lastPosition, lastArrivalMs }: Cursor, records: readonly LogRecord[]): void {
  if (lastArrivalMs === null) return
  if (records.some(({ position, arrivalMs }) => position <= lastPosition && arrivalMs > lastArrivalMs)) {
    throw new Error(
      `the lane ${lane} starts from the beginning: its log was deleted and created again with the same name`,
    )
  }
}

/**
 * Counts the records that the log removed behind a cursor before they were read. The next write moves the cursor past
 * them, so each is counted once. A lane from which nothing was read yet begins with the first record that the log has.
 */
async function lostBefore(
  { firstKept }: SpeedLayer,
  { lane, lastPosition }: Cursor,
  { position }: LogRecord,
): Promise<number> {
  if (lastPosition === START || isNext(lastPosition, position)) return 0
  const kept = await firstKept(lane)
  return kept === null ? 0 : lostBetween(lastPosition, position, kept)
}

/**
 * Thrown when another process moved the lane's cursor at the same time. The rows that this process wrote count once.
 */
export class LaneContestedError extends Error {
  constructor(lane: string) {
    super(`another process is applying lane ${lane}`)
    this.name = 'LaneContestedError'
  }
}

/**
 * Creates the cursor for the first delivery of a lane. It starts with the producers of the lane's parents, so that
 * their retries are recognised.
 */
async function startLane({ store, lanes }: SpeedLayer, lane: string): Promise<Cursor> {
  const parentsOf = new Map((await lanes()).map(known => [known.name, known.parents]))
  const inherited: Cursor['producers'][] = []
  const visited = new Set<string>()
  const ancestors = [...(parentsOf.get(lane) ?? [])]
  for (let name = ancestors.pop(); name !== undefined; name = ancestors.pop()) {
    if (visited.has(name)) continue
    visited.add(name)
    const cursor = await store.readCursor(name)
    if (cursor) inherited.push(cursor.producers)
    else ancestors.push(...(parentsOf.get(name) ?? []))
  }
  const cursor = newCursor(lane, mergeProducers(inherited))
  if (await store.createCursor(cursor)) return cursor
  const created = await store.readCursor(lane)
  if (!created) throw new LaneContestedError(lane)
  return created
}

/** Adds to a row the records that it does not include yet. Returns true if it wrote the row. */
async function addToRow(
  { store, slotMs, lateness }: SpeedLayer,
  cache: RowCache,
  key: string,
  addition: Addition,
  records: readonly LogRecord[],
  classes: ClassList,
): Promise<boolean> {
  const { slot, lane, windowStart, first, last } = addition
  const inSlot = records.filter(record => slotOf(record.arrivalMs, slotMs) === slot)
  let row = cache.get(key) ?? (await store.readRow(addition))
  for (let attempt = 0; attempt < MAX_ROW_ATTEMPTS; attempt++) {
    const included = row?.lastPosition ?? START
    if (included >= last) return false
    const accumulators =
      included < first ? addition.accumulators : accumulateAfter(included, addition, inSlot, classes, lateness)
    const totals = new Map(row?.totals)
    addEach(totals, totalsOf(accumulators))
    const next: SpeedRow = { slot, lane, windowStart, lastPosition: last, totals }
    cache.delete(key)
    if (await store.writeRow(next, row?.lastPosition ?? null)) {
      cache.set(key, next)
      return true
    }
    row = await store.readRow(addition)
  }
  throw new LaneContestedError(lane)
}

/**
 * Adds up the records that a row does not include yet, by decoding them again, when the row includes some of the
 * chunk's records already.
 */
function accumulateAfter(
  included: Position,
  { slot, windowStart }: RowKey,
  records: readonly LogRecord[],
  classes: ClassList,
  lateness: Lateness,
): Map<string, Accumulator> {
  const accumulators = new Map<string, Accumulator>()
  for (const record of records) {
    if (record.position <= included) continue
    const latenessMs = latenessAt(lateness, record.arrivalMs)
    for (const { event } of decodeRecord(record, slot, classes).events) {
      if (windowOf(event.eventMs) !== windowStart) continue
      accumulatorOf(accumulators, event.className).add(event, isLate(event.eventMs, record.arrivalMs, latenessMs))
    }
  }
  return accumulators
}

function totalsOf(accumulators: ReadonlyMap<string, Accumulator>): Iterable<[string, Totals]> {
  return Iterator.from(accumulators).map(([className, accumulator]) => [className, accumulator.totals()])
}
