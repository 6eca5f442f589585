import type { IncidentItem } from '../view-models/incidents.ts'
import { byId, make, setText } from './elements.ts'
import { syncRows } from './rows.ts'

/** Updates the rows of incidents. The button of a row calls `onDecide`. */
export function renderIncidentRows(
  items: readonly IncidentItem[],
  onDecide: (id: string, title: string) => void,
  bodyId = 'incidents-body',
): void {
  syncRows(
    byId(bodyId),
    items,
    item => item.key,
    item => createRow(item, onDecide),
    updateRow,
  )
}

function createRow(item: IncidentItem, onDecide: (id: string, title: string) => void): HTMLTableRowElement {
  const row = make('tr')
  const state = make('td')
  state.append(make('strong'), make('span', { className: 'rule' }))
  const place = make('th')
  place.scope = 'row'
  place.append(placeOf(item), make('span', { className: 'rule', text: item.className }))
  const change = make('td', { className: 'number' })
  const score = make('td')
  const since = make('td')
  const time = make('time')
  time.dateTime = item.sinceTitle
  time.title = item.sinceTitle
  since.append(time)
  const handled = make('td')
  const button = make('button', { className: 'quiet', text: 'Decide…' })
  button.type = 'button'
  button.setAttribute('aria-label', `Decide about ${item.place}, ${item.className}`)
  button.addEventListener('click', () => onDecide(item.key, `${item.place}, ${item.className}`))
  handled.append(make('span', { className: 'rule' }), button)
  row.append(state, place, change, score, since, make('td'), handled)
  return row
}

/** Place of an incident: a link to the page of a site. */
function placeOf({ place, siteHref }: IncidentItem): HTMLElement {
  const name = make('strong')
  if (siteHref === null) name.textContent = place
  else {
    const link = make('a', { text: place })
    link.href = siteHref
    name.append(link)
  }
  return name
}

/** An incident changes while it is open, and when it ends. */
function updateRow(row: HTMLTableRowElement, item: IncidentItem): void {
  row.dataset.open = String(item.isOpen)
  row.dataset.severity = item.severity
  const [state, , change, score, since, until, handled] = row.cells
  const [stateText, size] = state?.children ?? []
  if (stateText) setText(stateText as HTMLElement, item.state)
  if (size) setText(size as HTMLElement, item.size)
  for (const [cell, text] of [
    [change, item.change],
    [score, item.score],
    [since?.firstElementChild, item.since],
    [until, item.until],
    [handled?.firstElementChild, item.handled],
  ] as const) {
    if (cell) setText(cell as HTMLElement, text)
  }
  const button = handled?.querySelector('button')
  if (button) button.hidden = !item.canDecide
}
