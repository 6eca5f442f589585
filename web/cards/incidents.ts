import { byId, setText } from '../dom/elements.ts'
import { renderIncidentRows } from '../dom/incidents-table.ts'
import { type Page, serverNow } from '../page.ts'
import type { Clock } from '../view-models/format.ts'
import { incidentsView } from '../view-models/incidents.ts'

/** Draws the card of incidents. It is hidden while there is none. */
export function renderIncidents(page: Page, clock: Clock, onDecide: (id: string, title: string) => void): void {
  const view = incidentsView(page.answers.incidents, clock, serverNow(page), !!page.answers.health?.decisions)
  byId('incidents').hidden = view === null
  if (!view) return
  setText(byId('incidents-note'), view.note)
  renderIncidentRows(view.items, onDecide)
}
