import { type Position, START } from './lane.ts'
import type { Origin } from './record.ts'
import { lookBackMs, rememberedMs, type Slot } from './slot.ts'

/**
 * Progress of the speed layer in one lane, with the producers needed to recognise copies. One for each lane; it never
 * expires.
 */
export interface Cursor {
  lane: string
  /** Position up to which every record is fully applied. */
  lastPosition: Position
  producers: SeenProducers
  /** Latest arrival time of the applied records, ms; null before the first. */
  lastArrivalMs: number | null
  /** Latest event time of the counted events, ms; null before the first. */
  lastEventMs: number | null
  /** Number of rejections (lines or whole records) that were quarantined. */
  quarantined: number
  /** Time from the sending of the last heartbeat until it was applied, ms; null before the first. */
  lastHeartbeatDelayMs: number | null
  /** Number of records that the log removed before the speed layer read them. */
  lostRecords: number
  /** Time when a loss was last noticed, ms; null before the first. */
  lastLossMs: number | null
}

/** Counter and slot of a producer's record. Later records are compared with it to recognise copies. */
export interface SeenRecord {
  counter: number
  slot: Slot
}

/**
 * Producers of a lane, each with the records that later records must be compared with: the latest record, and earlier
 * records with a higher counter. This is one record, unless the producer breaks its contract.
 */
export type SeenProducers = ReadonlyMap<string, readonly SeenRecord[]>

/** Cursor of a lane of which nothing was applied yet. */
export function newCursor(lane: string, producers: SeenProducers = new Map()): Cursor {
  return {
    lane,
    lastPosition: START,
    producers,
    lastArrivalMs: null,
    lastEventMs: null,
    quarantined: 0,
    lastHeartbeatDelayMs: null,
    lostRecords: 0,
    lastLossMs: null,
  }
}

/** Merges the producers of several parent lanes. */
export function mergeProducers(parents: Iterable<SeenProducers>): Map<string, readonly SeenRecord[]> {
  const merged = new Map<string, readonly SeenRecord[]>()
  for (const producers of parents) {
    for (const [producer, records] of producers) {
      for (const record of records) see(merged, producer, record)
    }
  }
  return merged
}

/** Adds a record to the seen producers. */
export function see(producers: Map<string, readonly SeenRecord[]>, producer: string, record: SeenRecord): void {
  const { counter, slot } = record
  const seenRecords = producers.get(producer) ?? []
  // A record is redundant when another has a counter at least as high and a slot at least as late.
  if (seenRecords.some(each => each.counter >= counter && each.slot >= slot)) return
  const kept = seenRecords.filter(each => each.counter > counter || each.slot > slot)
  producers.set(
    producer,
    [...kept, record].sort((a, b) => a.slot - b.slot),
  )
}

/** Returns true for a copy: its counter is not above the counters of its producer's records within the look-back. */
export function isCopy(producers: SeenProducers, origin: Origin, slot: Slot, lookBackMs: number): boolean {
  const seenRecords = producers.get(origin.producer) ?? []
  return seenRecords.some(seen => origin.counter <= seen.counter && seen.slot >= slot - lookBackMs)
}

/**
 * Maximum size of the producers as text, bytes. With the rest of its row, a cursor stays below the 1 MB that Keyspaces
 * accepts.
 */
const MAX_PRODUCER_BYTES = 900_000
/** Size of a record as text without the producer id, bytes: counter, slot and separators. */
const SEEN_RECORD_BYTES = 36

/**
 * Drops the producers that were seen longest ago when the producers exceed the size limit of a cursor. Copies of
 * dropped producers would count again. Only a sender that uses a new id for nearly every record causes this. The lane
 * continues.
 *
 * @param future first slot that lies in the future. A wrong clock stamped what was seen there, so it goes first: else it
 *   would push out all others for years
 */
export function withinSizeLimit(producers: SeenProducers, future: Slot): { kept: SeenProducers; forgotten: number } {
  const sizeOf = (producer: string, records: readonly SeenRecord[]) =>
    records.length * (producer.length + SEEN_RECORD_BYTES)
  let bytes = 0
  for (const [producer, records] of producers) bytes += sizeOf(producer, records)
  if (bytes <= MAX_PRODUCER_BYTES) return { kept: producers, forgotten: 0 }
  const kept = new Map(producers)
  const latest = (records: readonly SeenRecord[]) => {
    const { slot } = records.at(-1) as SeenRecord
    return slot < future ? slot : Number.NEGATIVE_INFINITY
  }
  for (const [producer, records] of [...producers].sort(([, a], [, b]) => latest(a) - latest(b))) {
    if (bytes <= MAX_PRODUCER_BYTES) break
    kept.delete(producer)
    bytes -= sizeOf(producer, records)
  }
  return { kept, forgotten: producers.size - kept.size }
}

/**
 * Drops the producers that are older than any copy can be. Their latest records lie beyond the look-back. Also, so many
 * later slots are known that a clock which leapt some hours ahead cannot have made them. So a lane that is read hours
 * after the leap, when its time stamps no longer lie in the future, still knows the producers of before. A producer
 * that is kept keeps all its records: one of them may look old only because a clock that was set back stamped it.
 *
 * @param reached slot of the lane's last record, or now when that lies in the future
 */
export function withoutExpired(
  producers: SeenProducers,
  reached: Slot,
  slotMs: number,
): Map<string, readonly SeenRecord[]> {
  const oldest = Math.min(reached - slotMs - lookBackMs(slotMs), oldestRemembered(producers, reached, slotMs))
  const kept = new Map<string, readonly SeenRecord[]>()
  for (const [producer, records] of producers) {
    // Records are sorted by slot: the last is the latest.
    if ((records.at(-1) as SeenRecord).slot >= oldest) kept.set(producer, records)
  }
  return kept
}

/** Slots that a clock which leaps some hours ahead, for less than an hour, stamps beside the right ones. */
const LEAPT_SLOTS = 2

/** Returns the oldest of the latest slots that hold records, as many as a cursor remembers and a leap may add. */
function oldestRemembered(producers: SeenProducers, reached: Slot, slotMs: number): Slot {
  const slots = new Set<Slot>()
  for (const records of producers.values()) for (const { slot } of records) if (slot <= reached) slots.add(slot)
  const latestFirst = [...slots].sort((a, b) => b - a)
  return latestFirst[rememberedMs(slotMs) / slotMs + LEAPT_SLOTS - 1] ?? Number.NEGATIVE_INFINITY
}
