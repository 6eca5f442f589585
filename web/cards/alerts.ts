import type { AlertPage } from '../answers.ts'
import { renderAlerts } from '../dom/alerts-table.ts'
import { byId, setMessage, setText } from '../dom/elements.ts'
import {
  alertRows,
  classNames,
  hasAlertsOfChoice,
  isFullOfAlerts,
  nextAlerts,
  type Page,
  raiseAlertLimit,
  serverNow,
} from '../page.ts'
import type { Seen } from '../seen.ts'
import { type AlertItem, alertItems } from '../view-models/alerts.ts'
import { classLabel } from '../view-models/classes.ts'
import { type Clock, formatCount, plural } from '../view-models/format.ts'

/** Pages that are looked through for one more alert before the reader is asked again. */
const MOST_PAGES = 10

/** What is off, as it was chosen. */
export function renderAlertsCard(page: Page, clock: Clock, seen: Seen): void {
  if (!page.answers.alerts) return
  const isOfChoice = hasAlertsOfChoice(page)
  const items = itemsOf(page, clock, seen)
  byId('alerts').toggleAttribute('data-stale', !isOfChoice)
  renderAlerts(items, (key, isSeen) => {
    seen.mark([key], isSeen)
    renderAlertsCard(page, clock, seen)
  })
  setText(byId('alerts-time'), `Time (${clock.zoneName(serverNow(page))})`)
  setText(byId('wrong-note'), isOfChoice ? countOf(page) : '')
  byId('more-alerts').hidden = !isOfChoice || !(isFullOfAlerts(page) || nextAlerts(page))
  byId('see-all').hidden = items.every(item => item.seen)
  setMessage('alerts-message', items.length > 0 ? null : isOfChoice ? whyNone(page) : 'Asking…')
}

export function markAllSeen(page: Page, clock: Clock, seen: Seen): void {
  seen.mark(
    itemsOf(page, clock, seen).map(({ key }) => key),
    true,
  )
  renderAlertsCard(page, clock, seen)
}

/**
 * Shows more alerts: of a longer answer, or from where the API has not looked yet.
 *
 * @throws Error when they cannot be had
 */
export async function showMoreAlerts(
  page: Page,
  askAgain: () => void,
  alertPage: (url: string) => Promise<AlertPage>,
): Promise<void> {
  if (raiseAlertLimit(page)) {
    askAgain()
    return
  }
  const chosen = page.choice
  const before = alertRows(page).length
  const button = byId<HTMLButtonElement>('more-alerts')
  button.disabled = true
  try {
    for (let pages = 0; pages < MOST_PAGES && alertRows(page).length <= before; pages++) {
      const next = nextAlerts(page)
      if (!next) break
      const answer = await alertPage(next)
      if (page.choice !== chosen) break
      page.further = { rows: [...(page.further?.rows ?? []), ...answer.rows], next: answer.next }
    }
  } finally {
    button.disabled = false
  }
}

function itemsOf(page: Page, clock: Clock, seen: Seen): AlertItem[] {
  return alertItems(alertRows(page), page.choice, seen.keys, clock, serverNow(page))
}

function countOf(page: Page): string {
  const { length } = alertRows(page)
  if (length === 0) return ''
  const { focus } = page.choice
  return `${isFullOfAlerts(page) ? `newest ${formatCount(length)}` : plural(length, 'alert')}${focus ? ` of ${classLabel(focus)}` : ''}`
}

function whyNone(page: Page): string {
  const { answers, choice } = page
  const { focus } = choice
  if (alertRows(page).length > 0 && choice.hidesSeen) return 'You have seen all of them.'
  if (focus && answers.joined && !classNames(page).includes(focus)) return `No image is of a class “${focus}”.`
  if (nextAlerts(page)) return 'No alert of that kind among the newest; “Show more” looks further back.'
  if (choice.rule !== null || choice.minScore !== null) return 'No alert is of that kind.'
  if (focus) return `Nothing unusual about ${classLabel(focus)} lately.`
  if (!answers.health) return 'No alerts.'
  return answers.health.batch.revision
    ? 'Nothing unusual. An image that is far from its class’s normal appears here within seconds.'
    : 'Nothing unusual yet. Images are compared with their class’s normal once a first batch view is published.'
}
