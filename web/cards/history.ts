import { byId, setMessage, setText } from '../dom/elements.ts'
import { renderHistory } from '../dom/history-table.ts'
import type { Page } from '../page.ts'
import { historyView } from '../view-models/all-history.ts'

/** Draws the statistics of every class over all history, and how much of them the batch view has counted. */
export function renderHistoryCard({ answers, choice }: Page): void {
  if (!answers.joined) return
  const view = historyView(answers.joined, answers.batch, answers.statistics ?? [])
  setMessage('history-message', view ? null : 'The statistics of each class appear here with the first images.')
  byId('history').hidden = view === null
  if (!view) return
  setText(byId('history-note'), view.summary)
  renderHistory(view, choice.focus)
}
