import { createHash } from 'node:crypto'
import fc from 'fast-check'
import { expect } from 'vitest'
import type { Cursor } from '../../../functions/core/cursor.ts'
import { BANDS } from '../../../functions/core/event.ts'
import { toPosition } from '../../../functions/core/lane.ts'
import { MINUTE_MS } from '../../../functions/core/time.ts'
import { emptyTotals, type Totals } from '../../../functions/core/totals.ts'
import { MAX_DECODED_BYTES } from '../../../functions/core/unreadable.ts'
import type { UnusualImage } from '../../../functions/core/unusual-image.ts'
import type { QuarantineEntry, RedriveClaim, SpeedRow, SpeedStore } from '../../../functions/ports/speed-store.ts'

/** Store under test. All suites of a run share it. */
export interface Stores {
  store: SpeedStore
  /** Same data, through another connection. */
  rival: SpeedStore
  /** Returns one of both, for one of many processes. */
  oneOfTwo(index: number): SpeedStore
}

export const SLOT = Date.UTC(2026, 10, 22, 14)
export const WINDOW = SLOT - 10 * MINUTE_MS
/** Number of rivals: enough to lose an update without compare-and-set, few enough for a server's contention limit. */
export const RIVALS = 20
/** Size of the largest quarantine entry: the only line of a record, after decompression. */
export const LONGEST_BYTES = MAX_DECODED_BYTES
export const LONG_MS = 120_000

/** Names that break code which keeps them in objects, in SQL text or in bytes. */
export const ODD_NAMES = [
  '__proto__',
  'constructor',
  'toString',
  '',
  ' ',
  "O'Brien",
  '"quoted"',
  'back\\slash',
  'line\nbreak',
  '%s $1 ? :name',
  '0',
  '-1',
  'null',
  'Café',
  'Cafe\u0301',
  '草地',
  '🌲🌲',
  '\u0000',
]

let made = 0
/** Lane that no other test uses, because the tests share a store. */
export function freshLane(): string {
  return `lane-${made++}`
}

export function freshClass(): string {
  return `class-${made++}`
}

export function cursorAt(lane: string, sequence: number): Cursor {
  return {
    lane,
    lastPosition: toPosition(sequence),
    producers: new Map([[`producer-${sequence}`, [{ counter: sequence + 1, slot: SLOT }]]]),
    lastArrivalMs: SLOT + sequence,
    lastEventMs: WINDOW + sequence,
    quarantined: 3 * sequence,
    lastHeartbeatDelayMs: 100 + sequence,
    lostRecords: 2 * sequence,
    lastLossMs: 3 * sequence,
  }
}

export function rowAt(lane: string, sequence: number | string): SpeedRow {
  const lastPosition = toPosition(sequence)
  return { lane, slot: SLOT, windowStart: WINDOW, lastPosition, totals: new Map([['Forest', totalsOf(1)]]) }
}

export function totalsOf(count: number): Totals {
  const bands = { ...emptyTotals().bands, red: { count, sum: BigInt(count) * 1_234_567n } }
  const ndviSum = BigInt(count) * -250_000n
  return { count, lateCount: 0, ndviSum, ndviSquareSum: ndviSum * ndviSum, ndviMin: -250_000, ndviMax: null, bands }
}

export function anyTotals(): fc.Arbitrary<Totals> {
  const sum = fc.bigInt({ min: -(10n ** 38n), max: 10n ** 38n })
  const extreme = fc.option(fc.integer({ min: -1_000_000, max: 1_000_000 }))
  const band = fc.record({ count: fc.maxSafeNat(), sum })
  return fc.record({
    count: fc.maxSafeNat(),
    lateCount: fc.maxSafeNat(),
    ndviSum: sum,
    ndviSquareSum: sum,
    ndviMin: extreme,
    ndviMax: extreme,
    bands: fc.record(Object.fromEntries(BANDS.map(name => [name, band]))) as fc.Arbitrary<Totals['bands']>,
  })
}

export const DAY = '2026-11-22'

export function unusualImageAt(className: string, second: number, imageId: string): UnusualImage {
  return {
    className,
    day: DAY,
    eventMs: SLOT + second * 1_000,
    imageId,
    ndviMean: 123_456,
    ndviMin: -5,
    ndviMax: 999_999,
    rule: 'class-zscore',
    score: 2.5,
    baselineVersion: 4,
  }
}

export function query(
  className: string,
  limit: number,
): { className: string; day: string; upToMs: number; limit: number } {
  return { className, day: DAY, upToMs: Number.MAX_SAFE_INTEGER, limit }
}

export function entryAt(lane: string, sequence: number, line: number | null): QuarantineEntry {
  const bytes = Buffer.from(`{"image_id": ${sequence}, "line": ${line}`)
  const detail = "the line isn't JSON"
  return { lane, position: toPosition(sequence), line, arrivalMs: SLOT + 1_234, reason: 'not-json', detail, bytes }
}

export function freshProducer(): string {
  return `redrive-${made++}`
}

export function claimAt(producer: string): RedriveClaim {
  const entry = { lane: 'lane', position: toPosition('9'.repeat(56)), line: 0 }
  return { producer, entry, claimedMs: SLOT + 1_234, log: 'stream.1', lane: null }
}

/** Compares entries without printing megabytes when they differ. */
export function expectEntries(found: readonly QuarantineEntry[], expected: readonly QuarantineEntry[]): void {
  expect(found.map(withDigest)).toEqual(expected.map(withDigest))
}

export function withDigest({ bytes, ...entry }: QuarantineEntry): object {
  return { ...entry, length: bytes.length, sha256: createHash('sha256').update(bytes).digest('hex') }
}

/** Bytes without repetition in any page or piece. */
export function noise(length: number): Uint8Array {
  const words = new Uint32Array(Math.ceil(length / 4))
  for (let index = 0; index < words.length; index++) words[index] = Math.imul(index + length, 2_654_435_761)
  return new Uint8Array(words.buffer, 0, length)
}

export function times<T>(count: number, make: (index: number) => T): T[] {
  return Array.from({ length: count }, (_, index) => make(index))
}

/** Deterministic: the same values in every run. */
export function shuffled<T>(items: readonly T[]): T[] {
  return items
    .map((item, index) => [Math.imul(index + 1, 2_654_435_761) >>> 0, item] as const)
    .sort(([a], [b]) => a - b)
    .map(([, item]) => item)
}
