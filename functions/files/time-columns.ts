import { DAY_MS } from '../core/time.ts'
import { ofDayOfYear, type TimeRead } from './time-forms.ts'

/** Columns that together say when an image was taken. */
export interface TimeColumns {
  columns: readonly number[]
  /** @param readTime reads a text that holds a date, or a date and a time of day */
  read(cells: readonly unknown[], readTime: (value: unknown) => TimeRead | null): TimeRead | null
}

type Headers = ReadonlyMap<string, readonly number[]>

const DATES = [
  'date',
  'acquisition_date',
  'sensing_date',
  'observation_date',
  'obs_date',
  'image_date',
  'datum',
] as const
const CLOCKS = ['time', 'acquisition_time', 'sensing_time', 'time_utc', 'utc_time', 'time_of_day'] as const

const CLOCK = /^\d{1,2}:\d\d(:\d\d(\.\d+)?)?( ?(Z|UTC))?$/i

/** Column of dates and column of times of day. If the second holds a date too, that time counts where it is near the first. */
export function dateAndClock(headers: Headers): TimeColumns | undefined {
  const columns = found(headers, DATES, CLOCKS)
  return (
    columns && {
      columns,
      read([date, clock], readTime) {
        const text = String(clock ?? '').trim()
        if (text === '') return readTime(date)
        if (CLOCK.test(text)) return readTime(`${dayOf(date)} ${text}`)
        const [day, time] = [readTime(date), readTime(clock)]
        // A number of seconds since midnight would be a time of 1970 or later, too.
        return day !== null && time !== null && Math.abs(time.ms - day.ms) <= 2 * DAY_MS ? time : null
      },
    }
  )
}

/** A date column's value as text; Parquet's dates are times already. */
function dayOf(date: unknown): string {
  return date instanceof Date ? date.toISOString().slice(0, 10) : String(date ?? '').trim()
}

/** Columns of the year and the day in it, or of year, month and day. */
export function yearAndDay(headers: Headers): TimeColumns | undefined {
  const ordinal = found(headers, ['year', 'yr'], ['dayofyear', 'day_of_year', 'doy'])
  if (ordinal) {
    return { columns: ordinal, read: ([year, day]) => ofDayOfYear(wholeNumber(year), wholeNumber(day)) }
  }
  const columns = found(headers, ['year', 'yr'], ['month', 'mon'], ['day', 'day_of_month'])
  return (
    columns && {
      columns,
      read(cells, readTime) {
        const [year, month, day] = cells.map(wholeNumber)
        return readTime(`${year}-${month}-${day}`)
      },
    }
  )
}

/** The first column of each list of headers, where each has one. */
function found(headers: Headers, ...lists: readonly (readonly string[])[]): number[] | undefined {
  const columns = lists.map(keys => keys.map(key => headers.get(key)?.[0]).find(index => index !== undefined))
  return columns.every(index => index !== undefined) ? columns : undefined
}

/** Whole numbers that a merge may have written as 2015.0. */
function wholeNumber(cell: unknown): number {
  const number = cell === '' || cell === null ? Number.NaN : Number(cell)
  return Number.isInteger(number) ? number : Number.NaN
}
