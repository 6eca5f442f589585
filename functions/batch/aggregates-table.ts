import type { History } from '../core/history.ts'
import { byName } from '../core/text-order.ts'
import { statisticsOf } from '../core/totals.ts'
import { CLASS_COLUMNS } from './class-columns.ts'
import { revisionTable } from './revision-table.ts'
import type { View } from './view.ts'

/** Statistics of each class over all time, under the name of the original's table. */
export const AGGREGATES = revisionTable('landcover_aggregates', CLASS_COLUMNS)

/** Parquet file of a view: a row for each class. */
export function encodeAggregates(view: View, classes: ReadonlyMap<string, History>): Uint8Array {
  const rows = [...classes].sort(byName)
  return AGGREGATES.encode(
    view,
    rows.map(([className, { totals }]) => ({ className, statistics: statisticsOf(totals) })),
  )
}
