import { type Position, START } from './lane.ts'
import type { Origin } from './record.ts'
import type { Slot } from './slot.ts'

/** How far a lane has been applied, and which copies to expect. One per lane, kept for ever. */
export interface Cursor {
  lane: string
  /** Every record up to here is fully applied. */
  lastPosition: Position
  /** The last counter of each producer, and the arrival slot in which it was seen. */
  producers: ReadonlyMap<string, LastSeen>
  /** Latest arrival time among the applied records; null before the first. */
  lastArrivalMs: number | null
  /** Latest event time among the counted events; null before the first. */
  lastEventMs: number | null
  /** How many pieces of the applied records were quarantined. */
  quarantined: number
  /** How long the last heartbeat took from its sending until it was applied, ms; null before the first. */
  lastHeartbeatDelayMs: number | null
}

export interface LastSeen {
  counter: number
  slot: Slot
}

export function newCursor(lane: string, producers: ReadonlyMap<string, LastSeen> = new Map()): Cursor {
  return {
    lane,
    lastPosition: START,
    producers,
    lastArrivalMs: null,
    lastEventMs: null,
    quarantined: 0,
    lastHeartbeatDelayMs: null,
  }
}

/** The producers of several parents as one: the larger counter wins. */
export function mergeProducers(parents: Iterable<ReadonlyMap<string, LastSeen>>): Map<string, LastSeen> {
  const merged = new Map<string, LastSeen>()
  for (const producers of parents) {
    for (const [producer, seen] of producers) {
      const known = merged.get(producer)
      if (!known || seen.counter > known.counter) merged.set(producer, seen)
    }
  }
  return merged
}

/** A copy carries a counter that is not above the last one of its producer, seen within the look-back. */
export function isCopy(
  producers: ReadonlyMap<string, LastSeen>,
  origin: Origin,
  slot: Slot,
  lookBackMs: number,
): boolean {
  const seen = producers.get(origin.producer)
  return seen !== undefined && origin.counter <= seen.counter && seen.slot >= slot - lookBackMs
}

/** Drops the producers whose last record lies further back than copies can. */
export function withoutForgotten(
  producers: ReadonlyMap<string, LastSeen>,
  slot: Slot,
  lookBackMs: number,
): Map<string, LastSeen> {
  return new Map([...producers].filter(([, seen]) => seen.slot >= slot - lookBackMs))
}
