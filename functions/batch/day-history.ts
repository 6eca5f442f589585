import { BANDS, type Band } from '../core/event.ts'
import { addHistories, type History, type Moments, sumHistories, timeMoments } from '../core/history.ts'
import { byName } from '../core/text-order.ts'
import type { BandTotals, Totals } from '../core/totals.ts'

/** History of the images of one class that were taken on one UTC day and arrived on one UTC day. */
export interface DayHistory {
  /** YYYY-MM-DD */
  arrivalDay: string
  /** YYYY-MM-DD */
  day: string
  className: string
  history: History
}

/** Merges the rows of the same days and class. Returns them in order. */
export function mergeDays(rows: Iterable<DayHistory>): DayHistory[] {
  // Days have a fixed width, so different rows have different keys.
  const merged = Map.groupBy(rows, ({ arrivalDay, day, className }) => `${arrivalDay}${day}${className}`)
  return [...merged].sort(byName).map(([, alike]) => mergeRows(alike))
}

/** Adds up the rows by class. */
export function byClass(rows: Iterable<DayHistory>): Map<string, History> {
  const classes = Map.groupBy(rows, ({ className }) => className)
  return new Map(Array.from(classes, ([className, alike]) => [className, mergeRows(alike).history]))
}

/**
 * Merges rows.
 *
 * @param rows at least one
 */
function mergeRows(rows: readonly DayHistory[]): DayHistory {
  const [first] = rows as [DayHistory]
  return rows.length === 1 ? first : { ...first, history: sumHistories(rows.map(({ history }) => history)) }
}

/** Adds the histories of two sets of images, class by class. */
export function mergeClasses(a: ReadonlyMap<string, History>, b: ReadonlyMap<string, History>): Map<string, History> {
  const merged = new Map(a)
  for (const [className, history] of b) {
    const known = merged.get(className)
    merged.set(className, known ? addHistories(known, history) : history)
  }
  return merged
}

/** Decodes a row of the answer to data/sql/totals.sql: one bin of NDVI. */
export function dayHistoryOfAnswer(row: Record<string, unknown>): DayHistory {
  const day = row.event_day as string
  const totals = totalsOfRow(row)
  const histogram = new Map([[Number(integer(row, 'ndvi_bin')), totals.count]])
  const history = { totals, moments: momentsOfRow(row), time: timeMoments(day, totals), histogram }
  return { arrivalDay: row.arrival_day as string, day, className: row.class_name as string, history }
}

/** Decodes the totals of a row of our files or of a batch query's answer. Both have the same column names. */
export function totalsOfRow(row: Record<string, unknown>): Totals {
  const bands = {} as Record<Band, BandTotals>
  for (const band of BANDS) {
    bands[band] = { count: Number(integer(row, `${band}_count`)), sum: sum(row, `${band}_sum`) }
  }
  return {
    count: Number(integer(row, 'image_count')),
    lateCount: Number(integer(row, 'late_count')),
    ndviSum: sum(row, 'ndvi_sum'),
    ndviSquareSum: sum(row, 'ndvi_square_sum'),
    ndviMin: numberOrNull(integer(row, 'ndvi_min')),
    ndviMax: numberOrNull(integer(row, 'ndvi_max')),
    bands,
  }
}

/** Moments of each band from the columns of a row. */
export function momentsOfRow(row: Record<string, unknown>): Record<Band, Moments> {
  const moments = {} as Record<Band, Moments>
  for (const band of BANDS) {
    moments[band] = {
      squareSum: sum(row, `${band}_square_sum`),
      ndviSum: sum(row, `${band}_ndvi_sum`),
      ndviSquareSum: sum(row, `${band}_ndvi_square_sum`),
      productSum: sum(row, `${band}_ndvi_product_sum`),
    }
  }
  return moments
}

/** Returns a sum. In SQL, the sum of no values is null. */
export function sum(row: Record<string, unknown>, column: string): bigint {
  return integer(row, column) ?? 0n
}

/**
 * Returns an integer column.
 *
 * @throws Error that names the column when its value is not an integer
 */
export function integer(row: Record<string, unknown>, column: string): bigint | null {
  const value = row[column]
  if (value === null) return null
  if (typeof value === 'bigint') return value
  if (Number.isSafeInteger(value)) return BigInt(value as number)
  throw new Error(`column ${column} must hold an integer`)
}

function numberOrNull(value: bigint | null): number | null {
  return value === null ? null : Number(value)
}
