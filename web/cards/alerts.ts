import type { AlertPage } from '../answers.ts'
import { renderAlerts } from '../dom/alerts-table.ts'
import { byId, setMessage, setText } from '../dom/elements.ts'
import {
  alertRows,
  classNames,
  hasAlertsForChoice,
  mayHaveMoreAlerts,
  nextAlertsUrl,
  type Page,
  raiseAlertLimit,
  serverNow,
} from '../page.ts'
import type { Seen } from '../seen.ts'
import { type AlertItem, alertItems } from '../view-models/alerts.ts'
import { classLabel } from '../view-models/classes.ts'
import { type Clock, formatCount, plural } from '../view-models/format.ts'

/** Max number of pages that one click on "Show more" loads to find another alert. */
const MAX_PAGES = 10

/** Draws the alerts card for the current choice. */
export function renderAlertsCard(page: Page, clock: Clock, seen: Seen): void {
  if (!page.answers.alerts) return
  const isForChoice = hasAlertsForChoice(page)
  const items = itemsOf(page, clock, seen)
  byId('alerts').toggleAttribute('data-stale', !isForChoice)
  renderAlerts(items, (key, isSeen) => {
    seen.mark([key], isSeen)
    renderAlertsCard(page, clock, seen)
  })
  setText(byId('alerts-time'), `Time (${clock.zoneName(serverNow(page))})`)
  setText(byId('wrong-note'), isForChoice ? countText(page) : '')
  byId('more-alerts').hidden = !isForChoice || !(mayHaveMoreAlerts(page) || nextAlertsUrl(page))
  byId('see-all').hidden = items.every(item => item.seen)
  setMessage('alerts-message', items.length > 0 ? null : isForChoice ? emptyMessage(page) : 'Loading…')
}

/** Marks all shown alerts as seen. */
export function markAllSeen(page: Page, clock: Clock, seen: Seen): void {
  seen.mark(
    itemsOf(page, clock, seen).map(({ key }) => key),
    true,
  )
  renderAlertsCard(page, clock, seen)
}

/**
 * Loads more alerts: with a longer answer first, then with the next pages of the API.
 *
 * @param pollNow starts a round, which requests the longer answer
 * @throws Error when a page cannot be loaded
 */
export async function showMoreAlerts(
  page: Page,
  pollNow: () => void,
  alertPage: (url: string) => Promise<AlertPage>,
): Promise<void> {
  if (raiseAlertLimit(page)) {
    pollNow()
    return
  }
  const chosen = page.choice
  const before = alertRows(page).length
  const button = byId<HTMLButtonElement>('more-alerts')
  button.disabled = true
  try {
    for (let pages = 0; pages < MAX_PAGES && alertRows(page).length <= before; pages++) {
      const next = nextAlertsUrl(page)
      if (!next) break
      const answer = await alertPage(next)
      if (page.choice !== chosen) break
      page.olderAlerts = { rows: [...(page.olderAlerts?.rows ?? []), ...answer.rows], next: answer.next }
    }
  } finally {
    button.disabled = false
  }
}

function itemsOf(page: Page, clock: Clock, seen: Seen): AlertItem[] {
  return alertItems(alertRows(page), page.choice, seen.keys, clock, serverNow(page))
}

function countText(page: Page): string {
  const { length } = alertRows(page)
  if (length === 0) return ''
  const { focus } = page.choice
  return `${mayHaveMoreAlerts(page) ? `newest ${formatCount(length)}` : plural(length, 'alert')}${focus ? ` of ${classLabel(focus)}` : ''}`
}

function emptyMessage(page: Page): string {
  const { answers, choice } = page
  const { focus } = choice
  if (alertRows(page).length > 0 && choice.hidesSeen) return 'You have marked all alerts as seen.'
  if (focus && answers.joined && !classNames(page).includes(focus)) return `There is no image of the class “${focus}”.`
  if (nextAlertsUrl(page)) return 'None of the newest alerts match the filters. “Show more” looks at older ones.'
  if (choice.rule !== null || choice.minScore !== null) return 'No alert matches the filters.'
  if (focus) return `No recent alerts for ${classLabel(focus)}.`
  if (!answers.health) return 'No alerts.'
  return answers.health.batch.revision
    ? 'No alerts. An image that differs strongly from what is normal for its class appears here within seconds.'
    : 'No alerts yet. Images are compared with what is normal for their class after the first batch view is published.'
}
