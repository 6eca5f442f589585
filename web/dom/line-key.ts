import { linesByHeight, type TrendView } from '../view-models/trend.ts'
import { byId, classDot, make } from './elements.ts'
import { syncRows } from './rows.ts'

/**
 * Updates the names of the lines below the chart, from the highest line to the lowest. Used when the chart is too
 * narrow for names.
 */
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
