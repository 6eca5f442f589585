import { linesByHeight, type TrendView } from '../view-models/trend.ts'
import { byId, classDot, make } from './elements.ts'
import { syncRows } from './rows.ts'

/** Where the chart is too narrow for names beside its lines: the names below it, in the lines' order from top down. */
export function renderLineKey(view: TrendView): void {
  syncRows(
    byId('line-key'),
    linesByHeight(view.lines),
    line => line.className,
    line => {
      const item = make('li')
      item.append(classDot(line.colour), line.label)
      return item
    },
    () => {},
  )
}
