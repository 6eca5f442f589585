import { type ClassList, isKnownClass } from '../../functions/core/classes.ts'
import { FUTURE_TOLERANCE_MS } from '../../functions/core/event.ts'
import type { Lateness } from '../../functions/core/lateness.ts'
import { slotOf } from '../../functions/core/slot.ts'
import type { Totals } from '../../functions/core/totals.ts'
import type { SimulatedLog, StoredRecord } from './log.ts'
import type { SentEvent } from './sent.ts'

/** Naive recount: plain code that shares nothing with what it checks. */
interface Recount {
  count: number
  late: number
  sum: bigint
  squares: bigint
  nirCount: number
  nirSum: bigint
}

/** Maximum distance between the stamps of a copy and its earlier original, one of them wrong, to be recognised, slots. */
const COPY_SLOTS = 2

/**
 * Returns the records that count: all that were not removed unread, except copies. A copy comes after its original in
 * the lane or in a lane that this one comes from. When the original was lost or stamped by a wrong clock, the copy is
 * compared with the later records of its producer, too. A copy that is stamped more than two slots after its original
 * counts as a record of its own: that happens only when a clock was wrong.
 */
export function distinctRecords(log: SimulatedLog, slotMs: number): StoredRecord[] {
  const ofProducer = new Map<string, StoredRecord[]>()
  return log.stored.filter(record => {
    const { origin } = record.sent
    if (!origin) return !record.isLost
    const earlier = ofProducer.get(origin.producer) ?? []
    ofProducer.set(origin.producer, [...earlier, record])
    if (record.isLost) return false
    const hadOriginal = earlier.some(({ sent }) => sent.origin?.counter === origin.counter)
    return !(hadOriginal && earlier.some(known => !known.isLost && isCopyOf(known, record, log, slotMs)))
  })
}

function isCopyOf(known: StoredRecord, record: StoredRecord, log: SimulatedLog, slotMs: number): boolean {
  const slots = slotOf(record.arrivalMs, slotMs) / slotMs - slotOf(known.arrivalMs, slotMs) / slotMs
  if (slots > COPY_SLOTS && (known.isMisstamped || record.isMisstamped)) return false
  const [counter, knownCounter] = [record, known].map(({ sent }) => sent.origin?.counter ?? 0) as [number, number]
  const isInLane = known.lane === record.lane || log.isDescendant(record.lane, known.lane)
  return knownCounter === counter || (knownCounter > counter && isInLane)
}

/** Returns the events of a record that count: of a class known in the arrival slot, and not from the future. */
export function goodEvents(record: StoredRecord, classes: ClassList, slotMs: number): SentEvent[] {
  const slot = slotOf(record.arrivalMs, slotMs)
  const latest = record.arrivalMs + FUTURE_TOLERANCE_MS
  return record.sent.events.filter(event => isKnownClass(classes, event.className, slot) && event.eventMs <= latest)
}

const WINDOW_MS = 600_000

/** Returns true if an event came later than its window waits: by the last setting that the record's arrival has reached. */
function isLate(event: SentEvent, arrivalMs: number, lateness: Lateness): boolean {
  let allowedMs = 0
  for (const { since, ms } of lateness) if (since <= arrivalMs) allowedMs = ms
  const windowEnd = event.eventMs - (event.eventMs % WINDOW_MS) + WINDOW_MS
  return arrivalMs >= windowEnd + allowedMs
}

/** Describes the totals of records in words, by a key of their events. */
export function recount(
  records: readonly StoredRecord[],
  { classes, lateness, slotMs }: { classes: ClassList; lateness: Lateness; slotMs: number },
  keyOf: (event: SentEvent, record: StoredRecord) => string,
): Map<string, string> {
  const counts = new Map<string, Recount>()
  for (const record of records) {
    for (const event of goodEvents(record, classes, slotMs)) {
      const of = entry(counts, keyOf(event, record))
      of.count++
      if (isLate(event, record.arrivalMs, lateness)) of.late++
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

/** Describes totals of the system in the same words, by the same key. Totals of one key are added up. */
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

/** Describes every difference between the actual and the expected totals in words. */
export function compare(what: string, actual: Map<string, string>, expected: Map<string, string>): string[] {
  const keys = new Set([...actual.keys(), ...expected.keys()])
  return [...keys]
    .filter(key => actual.get(key) !== expected.get(key))
    .map(key => `${what} of ${key}: ${actual.get(key) ?? 'nothing'}, not ${expected.get(key) ?? 'nothing'}`)
}

/** Texts of each key in one, in order. */
export function inOneText(entries: readonly (readonly [key: string, text: string])[]): Map<string, string> {
  const keys = Map.groupBy(entries, ([key]) => key)
  return new Map(
    Array.from(keys, ([key, alike]) => [
      key,
      alike
        .map(([, text]) => text)
        .sort()
        .join(', '),
    ]),
  )
}
