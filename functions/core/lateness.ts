import { DAY_MS, HOUR_MS, MINUTE_MS } from './time.ts'

/** Allowed lateness for records that arrive at `since` (ms, included) or later, until the next entry. */
export interface LatenessSince {
  since: number
  ms: number
}

/**
 * Allowed lateness, by arrival time: the time for which a window stays open after its end. An event that arrives later
 * is late, and counts. Entries are in the order of `since`, and the first begins at 0. Both layers decide by the arrival
 * time of a record. So they agree about each event, also when the setting changed before one of them has read it.
 */
export type Lateness = readonly LatenessSince[]

/** Allowed lateness until somebody chooses another, ms. */
export const DEFAULT_LATENESS_MS = 5 * MINUTE_MS

export const DEFAULT_LATENESS: Lateness = [{ since: 0, ms: DEFAULT_LATENESS_MS }]

/** Limits of an allowed lateness, ms. Rows of the speed layer stay for longer than the maximum: SPEED_RETENTION_MS. */
const LEAST_MS = MINUTE_MS
const MOST_MS = 14 * DAY_MS

/** Returns the allowed lateness for a record, ms. */
export function latenessAt(lateness: Lateness, arrivalMs: number): number {
  const entry = lateness.findLast(({ since }) => since <= arrivalMs)
  return (entry ?? (lateness[0] as LatenessSince)).ms
}

/** Returns the maximum of the allowed lateness for all records that arrive at a time or later, ms. */
export function mostLatenessFrom(lateness: Lateness, arrivalMs: number): number {
  const later = lateness.filter(({ since }) => since > arrivalMs)
  return Math.max(latenessAt(lateness, arrivalMs), ...later.map(({ ms }) => ms))
}

/** Changes the allowed lateness for records that arrive at `since` or later. Nothing may have arrived then yet. */
export function withLateness(lateness: Lateness, since: number, ms: number): Lateness {
  const before = lateness.filter(entry => entry.since < since)
  return before.at(-1)?.ms === ms ? before : [...before, { since: before.length === 0 ? 0 : since, ms }]
}

/**
 * Checks entries that people or files give.
 *
 * @throws Error that says what is wrong
 */
export function checkedLateness(entries: unknown): Lateness {
  if (!Array.isArray(entries) || entries.length === 0) throw new Error('lateness: give one entry {since, ms} or more')
  const lateness = entries as Lateness
  for (const [index, { since, ms }] of lateness.entries()) {
    const previous = lateness[index - 1]
    if (!Number.isSafeInteger(since) || (previous ? since <= previous.since : since !== 0)) {
      throw new Error('lateness: the first entry needs since 0, and each of the others a later time in ms')
    }
    if (!Number.isSafeInteger(ms) || ms < LEAST_MS || ms > MOST_MS) {
      throw new Error(`lateness: ms is ${ms}, and must be from ${LEAST_MS} (a minute) to ${MOST_MS} (14 days)`)
    }
  }
  return lateness
}

const UNITS: readonly (readonly [name: string, ms: number])[] = [
  ['d', DAY_MS],
  ['h', HOUR_MS],
  ['m', MINUTE_MS],
]

/**
 * Parses an allowed lateness such as `5m`, `6h` or `2d`, to ms.
 *
 * @throws Error when it is not such a text, is shorter than a minute or longer than 14 days
 */
export function parseLateness(text: string): number {
  const match = /^(\d{1,5})([mhd])$/.exec(text)
  const unitMs = UNITS.find(([name]) => name === match?.[2])?.[1] ?? 0
  const ms = Number(match?.[1] ?? 0) * unitMs
  if (ms < LEAST_MS || ms > MOST_MS) {
    throw new Error(`'${text}' is not an allowed lateness: write 5m, 6h or 2d, from 1m to 14d`)
  }
  return ms
}

/** Formats an allowed lateness as parseLateness reads it. */
export function formatLateness(ms: number): string {
  const [name, unitMs] = UNITS.find(unit => ms % unit[1] === 0) ?? ['m', MINUTE_MS]
  return `${Math.round(ms / unitMs)}${name}`
}

/**
 * Allowed lateness from which on images are expected hours or days after they were taken, ms. Answers and the page then
 * show what is newest by the newest image, not by the clock.
 */
const SLOW_SOURCE_MS = HOUR_MS

/** Returns true when images are expected hours or days after they were taken. */
export function isSlowSource(latenessMs: number): boolean {
  return latenessMs >= SLOW_SOURCE_MS
}
