import type { HistoryItem, HistoryView } from '../view-models/all-history.ts'
import { byId, classDot, make, setText } from './elements.ts'
import { syncRows } from './rows.ts'

export function renderHistory(view: HistoryView, focus: string | null): void {
  syncRows(
    byId('history-body'),
    view.items,
    item => item.classKey.className,
    createRow,
    (row, item) => {
      row.toggleAttribute('data-dim', focus !== null && focus !== item.classKey.className)
      setCells(row, [
        item.count,
        item.batchCount,
        item.speedOnly,
        item.mean,
        item.sd,
        item.min,
        item.max,
        item.red,
        item.nir,
        item.brightness,
      ])
      setShare(row, item.batchShare)
    },
  )
  syncRows(
    byId('history-foot'),
    [view.total],
    () => 'total',
    () => rowWith('All classes', 3, 7),
    (row, total) => {
      setCells(row, [total.count, total.batchCount, total.speedOnly])
      setShare(row, total.batchShare)
    },
  )
}

function createRow(item: HistoryItem): HTMLTableRowElement {
  const name = make('span', { className: 'class-name' })
  name.append(classDot(item.classKey.colour), item.classKey.label)
  return rowWith(name, 10, 0)
}

function rowWith(head: Node | string, cells: number, blank: number): HTMLTableRowElement {
  const row = make('tr')
  const th = make('th')
  th.scope = 'row'
  th.append(head)
  row.append(th)
  for (let index = 0; index < cells; index++) {
    const cell = make('td', { className: 'number' })
    if (index === 1) {
      const share = make('span', { className: 'share' })
      share.setAttribute('aria-hidden', 'true')
      cell.append(share)
    }
    cell.append(make('span'))
    row.append(cell)
  }
  if (blank > 0) {
    const rest = make('td')
    rest.colSpan = blank
    row.append(rest)
  }
  return row
}

function setCells(row: HTMLTableRowElement, texts: readonly string[]): void {
  for (const [index, text] of texts.entries()) {
    const holder = row.cells[index + 1]?.lastElementChild
    if (holder) setText(holder, text)
  }
}

function setShare(row: HTMLTableRowElement, share: number | null): void {
  const bar = row.querySelector<HTMLElement>('.share')
  bar?.style.setProperty('--share', `${(share ?? 0) * 100}%`)
}
