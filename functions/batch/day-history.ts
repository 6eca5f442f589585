import { BANDS, type Band } from '../core/event.ts'
import { addHistories, type History, type Moments, sumHistories, timeMoments } from '../core/history.ts'
import type { BandTotals, Totals } from '../core/totals.ts'

/** What arrived on one UTC day of images of one class on one UTC day of event time. */
export interface DayHistory {
  /** YYYY-MM-DD */
  arrivalDay: string
  /** YYYY-MM-DD */
  day: string
  className: string
  history: History
}

/** The rows that stand for the same days and class, as one, in order. */
export function mergeDays(rows: Iterable<DayHistory>): DayHistory[] {
  // Days are of fixed width, so no two rows share a key by chance.
  const merged = Map.groupBy(rows, ({ arrivalDay, day, className }) => `${arrivalDay}${day}${className}`)
  return [...merged].sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0)).map(([, alike]) => asOne(alike))
}

/** The rows' histories by class. */
export function byClass(rows: Iterable<DayHistory>): Map<string, History> {
  const classes = Map.groupBy(rows, ({ className }) => className)
  return new Map(Array.from(classes, ([className, alike]) => [className, asOne(alike).history]))
}

/** @param rows at least one */
function asOne(rows: readonly DayHistory[]): DayHistory {
  const [first] = rows as [DayHistory]
  return rows.length === 1 ? first : { ...first, history: sumHistories(rows.map(({ history }) => history)) }
}

/** The histories of two sets of images, class by class. */
export function mergeClasses(a: ReadonlyMap<string, History>, b: ReadonlyMap<string, History>): Map<string, History> {
  const merged = new Map(a)
  for (const [className, history] of b) {
    const known = merged.get(className)
    merged.set(className, known ? addHistories(known, history) : history)
  }
  return merged
}

/** A row of the answer to data/sql/totals.sql: that of one bin of NDVI. */
export function dayHistoryOfAnswer(row: Record<string, unknown>): DayHistory {
  const day = row.event_day as string
  const totals = totalsOfRow(row)
  const histogram = new Map([[Number(integer(row, 'ndvi_bin')), totals.count]])
  const history = { totals, moments: momentsOfRow(row), time: timeMoments(day, totals), histogram }
  return { arrivalDay: row.arrival_day as string, day, className: row.class_name as string, history }
}

/** The totals in a row of one of our files or of the batch query's answer: the columns have the same names. */
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

/** SQL's sum of no values is null. */
function sum(row: Record<string, unknown>, column: string): bigint {
  return integer(row, column) ?? 0n
}

/** @throws Error that names the column when its value is no integer */
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
