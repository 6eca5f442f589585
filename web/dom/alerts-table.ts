import type { AlertItem } from '../view-models/alerts.ts'
import { byId, classDot, make, setText } from './elements.ts'
import { syncRows } from './rows.ts'

/**
 * On a phone the style sheet lays the rows out as a grid, which in some browsers takes the table's meaning away from
 * screen readers: explicit roles keep it.
 */
export function prepareAlerts(): void {
  const table = byId<HTMLTableElement>('alerts')
  table.setAttribute('role', 'table')
  for (const group of [table.tHead, ...table.tBodies]) group?.setAttribute('role', 'rowgroup')
  for (const row of table.tHead?.rows ?? []) {
    row.setAttribute('role', 'row')
    for (const cell of row.cells) cell.setAttribute('role', 'columnheader')
  }
}

export function renderAlerts(items: readonly AlertItem[]): void {
  syncRows(byId('alerts-body'), items, item => item.key, createRow, updateRow)
}

function createRow(item: AlertItem): HTMLTableRowElement {
  const row = make('tr', { role: 'row' })
  const cells = Array.from({ length: 6 }, () => make('td', { role: 'cell' }))
  const [time, name, image, ndvi, off, rule] = cells
  const timeElement = make('time')
  timeElement.dateTime = item.timeTitle
  timeElement.title = item.timeTitle
  time?.append(timeElement)
  const label = make('span', { className: 'class-name' })
  label.append(classDot(item.classKey.colour), item.classKey.label)
  name?.append(label)
  const id = make('span', { className: 'id', text: item.imageId })
  id.title = item.imageId
  image?.append(id)
  if (ndvi) ndvi.className = 'number'
  const offElement = make('span', { className: 'off' })
  if (item.direction) offElement.dataset.direction = item.direction
  off?.append(offElement)
  const ruleElement = make('span', { className: 'quiet', text: item.rule })
  if (item.ruleTitle) ruleElement.title = item.ruleTitle
  rule?.append(ruleElement)
  row.append(...cells)
  return row
}

function updateRow(row: HTMLTableRowElement, item: AlertItem): void {
  const [time, , , ndvi, off] = row.cells
  if (time?.firstElementChild) setText(time.firstElementChild, item.time)
  if (ndvi) {
    setText(ndvi, item.ndvi)
    ndvi.title = item.ndviTitle
  }
  if (off?.firstElementChild) setText(off.firstElementChild, item.off)
}
