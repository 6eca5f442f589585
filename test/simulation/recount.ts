import { type ClassList, isKnownClass } from '../../functions/core/classes.ts'
import { FUTURE_TOLERANCE_MS } from '../../functions/core/event.ts'
import { slotOf } from '../../functions/core/slot.ts'
import type { Totals } from '../../functions/core/totals.ts'
import { isLate } from '../../functions/core/window.ts'
import type { SimulatedLog, StoredRecord } from './log.ts'
import type { SentEvent } from './sent.ts'

/** A naive recount: plain code, nothing shared with what it checks. */
interface Recount {
  count: number
  late: number
  sum: bigint
  squares: bigint
  nirCount: number
  nirSum: bigint
}

/**
 * The records that count: of each identity the one that the log took first, of those that it did not remove unread. A
 * late copy of a lost record does not count where a later record of its producer is in the lane before it.
 */
export function distinctRecords(log: SimulatedLog): StoredRecord[] {
  const known = new Set<string>()
  const lost = new Set<string>()
  const highest = new Map<string, number>()
  return log.stored.filter(({ lane, isLost, sent: { origin } }) => {
    if (!origin) return !isLost
    const { producer, counter } = origin
    const identity = `${producer}/${counter}`
    if (isLost) {
      lost.add(identity)
      return false
    }
    const inLane = `${producer}/${lane}`
    const isTooLate = lost.has(identity) && counter <= (highest.get(inLane) ?? 0)
    highest.set(inLane, Math.max(counter, highest.get(inLane) ?? 0))
    if (isTooLate || known.has(identity)) return false
    known.add(identity)
    return true
  })
}

/** The events of a record that count: of a class that is known in its arrival slot, and not from the future. */
export function goodEvents(record: StoredRecord, classes: ClassList, slotMs: number): SentEvent[] {
  const slot = slotOf(record.arrivalMs, slotMs)
  const latest = record.arrivalMs + FUTURE_TOLERANCE_MS
  return record.sent.events.filter(event => isKnownClass(classes, event.className, slot) && event.eventMs <= latest)
}

/** What records come to by a key of their events, described in words. */
export function recount(
  records: readonly StoredRecord[],
  classes: ClassList,
  slotMs: number,
  keyOf: (event: SentEvent, record: StoredRecord) => string,
): Map<string, string> {
  const counts = new Map<string, Recount>()
  for (const record of records) {
    for (const event of goodEvents(record, classes, slotMs)) {
      const of = entry(counts, keyOf(event, record))
      of.count++
      if (isLate(event.eventMs, record.arrivalMs)) of.late++
      of.sum += BigInt(event.ndviMean)
      of.squares += BigInt(event.ndviMean) ** 2n
      if (event.nir !== null) {
        of.nirCount++
        of.nirSum += BigInt(event.nir)
      }
    }
  }
  return described(counts)
}

/** Totals of the system in the same words, by the same key; those of one key are added up. */
export function describeTotals(all: Iterable<readonly [key: string, totals: Totals]>): Map<string, string> {
  const counts = new Map<string, Recount>()
  for (const [key, totals] of all) {
    const of = entry(counts, key)
    of.count += totals.count
    of.late += totals.lateCount
    of.sum += totals.ndviSum
    of.squares += totals.ndviSquareSum
    of.nirCount += totals.bands.nir.count
    of.nirSum += totals.bands.nir.sum
  }
  return described(counts)
}

function entry(counts: Map<string, Recount>, key: string): Recount {
  const of = counts.get(key) ?? { count: 0, late: 0, sum: 0n, squares: 0n, nirCount: 0, nirSum: 0n }
  counts.set(key, of)
  return of
}

function described(counts: ReadonlyMap<string, Recount>): Map<string, string> {
  return new Map(
    Array.from(counts, ([key, { count, late, sum, squares, nirCount, nirSum }]) => [
      key,
      `${count} events, ${late} late, sum ${sum}, squares ${squares}, ${nirCount} with nir ${nirSum}`,
    ]),
  )
}

/** Every difference between what is and what should be, in words. */
export function compare(what: string, actual: Map<string, string>, expected: Map<string, string>): string[] {
  const keys = new Set([...actual.keys(), ...expected.keys()])
  return [...keys]
    .filter(key => actual.get(key) !== expected.get(key))
    .map(key => `${what} of ${key}: ${actual.get(key) ?? 'nothing'}, not ${expected.get(key) ?? 'nothing'}`)
}
