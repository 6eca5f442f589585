import { type Position, START } from './lane.ts'
import type { Origin } from './record.ts'
import type { Slot } from './slot.ts'

/** How far a lane has been applied, and which copies to expect. One per lane, kept for ever. */
export interface Cursor {
  lane: string
  /** Every record up to here is fully applied. */
  lastPosition: Position
  producers: SeenProducers
  /** Latest arrival time among the applied records; null before the first. */
  lastArrivalMs: number | null
  /** Latest event time among the counted events; null before the first. */
  lastEventMs: number | null
  /** How many pieces of the applied records were quarantined. */
  quarantined: number
  /** How long the last heartbeat took from its sending until it was applied, ms; null before the first. */
  lastHeartbeatDelayMs: number | null
  /** How many records of the lane the log removed before they were read. */
  lostRecords: number
  /** When a loss was last noticed, ms; null before the first. */
  lastLossMs: number | null
}

/** A record of a producer: later ones are held against it. */
export interface SeenRecord {
  counter: number
  slot: Slot
}

/**
 * The producers of a lane, each with those of its records that later ones must be held against: the latest, and before
 * it any with a higher counter. So it is a single one, unless a producer breaks its contract.
 */
export type SeenProducers = ReadonlyMap<string, readonly SeenRecord[]>

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

/** The producers of several parents as one. */
export function mergeProducers(parents: Iterable<SeenProducers>): Map<string, readonly SeenRecord[]> {
  const merged = new Map<string, readonly SeenRecord[]>()
  for (const producers of parents) {
    for (const [producer, records] of producers) {
      for (const record of records) see(merged, producer, record)
    }
  }
  return merged
}

/** Takes note of a record. */
export function see(producers: Map<string, readonly SeenRecord[]>, producer: string, record: SeenRecord): void {
  const { counter, slot } = record
  const known = producers.get(producer) ?? []
  // Of two, one decides nothing that the other surpasses by its counter and is seen as late or later.
  if (known.some(each => each.counter >= counter && each.slot >= slot)) return
  const kept = known.filter(each => each.counter > counter || each.slot > slot)
  producers.set(
    producer,
    [...kept, record].sort((a, b) => a.slot - b.slot),
  )
}

/** A copy carries a counter that is not above those of its producer within the look-back, copies among them. */
export function isCopy(producers: SeenProducers, origin: Origin, slot: Slot, lookBackMs: number): boolean {
  const known = producers.get(origin.producer) ?? []
  return known.some(seen => origin.counter <= seen.counter && seen.slot >= slot - lookBackMs)
}

/** Of producers as text: with the rest of its row a cursor stays below the 1 MB that Keyspaces takes. */
const MOST_PRODUCER_BYTES = 900_000
/** Of a record as text, beside the producer's id: the counter, the slot and what parts them. */
const SEEN_RECORD_BYTES = 36

/**
 * What a cursor has room for. Only a sender that takes a fresh id for every record or so comes to more than that: then
 * the ids that were seen longest ago go first, and a copy of theirs would count. The lane goes on.
 */
export function withinRoom(producers: SeenProducers): { kept: SeenProducers; forgotten: number } {
  const sizeOf = (producer: string, records: readonly SeenRecord[]) =>
    records.length * (producer.length + SEEN_RECORD_BYTES)
  let bytes = 0
  for (const [producer, records] of producers) bytes += sizeOf(producer, records)
  if (bytes <= MOST_PRODUCER_BYTES) return { kept: producers, forgotten: 0 }
  const kept = new Map(producers)
  const latest = (records: readonly SeenRecord[]) => (records.at(-1) as SeenRecord).slot
  for (const [producer, records] of [...producers].sort(([, a], [, b]) => latest(a) - latest(b))) {
    if (bytes <= MOST_PRODUCER_BYTES) break
    kept.delete(producer)
    bytes -= sizeOf(producer, records)
  }
  return { kept, forgotten: producers.size - kept.size }
}

/** Drops what lies further back than copies can. */
export function withoutForgotten(
  producers: SeenProducers,
  slot: Slot,
  lookBackMs: number,
): Map<string, readonly SeenRecord[]> {
  const kept = new Map<string, readonly SeenRecord[]>()
  for (const [producer, records] of producers) {
    // Slots rise: where the first stays, all do.
    const isWhole = (records[0] as SeenRecord).slot >= slot - lookBackMs
    const recent = isWhole ? records : records.filter(seen => seen.slot >= slot - lookBackMs)
    if (recent.length > 0) kept.set(producer, recent)
  }
  return kept
}
