import type { Alert, AlertPage, AnswerName, Answers } from './answers.ts'
import type { Queries, Round } from './api.ts'
import type { Choice, RangeName } from './view-models/choice.ts'
import { afterRound, type Banner, CONNECTING, type Connection } from './view-models/connection.ts'
import { MAX_ALERTS, queriesOf } from './view-models/questions.ts'

const FIRST_ALERTS = 50
const RECOVERED_MS = 6_000

/** State of the page: the answers of the API and the reader's choice. Everything on the page is computed from it. */
export type Page = {
  answers: Partial<Answers>
  choice: Choice
  connection: Connection
  /** Range of `answers.series`; null before the first answer. */
  seriesRange: RangeName | null
  /** URL that `answers.alerts` came from. */
  alertsUrl: string | null
  alertLimit: number
  /** Alerts older than those in `answers.alerts`, loaded with "Show more". */
  olderAlerts: AlertPage | null
  /** Time when `answers.health` was received, by `times.elapsed`. */
  healthReceivedAt: number
  /** End of the notice that the connection is back, local time. */
  recoveredUntil: number
  /** Failure of an action of the reader. The banner shows it until that local time. */
  notice: { banner: Banner; until: number } | null
  times: Times
}

/** Clocks of the browser, ms. */
export type Times = {
  /** The local clock. It may be wrong, and the user may change it. */
  local(): number
  /** A monotonic clock. */
  elapsed(): number
}

/** Creates the page's state before the first answer. */
export function newPage(choice: Choice, times: Times): Page {
  return {
    answers: {},
    choice,
    connection: CONNECTING,
    seriesRange: null,
    alertsUrl: null,
    alertLimit: FIRST_ALERTS,
    olderAlerts: null,
    healthReceivedAt: 0,
    recoveredUntil: 0,
    notice: null,
    times,
  }
}

/**
 * The server's current time, ms: `checkedMs` of the last health plus the time since. Before the first, the local clock.
 */
export function serverNow({ answers, healthReceivedAt, times }: Page): number {
  const { health } = answers
  return health ? health.checkedMs + (times.elapsed() - healthReceivedAt) : times.local()
}

/** Queries of the next round. */
export function currentQueries(page: Page): Queries {
  return queriesOf(page.choice, page.alertLimit, page.answers.health, serverNow(page))
}

/**
 * Puts the result of a round into the page. The choice is still the one of the requests: a new choice aborts the round.
 *
 * @param sent the queries of the round
 */
export function receive(page: Page, sent: Queries, round: Round): void {
  const { answers, times } = page
  const isAnswered = (name: AnswerName) => name in round.changed || round.unchanged.includes(name)
  Object.assign(answers, round.changed)
  if (round.changed.health) page.healthReceivedAt = times.elapsed()
  if (isAnswered('series')) page.seriesRange = page.choice.range
  if (isAnswered('alerts')) page.alertsUrl = sent.alerts.url
  page.connection = afterRound(page.connection, round, times.local())
  if (page.connection.recovered) page.recoveredUntil = times.local() + RECOVERED_MS
}

/** Changes the choice. When other alerts are chosen, the number of alerts starts again at the first page. */
export function choose(page: Page, change: Partial<Choice>): void {
  const before = currentQueries(page).alerts.url
  page.choice = { ...page.choice, ...change }
  if (currentQueries(page).alerts.url === before) return
  page.alertLimit = FIRST_ALERTS
  page.olderAlerts = null
}

/** True when the system has no image yet: windows and statistics are both known and both empty. */
export function isEmpty({ answers }: Page): boolean {
  return answers.windows?.length === 0 && answers.joined?.length === 0
}

/** Classes that have images. May contain duplicates. */
export function classNames({ answers }: Page): string[] {
  return [...(answers.windows ?? []), ...(answers.joined ?? [])].map(row => row.class_name)
}

/** All loaded alerts. They belong to the previous choice until `hasAlertsForChoice`. */
export function alertRows({ answers, olderAlerts }: Page): Alert[] {
  return [...(answers.alerts?.rows ?? []), ...(olderAlerts?.rows ?? [])]
}

/** True when the loaded alerts belong to the current choice. */
export function hasAlertsForChoice(page: Page): boolean {
  return page.alertsUrl === currentQueries(page).alerts.url
}

/** True when the answer has as many alerts as were requested, so there may be more. */
export function mayHaveMoreAlerts({ answers, alertLimit }: Page): boolean {
  return (answers.alerts?.rows.length ?? 0) >= alertLimit
}

/** Requests more alerts in the next round. Returns false when one answer cannot hold more. */
export function raiseAlertLimit(page: Page): boolean {
  if (!mayHaveMoreAlerts(page) || page.alertLimit >= MAX_ALERTS) return false
  page.alertLimit = Math.min(2 * page.alertLimit, MAX_ALERTS)
  return true
}

/** URL of the next page of alerts; null when there is none. */
export function nextAlertsUrl({ answers, olderAlerts }: Page): string | null {
  return olderAlerts ? olderAlerts.next : (answers.alerts?.next ?? null)
}
