import type { RefusedItem } from '../view-models/refused.ts'
import { byId, make, setText } from './elements.ts'
import { syncRows } from './rows.ts'

/** Updates the rows of refused records. Only their time changes: a day is added when it is over. */
export function renderRefusedRows(items: readonly RefusedItem[]): void {
  syncRows(
    byId('refused-body'),
    items,
    item => item.key,
    createRow,
    (row, item) => {
      const time = row.cells[0]?.firstElementChild
      if (time) setText(time, item.time)
    },
  )
}

function createRow(item: RefusedItem): HTMLTableRowElement {
  const row = make('tr')
  const cells = Array.from({ length: 4 }, () => make('td'))
  const [time, reason, place, beginning] = cells
  const timeElement = make('time')
  timeElement.dateTime = item.timeTitle
  timeElement.title = item.timeTitle
  time?.append(timeElement)
  reason?.append(make('strong', { text: item.reason }), make('span', { className: 'rule why', text: item.detail }))
  const placeElement = make('span', { className: 'id', text: item.place })
  placeElement.title = item.placeTitle
  place?.append(placeElement)
  const bytes = make('code', { className: 'id', text: item.beginning })
  bytes.title = item.beginning
  beginning?.append(bytes)
  row.append(...cells)
  return row
}
