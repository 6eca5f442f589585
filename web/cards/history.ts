import { byId, setMessage, setText } from '../dom/elements.ts'
import { renderHistory } from '../dom/history-table.ts'
import type { Page } from '../page.ts'
import { historyView } from '../view-models/all-history.ts'

/** All history of every class, and how much of it the batch view has. */
export function renderHistoryCard({ answers, choice }: Page): void {
  if (!answers.joined) return
  const view = historyView(answers.joined, answers.batch, answers.statistics ?? [])
  setMessage('history-message', view ? null : 'Statistics of every class appear here with the first images.')
  byId('history').hidden = view === null
  if (!view) return
  setText(byId('history-note'), view.summary)
  renderHistory(view, choice.focus)
}
