import { setImmediate } from 'node:timers/promises'
import { byClass } from '../batch/day-history.ts'
import type { View } from '../batch/view.ts'
import type { ViewReader } from '../batch/view-reader.ts'
import type { Band } from '../core/event.ts'
import type { History } from '../core/history.ts'
import { correlation, FEATURES, type Feature, quantile, separability, trend } from '../core/history-statistics.ts'
import { byName } from '../core/text-order.ts'
import { DAY_MS, dayOf } from '../core/time.ts'
import { statisticsOf, type Totals } from '../core/totals.ts'
import { BadParameterError } from './bad-parameter.ts'
import { type ClassSource, refuseUnknownClass } from './class-names.ts'
import { MOST_ROWS, refuseTooManyRows } from './most-rows.ts'
import {
  type BatchDayRow,
  type BatchDaysQuery,
  type BatchStatisticsRow,
  type ClassStatsRow,
  LONGEST_DAYS,
  type SeparabilityQuery,
  type SeparabilityRow,
} from './schemas.ts'

/** Answers from the batch view alone: all arrivals before its cut, and imports. */

interface Batch {
  views: ViewReader
}

/** Answers the statistics of each class over all time; no rows before the first view. */
export async function batchClassStats({ views }: Batch): Promise<ClassStatsRow[]> {
  return classStatsRows(await views.read(async view => (view ? viewTotals(views, view) : new Map())))
}

/** Reads the totals of each class over all time. */
export async function viewTotals(views: ViewReader, view: View): Promise<Map<string, Totals>> {
  return new Map(Array.from(await views.classes(view), ([className, { totals }]) => [className, totals] as const))
}

/** Rows of totals by class, in the order of the names. */
export function classStatsRows(totals: ReadonlyMap<string, Totals>): ClassStatsRow[] {
  return [...totals].sort(byName).map(([className, of]) => {
    const { count, ndviMean, ndviStddev, ndviMin, ndviMax, bandMeans } = statisticsOf(of)
    return {
      class_name: className,
      count,
      ndvi_avg: ndviMean,
      ndvi_stddev: ndviStddev,
      ndvi_min: ndviMin,
      ndvi_max: ndviMax,
      red_avg: bandMeans.red,
      nir_avg: bandMeans.nir,
      brightness_avg: bandMeans.brightness,
    }
  })
}

/** Answers quantiles, trend and correlations of each class. */
export async function batchStatistics({ views }: Batch): Promise<BatchStatisticsRow[]> {
  return (await allTime(views)).map(([className, history]) => {
    const line = trend(history)
    const ofBand = (band: Band) => correlation(history, band)
    return {
      class_name: className,
      count: history.totals.count,
      ...quantiles(history),
      ndvi_trend_per_year: line?.slopePerYear ?? null,
      ndvi_trend_correlation: line?.correlation ?? null,
      ndvi_red_correlation: ofBand('red'),
      ndvi_green_correlation: ofBand('green'),
      ndvi_blue_correlation: ofBand('blue'),
      ndvi_nir_correlation: ofBand('nir'),
      ndvi_brightness_correlation: ofBand('brightness'),
    }
  })
}

/** Classes of which all pairs are answered at once: 4,950 pairs take tens of milliseconds, those of 1,000 classes seconds. */
export const MAX_PAIRED_CLASSES = 100

/**
 * Answers the separability of each pair of classes, or of one class with each other one.
 *
 * @throws BadParameterError when no class is named and there are more than MAX_PAIRED_CLASSES, or when the view does not
 *   have the class
 */
export async function batchSeparability(
  batch: Batch & ClassSource,
  { class: only }: SeparabilityQuery = {},
): Promise<SeparabilityRow[]> {
  const classes = await allTime(batch.views)
  if (only !== undefined) {
    await refuseUnknownClass(batch, only)
    return separabilityOf(only, classes)
  }
  if (classes.length > MAX_PAIRED_CLASSES) {
    throw new BadParameterError(
      `class: is required above ${MAX_PAIRED_CLASSES} classes, and there are ${classes.length}: name one, to get its pairs with all others`,
    )
  }
  return classes.flatMap(([a, first], index) =>
    classes.slice(index + 1).map(([b, second]) => separabilityRow(a, first, b, second)),
  )
}

/** Classes in each row have the order of their names, as in the table of all pairs. */
function separabilityOf(only: string, classes: readonly [string, History][]): SeparabilityRow[] {
  const own = classes.find(([className]) => className === only)
  if (!own) throw new BadParameterError('class: the batch view has no images of it', 404)
  return classes
    .filter(([className]) => className !== only)
    .map(other => {
      const [[a, first], [b, second]] = byName(own, other) < 0 ? [own, other] : [other, own]
      return separabilityRow(a, first, b, second)
    })
}

function separabilityRow(a: string, first: History, b: string, second: History): SeparabilityRow {
  const distances = FEATURES.map(feature => [feature, separability(first, second, feature)] as const)
  return { class_a: a, class_b: b, ...(Object.fromEntries(distances) as Record<Feature, number | null>) }
}

/**
 * Answers the days of each class.
 *
 * @param query first and last day, YYYY-MM-DD, both included; without a class, all classes
 * @returns rows and the days that they cover: the last part of a longer range
 * @throws BadParameterError when the class is unknown
 */
export async function batchDays(
  batch: Batch & ClassSource,
  query: BatchDaysQuery,
): Promise<{ rows: BatchDayRow[]; range: string }> {
  const { views } = batch
  const { to } = query
  const from = dayOf(Math.max(Date.parse(query.from), Date.parse(to) - (LONGEST_DAYS - 1) * DAY_MS))
  await refuseUnknownClass(batch, query.class)
  const options = { only: query.class, most: MOST_ROWS }
  const days = await views.read(async view => (view ? views.days(view, from, to, options) : []))
  refuseTooManyRows('class', days.length)
  const rows: BatchDayRow[] = []
  for (const [day, ofDay] of [...Map.groupBy(days, row => row.day)].sort(byName)) {
    // A day of many classes takes a while, and other answers wait.
    await setImmediate()
    for (const [className, history] of [...byClass(ofDay)].sort(byName)) {
      const { count, ndviMean, ndviStddev, ndviMin, ndviMax } = statisticsOf(history.totals)
      rows.push({
        class_name: className,
        day,
        count,
        ndvi_avg: ndviMean,
        ndvi_stddev: ndviStddev,
        ndvi_min: ndviMin,
        ndvi_max: ndviMax,
        ...quantiles(history),
      })
    }
  }
  return { rows, range: `${from}/${to}` }
}

async function allTime(views: ViewReader): Promise<[string, History][]> {
  const classes = await views.read(async view => (view ? views.classes(view) : new Map<string, History>()))
  return [...classes].sort(byName)
}

function quantiles({ histogram }: History) {
  return {
    ndvi_p05: quantile(histogram, 0.05),
    ndvi_p25: quantile(histogram, 0.25),
    ndvi_p50: quantile(histogram, 0.5),
    ndvi_p75: quantile(histogram, 0.75),
    ndvi_p95: quantile(histogram, 0.95),
  }
}
