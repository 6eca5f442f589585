import type { TrustView } from '../view-models/trust.ts'
import { byId, make, setAttribute, setText } from './elements.ts'
import { syncRows } from './rows.ts'

/** Updates the numbers about freshness and completeness, the reasons and the table of lanes. */
export function renderTrust(view: TrustView): void {
  byId('facts').removeAttribute('data-loading')
  for (const card of view.cards) {
    const box = document.querySelector<HTMLElement>(`[data-fact="${card.id}"]`)
    const [value, detail] = box?.querySelectorAll('dd') ?? []
    if (!box || !value || !detail) continue
    box.dataset.tone = card.tone
    setText(value, card.value)
    setText(detail, card.detail)
    setAttribute(value, 'title', card.title || null)
  }
  const reasons = byId('reasons')
  reasons.hidden = view.reasons.length === 0
  syncRows(
    reasons,
    view.reasons,
    reason => reason,
    reason => make('li', { text: reason }),
    () => {},
  )
  setText(byId('lanes-count'), `(${view.lanesSummary})`)
  syncRows(
    byId('lanes-body'),
    view.lanes,
    lane => lane.lane,
    lane => {
      const row = make('tr')
      const name = make('th')
      name.scope = 'row'
      name.append(make('code', { text: lane.lane }))
      row.append(name, ...Array.from({ length: 3 }, () => make('td', { className: 'number' })))
      return row
    },
    (row, lane) => {
      for (const [index, text] of [lane.lastArrival, lane.lastEvent, lane.lag].entries()) {
        const cell = row.cells[index + 1]
        if (cell) setText(cell, text)
      }
    },
  )
}
