import type { IncidentItem } from '../view-models/incidents.ts'
import { byId, make, setText } from './elements.ts'
import { syncRows } from './rows.ts'

/** Updates the rows of incidents. */
export function renderIncidentRows(items: readonly IncidentItem[]): void {
  syncRows(byId('incidents-body'), items, item => item.key, createRow, updateRow)
}

function createRow(item: IncidentItem): HTMLTableRowElement {
  const row = make('tr')
  const state = make('td')
  state.append(make('strong'), make('span', { className: 'rule' }))
  const place = make('th')
  place.scope = 'row'
  place.append(make('strong', { text: item.place }), make('span', { className: 'rule', text: item.className }))
  const change = make('td', { className: 'number' })
  const score = make('td')
  const since = make('td')
  const time = make('time')
  time.dateTime = item.sinceTitle
  time.title = item.sinceTitle
  since.append(time)
  row.append(state, place, change, score, since, make('td'))
  return row
}

/** An incident changes while it is open, and when it ends. */
function updateRow(row: HTMLTableRowElement, item: IncidentItem): void {
  row.dataset.open = String(item.isOpen)
  row.dataset.severity = item.severity
  const [state, , change, score, since, until] = row.cells
  const [stateText, size] = state?.children ?? []
  if (stateText) setText(stateText as HTMLElement, item.state)
  if (size) setText(size as HTMLElement, item.size)
  for (const [cell, text] of [
    [change, item.change],
    [score, item.score],
    [since?.firstElementChild, item.since],
    [until, item.until],
  ] as const) {
    if (cell) setText(cell as HTMLElement, text)
  }
}
