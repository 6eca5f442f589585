import { setImmediate } from 'node:timers/promises'
import { BANDS } from '../core/event.ts'
import type { History } from '../core/history.ts'
import { byName } from '../core/text-order.ts'
import { statisticsOf } from '../core/totals.ts'
import { readParquet } from '../parquet/read.ts'
import { type Column, writeParquet } from '../parquet/write.ts'
import { CLASS_COLUMNS, type ClassRow } from './class-columns.ts'
import { type DayHistory, momentsOfRow, sum, totalsOfRow } from './day-history.ts'

interface Row extends ClassRow {
  history: History
}

/** Columns for people, and the integers from which they are computed. */
const COLUMNS: Column<Row>[] = [
  ...CLASS_COLUMNS,
  { name: 'late_count', type: 'INT64', of: ({ history }) => BigInt(history.totals.lateCount) },
  { name: 'ndvi_sum', type: 'DECIMAL', of: ({ history }) => history.totals.ndviSum },
  { name: 'ndvi_square_sum', type: 'DECIMAL', of: ({ history }) => history.totals.ndviSquareSum },
  { name: 'ndvi_min', type: 'INT32', nullable: true, of: ({ history }) => history.totals.ndviMin },
  { name: 'ndvi_max', type: 'INT32', nullable: true, of: ({ history }) => history.totals.ndviMax },
  ...BANDS.flatMap((band): Column<Row>[] => [
    { name: `${band}_count`, type: 'INT64', of: ({ history }) => BigInt(history.totals.bands[band].count) },
    { name: `${band}_sum`, type: 'DECIMAL', of: ({ history }) => history.totals.bands[band].sum },
    { name: `${band}_square_sum`, type: 'DECIMAL', of: ({ history }) => history.moments[band].squareSum },
    { name: `${band}_ndvi_sum`, type: 'DECIMAL', of: ({ history }) => history.moments[band].ndviSum },
    { name: `${band}_ndvi_square_sum`, type: 'DECIMAL', of: ({ history }) => history.moments[band].ndviSquareSum },
    { name: `${band}_ndvi_product_sum`, type: 'DECIMAL', of: ({ history }) => history.moments[band].productSum },
  ]),
  { name: 'day_sum', type: 'DECIMAL', of: ({ history }) => history.time.daySum },
  { name: 'day_square_sum', type: 'DECIMAL', of: ({ history }) => history.time.daySquareSum },
  { name: 'day_ndvi_product_sum', type: 'DECIMAL', of: ({ history }) => history.time.productSum },
  // JSON array of [bin, images].
  { name: 'ndvi_histogram', type: 'STRING', of: ({ history }) => JSON.stringify(sorted(history.histogram)) },
]

const DAY_COLUMNS: Column<Row & DayHistory>[] = [
  { name: 'arrival_day', type: 'STRING', of: row => row.arrivalDay },
  { name: 'event_day', type: 'STRING', of: row => row.day },
  ...COLUMNS,
]

/** Encodes a part of a view as Parquet: a row for each arrival day, event day and class. */
export function encodeDays(rows: readonly DayHistory[]): Uint8Array {
  return writeParquet(
    DAY_COLUMNS,
    rows.map(row => ({ ...row, statistics: statisticsOf(row.history.totals) })),
  )
}

/** Number of rows that are decoded before other work gets a turn. */
const ROWS_AT_ONCE = 500

/** @param isWanted condition on the rows; others cost little */
export async function decodeDays(
  bytes: Uint8Array,
  isWanted: (day: string, className: string) => boolean = () => true,
): Promise<DayHistory[]> {
  const days: DayHistory[] = []
  for (const row of await readParquet(bytes, { columns: ['event_day', 'class_name'], isWanted })) {
    days.push({
      arrivalDay: row.arrival_day as string,
      day: row.event_day as string,
      className: row.class_name as string,
      history: historyOfRow(row),
    })
    if (days.length % ROWS_AT_ONCE === 0) await setImmediate()
  }
  return days
}

/** Encodes the histories over all time as Parquet: a row for each class. */
export function encodeClasses(classes: ReadonlyMap<string, History>): Uint8Array {
  const rows = [...classes].sort(byName)
  return writeParquet(
    COLUMNS,
    rows.map(([className, history]) => ({ className, history, statistics: statisticsOf(history.totals) })),
  )
}

/** Decodes the file that holds the history of each class. */
export async function decodeClasses(bytes: Uint8Array): Promise<Map<string, History>> {
  const rows = await readParquet(bytes)
  return new Map(rows.map(row => [row.class_name as string, historyOfRow(row)]))
}

function historyOfRow(row: Record<string, unknown>): History {
  return {
    totals: totalsOfRow(row),
    moments: momentsOfRow(row),
    time: {
      daySum: sum(row, 'day_sum'),
      daySquareSum: sum(row, 'day_square_sum'),
      productSum: sum(row, 'day_ndvi_product_sum'),
    },
    histogram: new Map(JSON.parse(row.ndvi_histogram as string) as [number, number][]),
  }
}

function sorted(histogram: ReadonlyMap<number, number>): [number, number][] {
  return [...histogram].sort(([a], [b]) => a - b)
}
