import { BANDS, type Band } from '../core/event.ts'
import { type BandTotals, type Statistics, statisticsOf, type Totals } from '../core/totals.ts'
import { readParquet } from '../parquet/read.ts'
import { type Column, writeParquet } from '../parquet/write.ts'

/** Totals of one class on one UTC day of event time. */
export interface DayTotals {
  /** YYYY-MM-DD */
  day: string
  className: string
  totals: Totals
}

interface Row extends DayTotals {
  statistics: Statistics
}

/** What people read (the original's `landcover_aggregates` columns), and beside it the integers it is made of. */
const COLUMNS: Column<Row>[] = [
  { name: 'class_name', type: 'STRING', of: row => row.className },
  { name: 'event_day', type: 'STRING', of: row => row.day },
  { name: 'ndvi_avg', type: 'DOUBLE', of: row => row.statistics.ndviMean },
  { name: 'ndvi_stddev', type: 'DOUBLE', of: row => row.statistics.ndviStddev },
  { name: 'ndvi_global_min', type: 'DOUBLE', of: row => row.statistics.ndviMin },
  { name: 'ndvi_global_max', type: 'DOUBLE', of: row => row.statistics.ndviMax },
  { name: 'red_avg', type: 'DOUBLE', of: row => row.statistics.bandMeans.red },
  { name: 'nir_avg', type: 'DOUBLE', of: row => row.statistics.bandMeans.nir },
  { name: 'brightness_avg', type: 'DOUBLE', of: row => row.statistics.bandMeans.brightness },
  { name: 'image_count', type: 'INT64', of: row => BigInt(row.totals.count) },
  { name: 'late_count', type: 'INT64', of: row => BigInt(row.totals.lateCount) },
  { name: 'ndvi_sum', type: 'DECIMAL', of: row => row.totals.ndviSum },
  { name: 'ndvi_square_sum', type: 'DECIMAL', of: row => row.totals.ndviSquareSum },
  { name: 'ndvi_min', type: 'INT32', of: row => row.totals.ndviMin },
  { name: 'ndvi_max', type: 'INT32', of: row => row.totals.ndviMax },
  ...BANDS.flatMap((band): Column<Row>[] => [
    { name: `${band}_count`, type: 'INT64', of: row => BigInt(row.totals.bands[band].count) },
    { name: `${band}_sum`, type: 'DECIMAL', of: row => row.totals.bands[band].sum },
  ]),
]

/** The Parquet file of a view: a row per day and class. */
export function encodeTotalsFile(rows: readonly DayTotals[]): Uint8Array {
  return writeParquet(
    COLUMNS,
    rows.map(row => ({ ...row, statistics: statisticsOf(row.totals) })),
  )
}

export async function decodeTotalsFile(bytes: Uint8Array): Promise<DayTotals[]> {
  const rows = await readParquet(bytes)
  return rows.map(row => ({
    day: row.event_day as string,
    className: row.class_name as string,
    totals: totalsOfRow(row),
  }))
}

/**
 * The totals in a row of the totals file, or of the batch query's answer, which has the same columns.
 *
 * @throws Error that names the column when a value is no integer
 */
export function totalsOfRow(row: Record<string, unknown>): Totals {
  const bands = {} as Record<Band, BandTotals>
  for (const band of BANDS) {
    bands[band] = { count: Number(integer(row, `${band}_count`)), sum: integer(row, `${band}_sum`) ?? 0n }
  }
  return {
    count: Number(integer(row, 'image_count')),
    lateCount: Number(integer(row, 'late_count')),
    ndviSum: integer(row, 'ndvi_sum') ?? 0n,
    ndviSquareSum: integer(row, 'ndvi_square_sum') ?? 0n,
    ndviMin: numberOrNull(integer(row, 'ndvi_min')),
    ndviMax: numberOrNull(integer(row, 'ndvi_max')),
    bands,
  }
}

/** SQL's sum of no values is null. */
function integer(row: Record<string, unknown>, column: string): bigint | null {
  const value = row[column]
  if (value === null) return null
  if (typeof value === 'bigint') return value
  if (Number.isSafeInteger(value)) return BigInt(value as number)
  throw new Error(`column ${column} must hold an integer`)
}

function numberOrNull(value: bigint | null): number | null {
  return value === null ? null : Number(value)
}
