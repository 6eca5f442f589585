import { DAY_MS, HOUR_MS, MINUTE_MS, SECOND_MS } from '../core/time.ts'
import { SourceError } from './rows.ts'

/** How the times of a file are to be read, where the file itself does not say it. */
export interface TimeRules {
  /** IANA name of the zone of times that name none; UTC where it is not given. */
  timeZone?: string | undefined
  /** Order of the parts, as in `DD.MM.YYYY HH:mm`; needed where a date such as 3/4/2024 has two readings. */
  timeFormat?: string | undefined
}

export interface TimeRead {
  ms: number
  /** What was assumed to read it, for the report; absent where nothing was. */
  assumed?: string
}

export const ACCEPTED_TIMES = '2024-06-11, 2024-06-11T08:00:00Z, 2024-06-11 10:00:00+02, 1718092800000 or Jun 11, 2024'

const ISO =
  /^(\d{4})([-/]?)(\d\d)\2(\d\d)(?:[T ](\d\d)(?::?(\d\d)(?::?(\d\d)(?:[.,](\d{1,12}))?)?)?\s*(Z|UTC|GMT|[+-]\d\d(?::?\d\d)?)?)?$/i
const MONTH_NAME =
  /^([A-Z]{3,9})\.? (\d{1,2}),? (\d{4})(?:,? (\d{1,2}):(\d\d)(?::(\d\d)(?:\.\d+)?)?(?: ?([AP]M))?)?(?: (UTC|GMT|Z))?$/i
const DAY_MONTH_NAME = /^(\d{1,2})[- ]([A-Z]{3,9})[- ](\d{4})$/i
const ORDINAL = /^(\d{4})-?(\d{3})$/
const NUMBER = /^\d{9,19}(\.\d+)?$/

const MONTHS = ['jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec']

type Parts = [year: number, month: number, day: number, hour: number, minute: number, second: number, milli: number]

/**
 * A reader of time values as files have them: ISO 8601 and its relatives, epochs (their unit by magnitude), Date,
 * `Mon D, YYYY`, and what `timeFormat` describes. It gives null for what has no single reading.
 *
 * @throws SourceError when the rules name no zone or no format
 */
export function timeReader({ timeZone, timeFormat }: TimeRules): (value: unknown) => TimeRead | null {
  const toUtc = timeZone === undefined || /^utc$/i.test(timeZone) ? (ms: number) => ms : fromZone(timeZone)
  const ofFormat = timeFormat === undefined ? undefined : formatReader(timeFormat)
  return value => {
    if (value instanceof Date) return Number.isNaN(value.getTime()) ? null : { ms: value.getTime() }
    if (typeof value === 'number' || typeof value === 'bigint') {
      return ofEpoch(Number(value)) ?? ofIso(String(value), toUtc)
    }
    if (typeof value !== 'string') return null
    const text = value.trim()
    if (ofFormat) {
      const parts = ofFormat(text)
      if (parts) return whole(parts, toUtc, undefined)
    }
    return ofIso(text, toUtc) ?? ofNames(text, toUtc) ?? (NUMBER.test(text) ? ofEpoch(Number(text)) : null)
  }
}

function ofIso(text: string, toUtc: (ms: number) => number): TimeRead | null {
  const match = ISO.exec(text)
  if (!match) {
    const ordinal = ORDINAL.exec(text)
    return ordinal ? ofDayOfYear(Number(ordinal[1]), Number(ordinal[2])) : null
  }
  const [, year, , month, day, hour, minute, second, fraction, zone] = match
  const milli = Number((fraction ?? '').padEnd(3, '0').slice(0, 3))
  const parts: Parts = [
    Number(year),
    Number(month),
    Number(day),
    Number(hour ?? 0),
    Number(minute ?? 0),
    Number(second ?? 0),
    milli,
  ]
  const isDay = hour === undefined
  if (zone === undefined) return whole(parts, toUtc, isDay ? DAY_ONLY : undefined)
  const local = utc(parts)
  const offset = /^[+-]/.test(zone) ? offsetMs(zone) : 0
  return local === null || offset === null ? null : { ms: local - offset }
}

const DAY_ONLY = 'dates without a time of day are taken as 00:00 of that day'

function ofNames(text: string, toUtc: (ms: number) => number): TimeRead | null {
  const match = MONTH_NAME.exec(text)
  if (match) {
    const [, name, day, year, hour, minute, second, half, zone] = match
    const clock = hour === undefined ? 0 : Number(hour)
    if (half !== undefined && (clock < 1 || clock > 12)) return null
    const hour24 = half === undefined ? clock : (clock % 12) + (/^p/i.test(half) ? 12 : 0)
    const parts = datedParts(Number(year), monthOf(name as string), Number(day))
    parts.splice(3, 3, hour24, Number(minute ?? 0), Number(second ?? 0))
    return whole(parts, zone === undefined ? toUtc : ms => ms, hour === undefined ? DAY_ONLY : undefined)
  }
  const dayFirst = DAY_MONTH_NAME.exec(text)
  if (!dayFirst) return null
  const [, day, name, year] = dayFirst
  return whole(datedParts(Number(year), monthOf(name as string), Number(day)), toUtc, DAY_ONLY)
}

function datedParts(year: number, month: number, day: number): Parts {
  return [year, month, day, 0, 0, 0, 0]
}

/** The month's number; 0, which no calendar has, for other words. */
function monthOf(name: string): number {
  return MONTHS.indexOf(name.slice(0, 3).toLowerCase()) + 1
}

/** The start of a day that is given by its number in the year, from 1 on. */
export function ofDayOfYear(year: number, day: number): TimeRead | null {
  const start = utc(datedParts(year, 1, 1))
  const next = utc(datedParts(year + 1, 1, 1))
  if (start === null || next === null || !Number.isInteger(day) || day < 1) return null
  const ms = start + (day - 1) * DAY_MS
  return ms < next ? { ms, assumed: DAY_ONLY } : null
}

/** Smallest epochs of each unit that are taken for it: 1973 in seconds, milliseconds, microseconds and nanoseconds. */
const EPOCH_UNITS = [
  { from: 1e17, perMs: 1e6, name: 'nanoseconds' },
  { from: 1e14, perMs: 1e3, name: 'microseconds' },
  { from: 1e11, perMs: 1, name: 'milliseconds' },
  { from: 1e8, perMs: 1e-3, name: 'seconds' },
] as const

function ofEpoch(value: number): TimeRead | null {
  const unit = EPOCH_UNITS.find(({ from }) => value >= from)
  if (!unit || value >= 1e20) return null
  return { ms: Math.floor(value / unit.perMs), assumed: `numbers in the time column are ${unit.name} since 1970` }
}

function whole(parts: Parts, toUtc: (ms: number) => number, assumed: string | undefined): TimeRead | null {
  const ms = utc(parts)
  if (ms === null) return null
  return assumed === undefined ? { ms: toUtc(ms) } : { ms: toUtc(ms), assumed }
}

/** Null for what no calendar or clock shows; 24:00:00 is the end of the day. */
function utc([year, month, day, hour, minute, second, milli]: Parts): number | null {
  if (year < 1000 || month < 1 || month > 12 || day < 1) return null
  const isEnd = hour === 24 && minute === 0 && second === 0 && milli === 0
  if ((hour > 23 && !isEnd) || minute > 59 || second > 59) return null
  const start = Date.UTC(year, month - 1, day)
  if (new Date(start).getUTCDate() !== day) return null
  return start + hour * HOUR_MS + minute * MINUTE_MS + second * SECOND_MS + milli
}

function offsetMs(zone: string): number | null {
  const hours = Number(zone.slice(1, 3))
  const minutes = Number(zone.slice(3).replace(':', '') || 0)
  if (hours > 23 || minutes > 59) return null
  return (zone[0] === '-' ? -1 : 1) * (hours * HOUR_MS + minutes * MINUTE_MS)
}

/** Turns a wall clock's time of a zone, written as if it were UTC, into UTC. */
function fromZone(timeZone: string): (ms: number) => number {
  let clock: Intl.DateTimeFormat
  try {
    clock = new Intl.DateTimeFormat('en-US', {
      timeZone,
      hourCycle: 'h23',
      ...{ year: 'numeric', month: 'numeric', day: 'numeric', hour: 'numeric', minute: 'numeric', second: 'numeric' },
    })
  } catch {
    throw new SourceError(`--time-zone: '${timeZone}' is no time zone: write a name such as Europe/Berlin`)
  }
  const offsetAt = (ms: number): number => {
    const shown = Object.fromEntries(clock.formatToParts(ms).map(({ type, value }) => [type, Number(value)]))
    const { year, month, day, hour, minute, second } = shown as Record<string, number>
    const wall = Date.UTC(
      year as number,
      (month as number) - 1,
      day as number,
      hour as number,
      minute as number,
      second as number,
    )
    return wall - Math.floor(ms / SECOND_MS) * SECOND_MS
  }
  return ms => {
    const first = ms - offsetAt(ms)
    return ms - offsetAt(first)
  }
}

const TOKENS: Record<string, { pattern: string; part: number }> = {
  YYYY: { pattern: '(\\d{4})', part: 0 },
  MM: { pattern: '(\\d{1,2})', part: 1 },
  M: { pattern: '(\\d{1,2})', part: 1 },
  DD: { pattern: '(\\d{1,2})', part: 2 },
  D: { pattern: '(\\d{1,2})', part: 2 },
  HH: { pattern: '(\\d{1,2})', part: 3 },
  H: { pattern: '(\\d{1,2})', part: 3 },
  mm: { pattern: '(\\d\\d)', part: 4 },
  ss: { pattern: '(\\d\\d)', part: 5 },
}

function formatReader(format: string): (text: string) => Parts | null {
  const order: number[] = []
  const source = format.replaceAll(/YYYY|MM?|DD?|HH?|mm|ss|[^A-Za-z]|[A-Za-z]/g, piece => {
    const token = TOKENS[piece]
    if (!token) return piece.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&')
    order.push(token.part)
    return token.pattern
  })
  if (![0, 1, 2].every(part => order.includes(part))) {
    throw new SourceError(`--time-format: '${format}' lacks a part: write one such as DD.MM.YYYY or MM/DD/YYYY HH:mm`)
  }
  const pattern = new RegExp(`^${source}$`)
  return text => {
    const match = pattern.exec(text)
    if (!match) return null
    const parts: Parts = [0, 0, 0, 0, 0, 0, 0]
    for (const [at, part] of order.entries()) parts[part] = Number(match[at + 1])
    return parts
  }
}
