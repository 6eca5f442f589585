/** All times are milliseconds since the epoch, UTC. */

const ISO_8601 =
  /^(\d{4})-(\d\d)-(\d\d)(?:[T ](\d\d):(\d\d)(?::(\d\d)(?:[.,](\d{1,9}))?)?(Z| UTC|[+-]\d\d(?::?\d\d)?)?)?$/

const DAYS_IN_MONTH = [31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]

export const SECOND_MS = 1_000
export const MINUTE_MS = 60_000
export const HOUR_MS = 3_600_000
export const DAY_MS = 86_400_000

/**
 * Parses an ISO 8601 date and time, also with the zone as databases write it (`+00`, ` UTC`). A date without a time is
 * its midnight. Without a zone it is UTC (as the original's producer wrote it), never the zone of
 * the machine. Fractions of a millisecond are dropped. Returns null for other text and for dates that no calendar
 * has.
 */
export function parseTimestamp(text: string): number | null {
  if (text.length === 24 && text.charCodeAt(23) === LETTER_Z) {
    const ms = parseCanonical(text)
    if (ms !== null) return ms
  }
  const match = ISO_8601.exec(text)
  if (!match) return null
  const [year, month, day, hour, minute, second] = match.slice(1, 7).map(part => Number(part ?? 0)) as TimeParts
  const milli = Number((match[7] ?? '').padEnd(3, '0').slice(0, 3))
  const local = utc([year, month, day, hour, minute, second], milli)
  const zone = match[8]
  if (local === null || zone === undefined || zone === 'Z' || zone === ' UTC') return local
  const [zoneHour, zoneMinute] = [Number(zone.slice(1, 3)), zone.length === 3 ? 0 : Number(zone.slice(-2))]
  if (zoneHour > 23 || zoneMinute > 59) return null
  const zoneMinutes = zoneHour * 60 + zoneMinute
  return zone[0] === '+' ? local - zoneMinutes * MINUTE_MS : local + zoneMinutes * MINUTE_MS
}

type TimeParts = [year: number, month: number, day: number, hour: number, minute: number, second: number]

/** Returns ms since the epoch, or null for a date or time that does not exist. */
function utc([year, month, day, hour, minute, second]: TimeParts, milli: number): number | null {
  if (month < 1 || month > 12 || day < 1 || day > (DAYS_IN_MONTH[month - 1] as number)) return null
  if (month === 2 && day === 29 && !isLeapYear(year)) return null
  if (hour > 23 || minute > 59 || second > 59) return null
  // Date.UTC reads the years 0 to 99 as 1900 to 1999.
  if (year < 100) return null
  return Date.UTC(year, month - 1, day, hour, minute, second, milli)
}

function isLeapYear(year: number): boolean {
  return year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0)
}

const LETTER_Z = 0x5a

/** Parses `2026-11-22T14:05:09.123Z`, the form of nearly all events, ten times faster than the regular expression. */
function parseCanonical(text: string): number | null {
  const isPunctuated =
    text[4] === '-' && text[7] === '-' && text[10] === 'T' && text[13] === ':' && text[16] === ':' && text[19] === '.'
  if (!isPunctuated) return null
  const parts: TimeParts = [
    digits(text, 0) * 100 + digits(text, 2),
    digits(text, 5),
    digits(text, 8),
    digits(text, 11),
    digits(text, 14),
    digits(text, 17),
  ]
  const milli = digits(text, 20) * 10 + digit(text, 22)
  return Number.isNaN(parts[0] + parts[1] + parts[2] + parts[3] + parts[4] + parts[5] + milli)
    ? null
    : utc(parts, milli)
}

function digits(text: string, at: number): number {
  return digit(text, at) * 10 + digit(text, at + 1)
}

function digit(text: string, at: number): number {
  const code = text.charCodeAt(at) - 0x30
  return code >= 0 && code <= 9 ? code : Number.NaN
}

/** ISO 8601 in UTC, with milliseconds. */
export function formatTimestamp(ms: number): string {
  return new Date(ms).toISOString()
}

/** Returns the start of the UTC day of a time, ms. */
export function startOfDay(ms: number): number {
  return Math.floor(ms / DAY_MS) * DAY_MS
}

/** Names of days that were asked for, by their starts; days repeat, and formatting them costs most of a conversion. */
const DAY_NAMES = new Map<number, string>()
const MAX_DAY_NAMES = 100_000

/** Returns the UTC day of a time as `YYYY-MM-DD`. */
export function dayOf(ms: number): string {
  const start = startOfDay(ms)
  const known = DAY_NAMES.get(start)
  if (known !== undefined) return known
  const name = formatTimestamp(start).slice(0, 10)
  if (DAY_NAMES.size < MAX_DAY_NAMES) DAY_NAMES.set(start, name)
  return name
}
