import type { UnusualImageItem } from '../view-models/unusual-images.ts'
import { byId, classDot, make, setText } from './elements.ts'
import { syncRows } from './rows.ts'

/**
 * Sets explicit ARIA roles on the table. On a phone the style sheet displays the rows as a grid, and some browsers then
 * no longer report a table to screen readers.
 */
export function prepareUnusualImages(): void {
  const table = byId<HTMLTableElement>('unusual-images')
  table.setAttribute('role', 'table')
  for (const group of [table.tHead, ...table.tBodies]) group?.setAttribute('role', 'rowgroup')
  for (const row of table.tHead?.rows ?? []) {
    row.setAttribute('role', 'row')
    for (const cell of row.cells) cell.setAttribute('role', 'columnheader')
  }
}

/**
 * Updates the rows of the table of unusual images.
 *
 * @param onSeen called when the reader marks an unusual image as seen or not seen
 */
export function renderUnusualImages(
  items: readonly UnusualImageItem[],
  onSeen: (key: string, seen: boolean) => void,
): void {
  syncRows(
    byId('unusual-images-body'),
    items,
    item => item.key,
    item => createRow(item, onSeen),
    updateRow,
  )
}

function createRow(item: UnusualImageItem, onSeen: (key: string, seen: boolean) => void): HTMLTableRowElement {
  const row = make('tr', { role: 'row' })
  const cells = Array.from({ length: 7 }, () => make('td', { role: 'cell' }))
  const [time, name, image, ndvi, off, rule, seen] = cells
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
  offElement.dataset.direction = item.direction
  off?.append(offElement)
  const ruleElement = make('span', { className: 'rule', text: item.rule })
  if (item.ruleTitle) ruleElement.title = item.ruleTitle
  rule?.append(ruleElement)
  const box = make('input')
  box.type = 'checkbox'
  box.setAttribute('aria-label', `Seen: ${item.classKey.label}, ${item.imageId}`)
  box.addEventListener('change', () => onSeen(item.key, box.checked))
  seen?.append(box)
  row.append(...cells)
  return row
}

function updateRow(row: HTMLTableRowElement, item: UnusualImageItem): void {
  const [time, , , ndvi, off, , seen] = row.cells
  row.toggleAttribute('data-dim', item.seen)
  const box = seen?.querySelector('input')
  if (box) box.checked = item.seen
  if (time?.firstElementChild) setText(time.firstElementChild, item.time)
  if (ndvi) {
    setText(ndvi, item.ndvi)
    ndvi.title = item.ndviTitle
  }
  if (off?.firstElementChild) setText(off.firstElementChild, item.off)
}
