import { SourceError } from './rows.ts'

/** Year, month, day, hour, minute, second and millisecond of a wall clock. */
export type Parts = [
  year: number,
  month: number,
  day: number,
  hour: number,
  minute: number,
  second: number,
  milli: number,
]

/** Time that was read by a format. */
export interface FormattedTime {
  parts: Parts
  /** Assumption that was needed to read it, for the report. */
  assumed?: string
}

const MONTHS = ['jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec']

/** The month's number; 0, which no calendar has, for other words. */
export function monthOf(name: string): number {
  return MONTHS.indexOf(name.slice(0, 3).toLowerCase()) + 1
}

const TOKENS: Record<string, { pattern: string; part: number; read?(text: string): number }> = {
  YYYY: { pattern: '(\\d{4})', part: 0 },
  YY: { pattern: '(\\d\\d)', part: 0, read: text => (Number(text) < 70 ? 2000 : 1900) + Number(text) },
  MMM: { pattern: '([A-Za-z]{3,9})', part: 1, read: monthOf },
  MM: { pattern: '(\\d{1,2})', part: 1 },
  M: { pattern: '(\\d{1,2})', part: 1 },
  DD: { pattern: '(\\d{1,2})', part: 2 },
  D: { pattern: '(\\d{1,2})', part: 2 },
  HH: { pattern: '(\\d{1,2})', part: 3 },
  H: { pattern: '(\\d{1,2})', part: 3 },
  mm: { pattern: '(\\d\\d)', part: 4 },
  ss: { pattern: '(\\d\\d)', part: 5 },
}

const CLOCK = '(?: (\\d{1,2}):(\\d\\d)(?::(\\d\\d))?)?'

/**
 * A reader of times that a format such as `DD.MM.YYYY HH:mm` describes. A time of day may follow a format of days. A
 * format without a day means the first of the month.
 *
 * @throws SourceError when the format lacks the year or the month
 */
export function formatReader(format: string): (text: string) => FormattedTime | null {
  const tokens: { part: number; read?(text: string): number }[] = []
  const source = format.replaceAll(/YYYY|YY|MMM|MM?|DD?|HH?|mm|ss|[^A-Za-z]|[A-Za-z]/g, piece => {
    const token = TOKENS[piece]
    if (!token) return piece.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&')
    tokens.push(token)
    return token.pattern
  })
  const has = (part: number) => tokens.some(token => token.part === part)
  if (!has(0) || !has(1)) {
    throw new SourceError(`--time-format: '${format}' lacks a part: write one such as DD.MM.YYYY or MM/DD/YYYY HH:mm`)
  }
  const isDay = !has(3)
  if (isDay) tokens.push({ part: 3 }, { part: 4 }, { part: 5 })
  const pattern = new RegExp(`^${source}${isDay ? CLOCK : ''}$`)
  return text => {
    const match = pattern.exec(text)
    if (!match) return null
    const parts: Parts = [0, 0, 1, 0, 0, 0, 0]
    for (const [at, { part, read = Number }] of tokens.entries()) parts[part] = read(match[at + 1] ?? '0')
    return has(2) ? { parts } : { parts, assumed: 'months are taken as their first day' }
  }
}
