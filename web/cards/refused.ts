import { byId, setText } from '../dom/elements.ts'
import { renderRefusedRows } from '../dom/refused-table.ts'
import { type Page, serverNow } from '../page.ts'
import type { Clock } from '../view-models/format.ts'
import { refusedView } from '../view-models/refused.ts'

/** Draws the card of refused records. It is hidden while there is none. */
export function renderRefused(page: Page, clock: Clock): void {
  const { refused, health } = page.answers
  const view = refusedView(refused, health?.quarantine.count, clock, serverNow(page))
  byId('refused').hidden = view === null
  if (!view) return
  setText(byId('refused-note'), view.note)
  renderRefusedRows(view.items)
}
