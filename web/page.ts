import type { Alert, AlertPage, AnswerName, Answers } from './answers.ts'
import type { Questions, Round } from './api.ts'
import type { Choice, RangeName } from './view-models/choice.ts'
import { afterRound, type Banner, CONNECTING, type Connection } from './view-models/connection.ts'
import { MOST_ALERTS, questionsOf } from './view-models/questions.ts'

const FEW_ALERTS = 50
const RECOVERED_MS = 6_000

/** What the page knows, and what was chosen. All that is shown is computed from it anew. */
export type Page = {
  answers: Partial<Answers>
  choice: Choice
  connection: Connection
  /** Of which range the series is; null before the first. */
  seriesRange: RangeName | null
  /** To which question the alerts are the answer. */
  alertsUrl: string | null
  alertLimit: number
  /** Alerts from beyond what the API looked through for the first page. */
  further: AlertPage | null
  /** When health was told, by `times.elapsed`. */
  healthAt: number
  /** Until when it is said that the connection is back, local time. */
  recoveredUntil: number
  /** Failure of something that the reader asked for; the banner shows it until that local time. */
  notice: { banner: Banner; until: number } | null
  times: Times
}

export type Times = {
  /** The local clock, which may be wrong or be set. */
  local(): number
  /** One that only goes forward. */
  elapsed(): number
}

export function newPage(choice: Choice, times: Times): Page {
  return {
    answers: {},
    choice,
    connection: CONNECTING,
    seriesRange: null,
    alertsUrl: null,
    alertLimit: FEW_ALERTS,
    further: null,
    healthAt: 0,
    recoveredUntil: 0,
    notice: null,
    times,
  }
}

/** The server's now: its own last statement plus the time since. Before it has said any, the local clock's. */
export function serverNow({ answers, healthAt, times }: Page): number {
  const { health } = answers
  return health ? health.checkedMs + (times.elapsed() - healthAt) : times.local()
}

export function questionsNow(page: Page): Questions {
  return questionsOf(page.choice, page.alertLimit, page.answers.health, serverNow(page))
}

/** Takes what a round has brought. What was chosen meanwhile would have ended it. */
export function receive(page: Page, asked: Questions, round: Round): void {
  const { answers, times } = page
  const isHeard = (name: AnswerName) => name in round.changed || round.unchanged.includes(name)
  Object.assign(answers, round.changed)
  if (round.changed.health) page.healthAt = times.elapsed()
  if (isHeard('series')) page.seriesRange = page.choice.range
  if (isHeard('alerts')) page.alertsUrl = asked.alerts.url
  page.connection = afterRound(page.connection, round, times.local())
  if (page.connection.recovered) page.recoveredUntil = times.local() + RECOVERED_MS
}

export function choose(page: Page, change: Partial<Choice>): void {
  const asked = questionsNow(page).alerts.url
  page.choice = { ...page.choice, ...change }
  if (questionsNow(page).alerts.url === asked) return
  page.alertLimit = FEW_ALERTS
  page.further = null
}

/** No event was ever seen, as far as the two answers that would show it say. */
export function isEmpty({ answers }: Page): boolean {
  return answers.windows?.length === 0 && answers.joined?.length === 0
}

/** Of which there are images. */
export function classNames({ answers }: Page): string[] {
  return [...(answers.windows ?? []), ...(answers.joined ?? [])].map(row => row.class_name)
}

/** The alerts that are known: of what is chosen, unless that was asked for just now. */
export function alertRows({ answers, further }: Page): Alert[] {
  return [...(answers.alerts?.rows ?? []), ...(further?.rows ?? [])]
}

export function hasAlertsOfChoice(page: Page): boolean {
  return page.alertsUrl === questionsNow(page).alerts.url
}

/** There are as many alerts as were asked for: maybe more. */
export function isFullOfAlerts({ answers, alertLimit }: Page): boolean {
  return (answers.alerts?.rows.length ?? 0) >= alertLimit
}

/** Asks for more alerts in the next round; false where one answer holds no more. */
export function raiseAlertLimit(page: Page): boolean {
  if (!isFullOfAlerts(page) || page.alertLimit >= MOST_ALERTS) return false
  page.alertLimit = Math.min(2 * page.alertLimit, MOST_ALERTS)
  return true
}

/** Where the API goes on, once it has given all that it found so far. */
export function nextAlerts({ answers, further }: Page): string | null {
  return further ? further.next : (answers.alerts?.next ?? null)
}
