import type { Distribution, HistoryItem, HistoryView } from '../view-models/all-history.ts'
import { byId, classDot, make, setText } from './elements.ts'
import { syncRows } from './rows.ts'

const SVG = 'http://www.w3.org/2000/svg'
/** Number of number columns before the distribution. */
const BEFORE_DISTRIBUTION = 7

/** Updates the history table. */
export function renderHistory(view: HistoryView, focus: string | null): void {
  setText(byId('scale-min'), view.scale?.min ?? '')
  setText(byId('scale-max'), view.scale?.max ?? '')
  syncRows(
    byId('history-body'),
    view.items,
    item => item.classKey.className,
    createRow,
    (row, item) => {
      row.toggleAttribute('data-dim', focus !== null && focus !== item.classKey.className)
      setCells(row, [item.count, item.batchCount, item.speedOnly, item.mean, item.sd, item.min, item.max])
      setCells(row, [item.red, item.nir, item.brightness], BEFORE_DISTRIBUTION + 1)
      setDistribution(row, item.distribution)
      setShare(row, item.batchShare)
    },
  )
  syncRows(
    byId('history-foot'),
    [view.total],
    () => 'total',
    () => rowWith('All classes', 3, 8),
    (row, total) => {
      setCells(row, [total.count, total.batchCount, total.speedOnly])
      setShare(row, total.batchShare)
    },
  )
}

function createRow(item: HistoryItem): HTMLTableRowElement {
  const name = make('span', { className: 'class-name' })
  name.append(classDot(item.classKey.colour), item.classKey.label)
  const row = rowWith(name, 10, 0)
  const cell = make('td', { className: 'distribution' })
  cell.append(boxPlot(item.classKey.colour))
  row.cells[BEFORE_DISTRIBUTION]?.after(cell)
  return row
}

/** Box plot: a line from the 5% to the 95% quantile, a box from 25% to 75%, and a tick at the median. */
function boxPlot(colour: number): SVGElement {
  const plot = document.createElementNS(SVG, 'svg')
  plot.setAttribute('role', 'img')
  plot.style.setProperty('--dot', `var(--class-${colour})`)
  for (const shapeName of ['reach', 'half', 'median']) {
    const shape = document.createElementNS(SVG, 'rect')
    shape.classList.add(shapeName)
    plot.append(shape)
  }
  return plot
}

function setDistribution(row: HTMLTableRowElement, distribution: Distribution | null): void {
  const plot = row.querySelector('svg')
  if (!plot) return
  plot.toggleAttribute('hidden', distribution === null)
  if (!distribution || plot.getAttribute('aria-label') === distribution.description) return
  plot.setAttribute('aria-label', distribution.description)
  const { p05, p25, p50, p75, p95 } = distribution
  const spans = [
    [p05, p95],
    [p25, p75],
    [p50, p50],
  ] as const
  for (const [index, [from, to]] of spans.entries()) {
    plot.children[index]?.setAttribute('x', `${from * 100}%`)
    plot.children[index]?.setAttribute('width', index === 2 ? '2' : `${(to - from) * 100}%`)
  }
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

function setCells(row: HTMLTableRowElement, texts: readonly string[], from = 0): void {
  for (const [index, text] of texts.entries()) {
    const holder = row.cells[from + index + 1]?.lastElementChild
    if (holder) setText(holder, text)
  }
}

function setShare(row: HTMLTableRowElement, share: number | null): void {
  const bar = row.querySelector<HTMLElement>('.share')
  bar?.style.setProperty('--share', `${(share ?? 0) * 100}%`)
}
