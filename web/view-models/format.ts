import { HOUR_MS } from './time.ts'

/** Formats numbers, durations and times for people. Unknown (null) is always an en dash. */

export const UNKNOWN = '–'
const MINUS = '−'
const LOCALE = 'en-GB'

const grouped = new Intl.NumberFormat(LOCALE, { maximumFractionDigits: 0 })

/** Whole number with separators: 1,204; a dash when it is not known. */
export const formatCount = (count: number | null): string => (count === null ? UNKNOWN : sign(grouped.format(count)))

/** Number with a fixed count of decimals and a real minus sign, never −0; a dash when it is not known. */
export function formatFixed(value: number | null, digits: number): string {
  if (value === null) return UNKNOWN
  const text = value.toFixed(digits)
  return Number(text) === 0 ? text.replace('-', '') : sign(text)
}

/** NDVI to 0.001. */
export const formatNdvi = (ndvi: number | null): string => formatFixed(ndvi, 3)

/** Signed difference: +0.012 or −0.012. */
export function formatDifference(value: number | null, digits = 3): string {
  const text = formatFixed(value, digits)
  return value !== null && Number(value.toFixed(digits)) > 0 ? `+${text}` : text
}

/** Band mean, with as many digits as are significant: it is a reflectance (0..1) or a sensor count (0..10,000). */
export function formatBand(value: number | null): string {
  if (value === null) return UNKNOWN
  return Math.abs(value) >= 100 ? formatCount(Math.round(value)) : formatFixed(value, Math.abs(value) >= 10 ? 1 : 3)
}

/** Distance of a signed score from normal: "4.2 sd below". */
export function formatScore(score: number | null): string {
  if (score === null) return UNKNOWN
  return `${Math.abs(score).toFixed(1)} sd ${score < 0 ? 'below' : 'above'}`
}

/** Duration in its most readable unit: "410 ms", "4.2 s", "12 min". */
export function formatDuration(ms: number | null): string {
  if (ms === null) return UNKNOWN
  const seconds = Math.max(0, ms) / 1000
  if (seconds < 0.9995) return `${Math.round(seconds * 1000)} ms`
  if (seconds < 9.95) return `${seconds.toFixed(1)} s`
  if (seconds < 99.5) return `${Math.round(seconds)} s`
  const minutes = seconds / 60
  if (minutes < 99.5) return `${Math.round(minutes)} min`
  const hours = minutes / 60
  if (hours < 47.5) return `${Math.round(hours)} h`
  return `${Math.round(hours / 24)} days`
}

/** Age: "12 s ago". An age below one second, or negative because of clock skew, is "just now". */
export function formatAge(ms: number | null): string {
  if (ms === null) return UNKNOWN
  return ms < 1000 ? 'just now' : `${formatDuration(Math.floor(ms / 1000) * 1000).replace('.0 s', ' s')} ago`
}

/** A number with its noun: "1 image", "2 images". */
export const plural = (count: number, one: string, many = `${one}s`): string =>
  `${formatCount(count)} ${count === 1 ? one : many}`

const sign = (text: string) => text.replace('-', MINUS)

/** Value of `nowMs` for which a `Clock` always adds the day and the year. */
export const LONG_AGO_MS = 0

/** Formats times (epoch ms) in one time zone. `nowMs` decides whether the day and the year are needed. */
export type Clock = {
  /** IANA name of the zone, for instance Europe/Berlin. */
  zone: string
  /** 14:10 */
  minute(ms: number): string
  /** 14:10:07 today, 21 Nov 14:10:07 on another day. */
  second(ms: number, nowMs: number): string
  /** 14:10 today, 21 Nov 14:10 on another day. */
  moment(ms: number, nowMs: number): string
  /** 14:10–14:20 today, 21 Nov 14:10–14:20 on another day, 21 Nov 20:00–22 Nov 02:00 when it is longer than an hour. */
  range(startMs: number, endMs: number, nowMs: number): string
  /** UTC day, whatever the zone: 21 Nov, or 21 Nov 2025 in another year. */
  utcDay(ms: number, nowMs: number): string
  /** Short name of the zone at that time: CET, CEST, GMT+5:30. */
  zoneName(ms: number): string
}

/** Creates the formats of times in a time zone, such as Europe/Berlin. */
export function createClock(zone: string): Clock {
  const minute = new Intl.DateTimeFormat(LOCALE, { timeZone: zone, hour: '2-digit', minute: '2-digit' })
  const second = new Intl.DateTimeFormat(LOCALE, {
    timeZone: zone,
    hour: '2-digit',
    minute: '2-digit',
    second: '2-digit',
  })
  const day = new Intl.DateTimeFormat(LOCALE, { timeZone: zone, day: 'numeric', month: 'short' })
  const date = new Intl.DateTimeFormat(LOCALE, { timeZone: zone, dateStyle: 'short' })
  const dayYear = new Intl.DateTimeFormat(LOCALE, { timeZone: zone, day: 'numeric', month: 'short', year: 'numeric' })
  const year = new Intl.DateTimeFormat(LOCALE, { timeZone: zone, year: 'numeric' })
  const utc = { timeZone: 'UTC', day: 'numeric', month: 'short' } as const
  const utcDay = new Intl.DateTimeFormat(LOCALE, utc)
  const utcDayYear = new Intl.DateTimeFormat(LOCALE, { ...utc, year: 'numeric' })
  const named = new Intl.DateTimeFormat(LOCALE, { timeZone: zone, timeZoneName: 'short' })

  const dayPrefix = (ms: number, nowMs: number) => {
    if (date.format(ms) === date.format(nowMs)) return ''
    return `${(year.format(ms) === year.format(nowMs) ? day : dayYear).format(ms)} `
  }
  return {
    zone,
    minute: ms => minute.format(ms),
    second: (ms, nowMs) => dayPrefix(ms, nowMs) + second.format(ms),
    moment: (ms, nowMs) => dayPrefix(ms, nowMs) + minute.format(ms),
    range(startMs, endMs, nowMs) {
      // A short range, like a window that ends at midnight, needs no second date.
      const isLong = endMs - startMs > HOUR_MS && date.format(startMs) !== date.format(endMs)
      const end = isLong ? `${day.format(endMs)} ${minute.format(endMs)}` : minute.format(endMs)
      return `${dayPrefix(startMs, nowMs)}${minute.format(startMs)}–${end}`
    },
    utcDay: (ms, nowMs) =>
      (new Date(ms).getUTCFullYear() === new Date(nowMs).getUTCFullYear() ? utcDay : utcDayYear).format(ms),
    zoneName: ms => named.formatToParts(ms).find(part => part.type === 'timeZoneName')?.value ?? zone,
  }
}
