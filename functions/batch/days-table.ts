import { statisticsOf, type Totals } from '../core/totals.ts'
import type { Column } from '../parquet/write.ts'
import { CLASS_COLUMNS } from './class-columns.ts'
import { revisionTable } from './revision-table.ts'

type Value = string | number | bigint | null

/** Row of the table without the columns of its revision: event day, class, and the columns of CLASS_COLUMNS. */
export type DayRow = Record<string, Value>

const COLUMNS: Column<DayRow>[] = [
  { name: 'event_day', type: 'STRING', of: row => row.event_day as string },
  ...CLASS_COLUMNS.map(({ of: _, ...column }): Column<DayRow> => ({ ...column, of: row => row[column.name] ?? null })),
]

/** Statistics of each class and event day. */
export const DAYS = revisionTable('landcover_days', COLUMNS)

/** Row of an event day and a class, from its totals. */
export function dayRow(event_day: string, className: string, totals: Totals): DayRow {
  const of = { className, statistics: statisticsOf(totals) }
  const columns = CLASS_COLUMNS.map(column => [column.name, column.of(of) as Value])
  return { event_day, ...Object.fromEntries(columns) }
}
