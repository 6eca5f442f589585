import { DAY_MS, HOUR_MS, MINUTE_MS, parseTimestamp, SECOND_MS } from '../core/time.ts'
import { SourceError } from './rows.ts'
import { type FormattedTime, formatReader, monthOf, type Parts } from './time-formats.ts'

/** Rules for reading the times of a file that does not state them itself. */
export interface TimeRules {
  /** IANA name of the zone of times that name none; UTC where it is not given. */
  timeZone?: string | undefined
  /** Order of the parts, as in `DD.MM.YYYY HH:mm`; needed where a date such as 3/4/2024 has two readings. */
  timeFormat?: string | undefined
}

/** Time that was read from a cell, ms since the epoch. */
export interface TimeRead {
  ms: number
  /** Assumption that was needed to read it, for the report; absent when there was none. */
  assumed?: string
}

export const ACCEPTED_TIMES = '2024-06-11, 2024-06-11T08:00:00Z, 2024-06-11 10:00:00+02, 1718092800000 or Jun 11, 2024'

const ISO =
  /^(\d{4})(?:([-/.])(\d{1,2})\2(\d{1,2})|(\d\d)(\d\d))(?:[T ](\d\d|\d(?=:))(?::?(\d\d)(?::?(\d\d)(?:[.,](\d{1,12}))?)?)?(?: ?([AP]M))?\s*(Z|UTC|GMT|[+-]\d\d(?::?\d\d)?)?)?$/i
const MONTH_NAME =
  /^([A-Z]{3,9})\.? (\d{1,2}),? (\d{4})(?:,? (\d{1,2}):(\d\d)(?::(\d\d)(?:\.\d+)?)?(?: ?([AP]M))?)?(?: (UTC|GMT|Z))?$/i
const DAY_MONTH_NAME =
  /^(?:[A-Z]{3,9},? )?(\d{1,2})[- ]([A-Z]{3,9})[- ](\d{4})(?:,? (\d{1,2}):(\d\d)(?::(\d\d))?)?(?: (UTC|GMT|Z|[+-]\d{4}))?$/i
/**
 * `YYYYMMDDHHmm` with or without seconds. With them, it would lie in the future as an epoch of any unit; without them, as
 * milliseconds in 1976.
 */
const COMPACT = /^((?:19|20)\d\d)(0\d|1[0-2])([0-2]\d|3[01])([01]\d|2[0-4])([0-5]\d)([0-5]\d)?$/
const ORDINAL = /^(\d{4})-?(\d{3})$/
/** ISO week and day in it, 1 for Monday. */
const WEEK_DAY = /^(\d{4})-?W(\d\d)-?([1-7])$/i
/** `Date` of JavaScript and C's `ctime`, by their parts: month, day, and time, year, zone in either order. */
const WEEKDAY_FIRST =
  /^[A-Z]{3} ([A-Z]{3}) +(\d{1,2}) (?:(\d{4}) (\d\d:\d\d:\d\d)|(\d\d:\d\d:\d\d) (\d{4}))(?: (?:GMT)?([+-]\d{4})(?: \(.*\))?)?$/i
/** Name of a zone that Java writes behind an offset, which says the same. */
const ZONE_NAME = /(Z|[+-]\d\d:?\d\d)\[[A-Za-z_/+-]+\]$/
const NUMBER = /^(\d{9,19}(\.\d+)?|\d(\.\d+)?E\+?(9|1[0-8]))$/i

/** Format of days that are counted from 1899-12-30 on, with the time of day as their fraction. */
const SPREADSHEET = 'spreadsheet'

/**
 * A reader of time values as files have them: ISO 8601 and its relatives, epochs (their unit by magnitude), Date,
 * `Mon D, YYYY`, and what `timeFormat` describes. It gives null for a text that it cannot read in exactly one way.
 *
 * @throws SourceError when the rules name no zone or no format
 */
export function timeReader({ timeZone, timeFormat }: TimeRules): (value: unknown) => TimeRead | null {
  const toUtc = timeZone === undefined || /^utc$/i.test(timeZone) ? (ms: number) => ms : fromZone(timeZone)
  const ofFormat =
    timeFormat === undefined ? undefined : timeFormat === SPREADSHEET ? ofDayNumber : formatReader(timeFormat)
  return value => {
    if (value instanceof Date) return Number.isNaN(value.getTime()) ? null : { ms: value.getTime() }
    if (typeof value !== 'string' && typeof value !== 'number' && typeof value !== 'bigint') return null
    const text = String(value).trim()
    const canonical = ofFormat === undefined && text.endsWith('Z') ? parseTimestamp(text) : null
    if (canonical !== null) return { ms: canonical }
    const formatted = ofFormat?.(text)
    if (formatted) return whole(formatted.parts, toUtc, formatted.assumed)
    const compact = COMPACT.exec(text)
    if (compact)
      return whole(
        [...compact.slice(1).map(part => Number(part ?? 0)), 0] as unknown as Parts,
        toUtc,
        compact[6] === undefined ? MINUTES : undefined,
      )
    if (typeof value !== 'string') return ofEpoch(Number(value)) ?? ofIso(text, toUtc)
    const iso = ofIso(text, toUtc) ?? ofNames(text, toUtc)
    return iso ?? (NUMBER.test(text) ? ofEpoch(Number(text)) : ofLongForm(text, toUtc))
  }
}

function ofIso(text: string, toUtc: (ms: number) => number): TimeRead | null {
  const match = ISO.exec(text)
  if (!match) {
    const ordinal = ORDINAL.exec(text)
    return ordinal ? ofDayOfYear(Number(ordinal[1]), Number(ordinal[2])) : null
  }
  const [, year, , month, day, basicMonth, basicDay, hour, minute, second, fraction, half, zone] = match
  const clock = hourOf(hour, half)
  if (clock === null) return null
  const milli = Number((fraction ?? '').padEnd(3, '0').slice(0, 3))
  const parts: Parts = [
    Number(year),
    Number(month ?? basicMonth),
    Number(day ?? basicDay),
    clock,
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

/** Hour of a day of 24 hours. @param half AM or PM of an hour from 1 to 12 */
function hourOf(hour: string | undefined, half: string | undefined): number | null {
  const clock = Number(hour ?? 0)
  if (half === undefined) return clock
  return clock < 1 || clock > 12 ? null : (clock % 12) + (/^p/i.test(half) ? 12 : 0)
}

const MINUTES = 'numbers of twelve digits in the time column are YYYYMMDDHHmm'

const DAY_ONLY = 'dates without a time of day are taken as 00:00 of that day'

function ofNames(text: string, toUtc: (ms: number) => number): TimeRead | null {
  const match = MONTH_NAME.exec(text)
  if (match) {
    const [, name, day, year, hour, minute, second, half, zone] = match
    const hour24 = hourOf(hour, half)
    if (hour24 === null) return null
    const parts = datedParts(Number(year), monthOf(name as string), Number(day))
    parts.splice(3, 3, hour24, Number(minute ?? 0), Number(second ?? 0))
    return whole(parts, zone === undefined ? toUtc : ms => ms, hour === undefined ? DAY_ONLY : undefined)
  }
  const dayFirst = DAY_MONTH_NAME.exec(text)
  if (!dayFirst) return null
  const [, day, name, year, hour, minute, second, zone] = dayFirst
  const parts = datedParts(Number(year), monthOf(name as string), Number(day))
  parts.splice(3, 3, Number(hour ?? 0), Number(minute ?? 0), Number(second ?? 0))
  const toItsUtc = zone === undefined ? toUtc : (ms: number) => ms - (/^[+-]/.test(zone) ? (offsetMs(zone) ?? 0) : 0)
  return whole(parts, toItsUtc, hour === undefined ? DAY_ONLY : undefined)
}

/** Forms that programs write by default, longer than ISO 8601: Java's zones, JavaScript's Date, ctime and ISO weeks. */
function ofLongForm(text: string, toUtc: (ms: number) => number): TimeRead | null {
  if (ZONE_NAME.test(text)) return ofIso(text.replace(ZONE_NAME, '$1'), toUtc)
  const week = WEEK_DAY.exec(text)
  if (week) return ofWeekDay(Number(week[1]), Number(week[2]), Number(week[3]))
  const [, month, day, year, clock, otherClock, otherYear, zone] = WEEKDAY_FIRST.exec(text) ?? []
  if (month === undefined) return null
  const number = String(monthOf(month)).padStart(2, '0')
  return ofIso(`${year ?? otherYear}-${number}-${day} ${clock ?? otherClock}${zone ?? ''}`, toUtc)
}

/** The start of a day that is given by its ISO week; week 1 has the year's first Thursday. */
function ofWeekDay(year: number, week: number, day: number): TimeRead | null {
  const fourth = utc(datedParts(year, 1, 4))
  if (fourth === null || week < 1 || week > 53) return null
  const monday = fourth - ((new Date(fourth).getUTCDay() + 6) % 7) * DAY_MS
  const ms = monday + ((week - 1) * 7 + day - 1) * DAY_MS
  const thursday = new Date(monday + ((week - 1) * 7 + 3) * DAY_MS)
  return thursday.getUTCFullYear() === year ? { ms, assumed: DAY_ONLY } : null
}

/** A day number of a spreadsheet, to the second, which is what such programs show. */
function ofDayNumber(text: string): FormattedTime | null {
  const number = /^\d{5}([.,]\d+)?$/.test(text) ? Number(text.replace(',', '.')) : Number.NaN
  if (Number.isNaN(number)) return null
  const at = new Date(Math.round((number - 25_569) * (DAY_MS / SECOND_MS)) * SECOND_MS)
  const day = datedParts(at.getUTCFullYear(), at.getUTCMonth() + 1, at.getUTCDate())
  day.splice(3, 3, at.getUTCHours(), at.getUTCMinutes(), at.getUTCSeconds())
  return { parts: day, assumed: 'numbers in the time column are days since 1899-12-30, as spreadsheets count them' }
}

function datedParts(year: number, month: number, day: number): Parts {
  return [year, month, day, 0, 0, 0, 0]
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

/** Null for a date or time that does not exist; 24:00:00 is the end of the day. */
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
    throw new SourceError(`--time-zone: '${timeZone}' is not a time zone: write a name such as Europe/Berlin`)
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

/** Forms with several readings or none, and the flag that decides. */
const IN_DOUBT: readonly (readonly [form: RegExp, advice: string])[] = [
  [/^\d{1,2}[./-]\d{1,2}[./-]\d{4}/, '--time-format DD.MM.YYYY or MM/DD/YYYY says which part is the day'],
  [/^\d{1,2}[./-]\d{1,2}[./-]\d{1,2}\b/, '--time-format DD.MM.YY, MM/DD/YY or YY-MM-DD says which part is which'],
  [/^\d{1,2}[- ][A-Z]{3}[- ]\d\d$/i, '--time-format DD-MMM-YY or YY-MMM-DD says which part is the day'],
  [/^\d{4}[-/]?\d\d$/, '--time-format YYYY-MM or YYYYMM takes the first day of each month'],
  [/^[2-9]\d{4}([.,]\d+)?$/, `--time-format ${SPREADSHEET} reads the day numbers of spreadsheets`],
  [/^\d{4}-?W\d\d$/i, 'a week is not a day: write a day such as 2024-W24-1'],
  [
    /\d:\d\d.* [A-Z]{3,4}$/,
    'abbreviations of zones have several meanings: write an offset such as +02:00, or none and give --time-zone Europe/Berlin',
  ],
  [/^\d{1,2}\.? \p{L}{3,}\.? \d{4}/u, 'names of months are read in English: --time-format DD.MM.YYYY reads numbers'],
  [/^\d{1,2}:\d\d/, 'a time of day needs a date: name the column of dates `date`, or give --column timestamp=HEADER'],
  [/^#{2,}$/, 'the column was too narrow in the spreadsheet: widen it, and save the file again'],
]

/** Returns advice that makes an unreadable time readable; empty when its form is not known. */
export function adviceForTime(value: unknown): string {
  const text = String(value ?? '').trim()
  const found = IN_DOUBT.find(([form]) => form.test(text))
  return found ? `; ${found[1]}` : ''
}
