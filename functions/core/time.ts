/** All times are milliseconds since the epoch, UTC. */

const ISO_8601 = /^(\d{4})-(\d\d)-(\d\d)[T ](\d\d):(\d\d)(?::(\d\d)(?:[.,](\d{1,9}))?)?(Z|[+-]\d\d:?\d\d)?$/

const DAYS_IN_MONTH = [31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]

export const SECOND_MS = 1_000
export const MINUTE_MS = 60_000
export const HOUR_MS = 3_600_000
export const DAY_MS = 86_400_000

/**
 * Reads an ISO 8601 date and time; without a zone it is UTC (as the original's producer wrote it), never the
 * machine's zone. Fractions finer than a millisecond are cut. Returns null for anything else, including dates that
 * no calendar has.
 */
export function parseTimestamp(text: string): number | null {
  const match = ISO_8601.exec(text)
  if (!match) return null
  const year = Number(match[1])
  const month = Number(match[2])
  const day = Number(match[3])
  const hour = Number(match[4])
  const minute = Number(match[5])
  const second = Number(match[6] ?? 0)
  const milli = Number((match[7] ?? '').padEnd(3, '0').slice(0, 3))
  if (month < 1 || month > 12 || day < 1 || day > (DAYS_IN_MONTH[month - 1] as number)) return null
  if (hour > 23 || minute > 59 || second > 59) return null
  const local = Date.UTC(year, month - 1, day, hour, minute, second, milli)
  if (new Date(local).getUTCDate() !== day) return null
  const zone = match[8]
  if (zone === undefined || zone === 'Z') return local
  const zoneMinutes = Number(zone.slice(1, 3)) * 60 + Number(zone.slice(-2))
  return zone[0] === '+' ? local - zoneMinutes * MINUTE_MS : local + zoneMinutes * MINUTE_MS
}

export function formatTimestamp(ms: number): string {
  return new Date(ms).toISOString()
}

/** The UTC day of a time as `YYYY-MM-DD`. */
export function dayOf(ms: number): string {
  return formatTimestamp(ms).slice(0, 10)
}
