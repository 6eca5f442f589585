import { type Alert, type Baseline, judge, type Rule } from '../core/alert.ts'
import type { ClassList } from '../core/classes.ts'
import { type Cursor, isCopy, type LastSeen, mergeProducers, newCursor, withoutForgotten } from '../core/cursor.ts'
import { type Lane, type Position, START } from '../core/lane.ts'
import { decodeRecord, type LogRecord, type RejectionReason } from '../core/record.ts'
import { lookBackMs, type Slot, slotOf } from '../core/slot.ts'
import { Accumulator, addEach, type Totals } from '../core/totals.ts'
import { isLate, windowOf } from '../core/window.ts'
import type { AlertChannel } from '../ports/alert-channel.ts'
import type { QuarantineEntry, RowKey, SpeedRow, SpeedStore } from '../ports/speed-store.ts'

export interface SpeedLayer {
  store: SpeedStore
  channel: AlertChannel
  /** All lanes of the log, open and closed. */
  lanes(): Promise<Lane[]>
  slotMs: number
  classes(): Promise<ClassList>
  rules: readonly Rule[]
  baseline(): Promise<Baseline>
  now(): number
}

/** What a delivery came to; counts of events unless named otherwise. */
export interface Applied {
  records: number
  /** Records that were copies of earlier ones or already applied. */
  skippedRecords: number
  counted: number
  late: number
  /** Pieces of records that were refused, by the reason. */
  quarantined: ReadonlyMap<RejectionReason, number>
  alerts: number
  rowsWritten: number
  /** From the sending of the delivery's last heartbeat until all but the cursor was written, ms; null without any. */
  heartbeatDelayMs: number | null
}

/** Rows that a warm process remembers; their compare-and-set notices when a memory is outdated. */
export type RowCache = Map<string, SpeedRow>
const MAX_CACHED_ROWS = 500

/** How often a row is read anew when other writers keep replacing it, before the delivery is given back. */
const MAX_ROW_ATTEMPTS = 5

/** What a delivery adds to one row. */
interface Addition extends RowKey {
  first: Position
  last: Position
  accumulators: Map<string, Accumulator>
}

/**
 * Applies a delivery of one lane exactly once, however often and in whatever cuts it is delivered: quarantine, alerts
 * and rows first, each write harmless to repeat, the cursor last. When a write's outcome is unknown this throws, and
 * the redelivered records find out what had been done.
 *
 * @param records in the lane's order
 */
export async function applyDelivery(
  layer: SpeedLayer,
  cache: RowCache,
  lane: string,
  records: readonly LogRecord[],
): Promise<Applied> {
  const { store, slotMs } = layer
  const cursor = (await store.readCursor(lane)) ?? (await startLane(layer, lane))
  const fresh = records.filter(record => record.position > cursor.lastPosition)
  const applied: Applied = {
    records: records.length,
    skippedRecords: records.length - fresh.length,
    counted: 0,
    late: 0,
    quarantined: new Map(),
    alerts: 0,
    rowsWritten: 0,
    heartbeatDelayMs: null,
  }
  const last = fresh.at(-1)
  if (!last) return applied

  const classes = await layer.classes()
  const baseline = await layer.baseline()
  const producers = new Map(cursor.producers)
  const additions = new Map<string, Addition>()
  const counted: LogRecord[] = []
  const quarantined: QuarantineEntry[] = []
  const alerts: Alert[] = []
  let { lastArrivalMs, lastEventMs } = cursor
  let heartbeatSentMs: number | null = null
  let latestSlot: Slot = 0

  for (const record of fresh) {
    const { position, arrivalMs } = record
    const slot = slotOf(arrivalMs, slotMs)
    if (slot > latestSlot) latestSlot = slot
    if (lastArrivalMs === null || arrivalMs > lastArrivalMs) lastArrivalMs = arrivalMs
    const { origin, heartbeatMs, events, rejections } = decodeRecord(record, slot, classes)
    if (heartbeatMs !== null) heartbeatSentMs = heartbeatMs
    if (origin) {
      if (isCopy(producers, origin, slot, lookBackMs(slotMs))) {
        applied.skippedRecords++
        continue
      }
      producers.set(origin.producer, { counter: origin.counter, slot } satisfies LastSeen)
    }
    for (const rejection of rejections) quarantined.push({ lane, position, arrivalMs, ...rejection })
    let addition: Addition | undefined
    for (const { event } of events) {
      const late = isLate(event.eventMs, arrivalMs)
      if (late) applied.late++
      if (lastEventMs === null || event.eventMs > lastEventMs) lastEventMs = event.eventMs
      const windowStart = windowOf(event.eventMs)
      if (addition?.windowStart !== windowStart) {
        addition = additionTo(additions, { slot, lane, windowStart }, position)
        addition.last = position
      }
      accumulatorOf(addition.accumulators, event.className).add(event, late)
      const alert = judge(event, layer.rules, baseline)
      if (alert) alerts.push(alert)
    }
    counted.push(record)
    applied.counted += events.length
  }

  applied.quarantined = countByReason(quarantined)
  applied.alerts = alerts.length
  await store.quarantine(quarantined)
  await store.putAlerts(alerts)
  for (const [key, addition] of additions) {
    if (await addToRow(layer, cache, key, addition, counted, classes)) applied.rowsWritten++
  }
  trimCache(cache)
  await layer.channel.publish(alerts)

  // The clocks of the heartbeat's sender and of this process may differ by a little.
  if (heartbeatSentMs !== null) applied.heartbeatDelayMs = Math.max(layer.now() - heartbeatSentMs, 0)
  const next: Cursor = {
    lane,
    lastPosition: last.position,
    producers: withoutForgotten(producers, latestSlot - slotMs, lookBackMs(slotMs)),
    lastArrivalMs,
    lastEventMs,
    quarantined: cursor.quarantined + quarantined.length,
    lastHeartbeatDelayMs: applied.heartbeatDelayMs ?? cursor.lastHeartbeatDelayMs,
  }
  if (!(await store.moveCursor(next, cursor.lastPosition))) throw new LaneContested(lane)
  return applied
}

function countByReason(entries: readonly QuarantineEntry[]): Map<RejectionReason, number> {
  const counts = new Map<RejectionReason, number>()
  for (const { reason } of entries) counts.set(reason, (counts.get(reason) ?? 0) + 1)
  return counts
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

/** Another process moved the lane's cursor at the same time; what this one wrote counts once all the same. */
export class LaneContested extends Error {
  constructor(lane: string) {
    super(`another process is applying lane ${lane}`)
    this.name = 'LaneContested'
  }
}

/** A lane's first delivery: it goes on with the producers of its parents, so that their retries are known here. */
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
  if (!created) throw new LaneContested(lane)
  return created
}

/** Adds to a row what it does not include yet. Answers whether anything was written. */
async function addToRow(
  { store, slotMs }: SpeedLayer,
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
      included < first ? addition.accumulators : accumulateBehind(included, addition, inSlot, classes)
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
  throw new LaneContested(lane)
}

/** The row includes some of the delivery's records already: adds up the others, by decoding them once more. */
function accumulateBehind(
  included: Position,
  { slot, windowStart }: RowKey,
  records: readonly LogRecord[],
  classes: ClassList,
): Map<string, Accumulator> {
  const accumulators = new Map<string, Accumulator>()
  for (const record of records) {
    if (record.position <= included) continue
    for (const { event } of decodeRecord(record, slot, classes).events) {
      if (windowOf(event.eventMs) !== windowStart) continue
      accumulatorOf(accumulators, event.className).add(event, isLate(event.eventMs, record.arrivalMs))
    }
  }
  return accumulators
}

function totalsOf(accumulators: ReadonlyMap<string, Accumulator>): Iterable<[string, Totals]> {
  return Iterator.from(accumulators).map(([className, accumulator]) => [className, accumulator.totals()])
}

function cacheKey({ slot, lane, windowStart }: RowKey): string {
  return `${slot}/${lane}/${windowStart}`
}

/** Maps keep insertion order and written rows are inserted anew, so the first are the longest untouched. */
function trimCache(cache: RowCache): void {
  for (const key of cache.keys()) {
    if (cache.size <= MAX_CACHED_ROWS) return
    cache.delete(key)
  }
}
