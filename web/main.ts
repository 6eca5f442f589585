import { type AlertPage, type Api, createApi, type Parts, type Round } from './api.ts'
import { createNowChart, type NowChart } from './charts/now-chart.ts'
import { onThemeChange, readTheme } from './charts/theme.ts'
import { createTrendChart, type TrendChart } from './charts/trend-chart.ts'
import { prepareAlerts, renderAlerts } from './dom/alerts-table.ts'
import { renderClassKey } from './dom/class-key.ts'
import { prepareControls, renderControls } from './dom/controls.ts'
import { byId, make, setAttribute, setText } from './dom/elements.ts'
import { prepareExports, renderExports } from './dom/exports.ts'
import { renderHistory } from './dom/history-table.ts'
import { renderLineKey } from './dom/line-key.ts'
import { keepScrollable } from './dom/scrollable.ts'
import { renderSkeletonRows } from './dom/skeleton.ts'
import { renderTrust } from './dom/trust.ts'
import { pictureOf, save } from './picture.ts'
import { type Poll, startPolling } from './poll.ts'
import { openSeen } from './seen.ts'
import { readSettings } from './settings.ts'
import { type Session, type SignInSettings, signIn } from './sign-in.ts'
import { alertItems, ruleNames } from './view-models/alerts.ts'
import { historyView } from './view-models/all-history.ts'
import { type Choice, choiceOf, parametersOf, RANGES, type RangeName } from './view-models/choice.ts'
import { classKeys, classLabel } from './view-models/classes.ts'
import { afterRound, type Banner, bannerOf, CONNECTING, pillOf, refused } from './view-models/connection.ts'
import { createClock, formatCount, formatDuration, plural } from './view-models/format.ts'
import { headline, subline } from './view-models/headline.ts'
import { nowView } from './view-models/now.ts'
import { exportUrls, questionsOf } from './view-models/questions.ts'
import { linesByHeight, type TrendView, trendView } from './view-models/trend.ts'
import { trustView } from './view-models/trust.ts'

const TIMEOUT_MS = 8_000
const RECOVERED_MS = 6_000
const NOTICE_MS = 6_000
const FEW_ALERTS = 50
/** The API gives no more in one answer. */
const MOST_ALERTS = 1_000
/** Pages that are looked through for one more alert before the reader is asked again. */
const MOST_PAGES = 10

const clock = createClock(Intl.DateTimeFormat().resolvedOptions().timeZone)
const fetch = globalThis.fetch.bind(globalThis)
const seen = openSeen(() => localStorage)

// What the page knows, and what was chosen. Views are computed from it anew; nothing else is remembered.
const parts: Partial<Parts> = {}
/** Of which range the series is, and to which question the alerts are the answer. */
let seriesRange: RangeName | null = null
let alertsUrl: string | null = null
/** Alerts from beyond what the API looked through for the first page. */
let further: AlertPage | null = null
let choice = choiceOf(new URLSearchParams(location.search))
let alertLimit = FEW_ALERTS
let connection = CONNECTING
let theme = readTheme()
let trend: TrendView | null = null
// Made with the first data, so that nothing is drawn over the loading shapes.
let nowChart: NowChart | undefined
let trendChart: TrendChart | undefined
// Both begin once the settings are there.
let api: Api | undefined
let poll: Poll | undefined
let nextTryAt: number | null = null
let healthAt = 0
let recoveredUntil = 0
let notice: { banner: Banner; until: number } | undefined

/** The server's now: its own last statement plus the time since. The local clock may be wrong; it is the fallback. */
function serverNow(): number {
  const checkedAt = parts.health?.checked_at
  return checkedAt ? Date.parse(checkedAt) + (performance.now() - healthAt) : Date.now()
}

/** No event was ever seen, as far as the two answers that would show it say. */
const isEmpty = () => parts.windows?.length === 0 && parts.joined?.length === 0
const questions = () => questionsOf(choice, alertLimit, parts.health, serverNow())

function receive(round: Round, asked: ReturnType<typeof questions>): boolean {
  Object.assign(parts, round.changed)
  if (round.changed.health) healthAt = performance.now()
  // What was chosen meanwhile would have ended the round.
  if (round.changed.series || round.unchanged.includes('series')) seriesRange = choice.range
  if (round.changed.alerts || round.unchanged.includes('alerts')) alertsUrl = asked.alerts.url
  connection = afterRound(connection, round, Date.now())
  if (connection.recovered) recoveredUntil = Date.now() + RECOVERED_MS
  void renderAll()
  return connection.phase !== 'lost'
}

function choose(change: Partial<Choice>) {
  const asked = questions().alerts.url
  choice = { ...choice, ...change }
  if (questions().alerts.url !== asked) {
    alertLimit = FEW_ALERTS
    further = null
  }
  const parameters = parametersOf(choice, new URLSearchParams(location.search))
  history.replaceState(null, '', `${location.pathname}${parameters.size > 0 ? `?${parameters}` : ''}${location.hash}`)
  void renderAll()
  poll?.now()
}

const STEPS = [renderChosen, renderNow, renderTrend, renderAlertsPart, renderHistoryPart, renderClockParts]
let renderings = 0

/** Shows what is known, in small pieces: between them the page answers to the reader. */
async function renderAll() {
  const rendering = ++renderings
  for (const render of STEPS) {
    try {
      render()
    } catch (error) {
      // One part that cannot be drawn does not take the others with it.
      reportError(error)
    }
    await new Promise(resolve => setTimeout(resolve))
    // Another one has begun, with more.
    if (rendering !== renderings) return
  }
}

function renderChosen() {
  renderControls(choice, ruleNames(alertRows(), choice.rule))
  renderExports(exportUrls(questions(), choice))
  if (!parts.windows) return
  document.body.dataset.state = isEmpty() ? 'empty' : 'ready'
  byId('empty').hidden = !isEmpty()
}

/** Shows the message in place of the chart; null shows the chart. */
function setMessage(id: string, message: string | null) {
  byId(id).hidden = message === null
  setText(byId(id), message ?? '')
}

const classNames = () => [...(parts.windows ?? []), ...(parts.joined ?? [])].map(row => row.class_name)
const nothing = () => (isEmpty() ? 'No images yet' : 'No images in this time')

function renderNow() {
  const { windows } = parts
  if (!windows) return
  renderClassKey(classKeys([...classNames(), ...(choice.focus ? [choice.focus] : [])]), choice.focus, className => {
    choose({ focus: choice.focus === className ? null : className })
  })
  const current = nowView(windows, parts.batch, clock, serverNow())
  setMessage('now-message', current ? null : nothing())
  if (!current) {
    setText(byId('headline'), isEmpty() ? '' : 'No images lately')
    setText(byId('subline'), '')
    return
  }
  byId('headline').replaceChildren(
    ...headline(current).map(({ text, strong }) => make(strong ? 'strong' : 'span', { text })),
  )
  const isFiltered = (choice.focus ?? choice.rule ?? choice.minScore) !== null
  const known = alertsUrl === questions().alerts.url ? alertRows() : undefined
  setText(byId('subline'), subline(current, known, alertLimit, isFiltered))
  byId('now-box').style.setProperty('--bars', String(current.bars.length))
  const late = current.late > 0 ? `, ${formatCount(current.late)} late` : ''
  setText(byId('now-note'), `${current.range}${current.filling ? ', still filling' : ''}${late}`)
  setAttribute(byId('now-chart'), 'aria-label', `Mean NDVI per class, ${current.range}`)
  setText(byId('now-text'), current.description)
  nowChart ??= createNowChart(byId<HTMLCanvasElement>('now-chart'))
  nowChart.update(current, theme, choice.focus)
}

function renderTrend() {
  const { windows, series } = parts
  if (!windows || !series) return
  const now = serverNow()
  // Until the chosen range is there, what was there before is shown, as such.
  byId('trend-box').toggleAttribute('data-stale', seriesRange !== choice.range)
  trend = trendView(series, RANGES[seriesRange ?? choice.range], parts.batch ?? [], choice.scale, clock, now)
  const noNormal = parts.batch
    ? 'There is no normal to compare with until the first batch view is published.'
    : 'What is normal is not known right now.'
  setMessage('trend-message', trend ? (trend.lines.length > 0 ? null : noNormal) : nothing())
  setText(
    byId('trend-note'),
    trend ? `${trend.summary}${choice.scale === 'difference' ? ', mean minus the class’s normal' : ''}` : '',
  )
  if (!trend) return
  setAttribute(byId('trend-chart'), 'aria-label', `NDVI per class over ${trend.summary}`)
  setText(byId('trend-text'), trend.description)
  trendChart ??= createTrendChart(byId<HTMLCanvasElement>('trend-chart'))
  trendChart.update(trend, theme, choice.focus, clock, now)
  renderLineKey(trend)
}

const alertRows = () => [...(parts.alerts?.rows ?? []), ...(further?.rows ?? [])]
const shownAlerts = () => alertItems(alertRows(), choice, seen.keys, clock, serverNow())
const isFullPage = () => (parts.alerts?.rows.length ?? 0) >= alertLimit
/** Where the API goes on, once it has given all that it found so far. */
const nextPage = () => (further ? further.next : (parts.alerts?.next ?? null))

function renderAlertsPart() {
  if (!parts.alerts) return
  const isOfChoice = alertsUrl === questions().alerts.url
  const items = shownAlerts()
  byId('alerts').toggleAttribute('data-stale', !isOfChoice)
  renderAlerts(items, (key, isSeen) => markSeen([key], isSeen))
  setText(byId('alerts-time'), `Time (${clock.zoneName(serverNow())})`)
  const label = choice.focus && classLabel(choice.focus)
  const found = alertRows().length
  const count = isFullPage() ? `newest ${formatCount(found)}` : plural(found, 'alert')
  setText(byId('wrong-note'), !isOfChoice || found === 0 ? '' : `${count}${label ? ` of ${label}` : ''}`)
  byId('more-alerts').hidden = !isOfChoice || !((isFullPage() && alertLimit < MOST_ALERTS) || nextPage())
  byId('see-all').hidden = items.every(item => item.seen)
  const message = byId('alerts-message')
  message.hidden = items.length > 0
  setText(message, isOfChoice ? noAlerts(label) : 'Asking…')
}

function noAlerts(label: string | null): string {
  if (alertRows().length > 0 && choice.hidesSeen) return 'You have seen all of them.'
  if (choice.focus && parts.joined && !classNames().includes(choice.focus))
    return `No image is of a class “${choice.focus}”.`
  if (nextPage()) return 'No alert of that kind among the newest; “Show more” looks further back.'
  if (choice.rule !== null || choice.minScore !== null) return 'No alert is of that kind.'
  if (label) return `Nothing unusual about ${label} lately.`
  if (!parts.health) return 'No alerts.'
  return parts.health.batch.revision
    ? 'Nothing unusual. An image that is far from its class’s normal appears here within seconds.'
    : 'Nothing unusual yet. Images are compared with their class’s normal once a first batch view is published.'
}

function markSeen(keys: Iterable<string>, isSeen: boolean) {
  seen.mark(keys, isSeen)
  renderAlertsPart()
}

async function showMoreAlerts() {
  if (isFullPage() && alertLimit < MOST_ALERTS) {
    alertLimit = Math.min(2 * alertLimit, MOST_ALERTS)
    poll?.now()
    return
  }
  const before = alertRows().length
  const [chosen, button] = [choice, byId<HTMLButtonElement>('more-alerts')]
  button.disabled = true
  try {
    for (let page = 0; page < MOST_PAGES; page++) {
      const next = nextPage()
      if (!next || alertRows().length > before) break
      const answer = await api?.alertPage(next)
      if (!answer || choice !== chosen) break
      further = { rows: [...(further?.rows ?? []), ...answer.rows], next: answer.next }
    }
  } catch (error) {
    say('No more could be had', error)
  } finally {
    button.disabled = false
    renderAlertsPart()
  }
}

/** Tells, for a while, what could not be done. */
function say(title: string, error: unknown) {
  const detail = error instanceof Error ? `${error.message}.` : ''
  notice = { banner: { tone: 'bad', title, detail, retry: false }, until: Date.now() + NOTICE_MS }
  renderClockParts()
}

function renderHistoryPart() {
  if (!parts.joined) return
  const view = historyView(parts.joined, parts.batch, parts.statistics ?? [])
  const message = byId('history-message')
  message.hidden = view !== null
  byId('history').hidden = view === null
  setText(message, 'Statistics of every class appear here with the first images.')
  if (view) {
    setText(byId('history-note'), view.summary)
    renderHistory(view, choice.focus)
  }
}

/** What changes with time alone: ages and the countdown. */
function renderClockParts() {
  const now = serverNow()
  if (parts.health) renderTrust(trustView(parts.health, clock, now))

  const pill = pillOf(connection, parts.health?.status === 'degraded', isEmpty())
  byId('pill').dataset.tone = pill.tone
  document.body.dataset.phase = connection.phase
  setText(byId('pill'), pill.text)
  const lag = parts.health?.speed.lag_ms ?? null
  setText(
    byId('checked'),
    connection.phase === 'live' && lag !== null ? (lag === 0 ? 'up to date' : `${formatDuration(lag)} behind`) : '',
  )

  const local = Date.now()
  const recovered = connection.phase === 'live' && local < recoveredUntil
  const retryInMs = nextTryAt === null ? null : nextTryAt - local
  const told = notice && local < notice.until ? notice.banner : null
  const banner = told ?? bannerOf({ ...connection, recovered }, retryInMs, local)
  byId('banner').hidden = banner === null
  if (banner) {
    byId('banner').dataset.tone = banner.tone
    setText(byId('banner-title'), `${banner.title}.`)
    setText(byId('banner-detail'), banner.detail)
    byId('retry').hidden = !banner.retry
  }
  // The countdown changes every second; only the change of state itself is spoken.
  setText(byId('announcer'), recovered ? 'Connected again' : pill.text)
}

async function savePicture(part: string) {
  const isTrend = part === 'trend'
  const named = isTrend && trend && !trendChart?.namesLines() ? linesByHeight(trend.lines) : []
  const zone = isTrend && trend?.isDaily ? 'UTC' : clock.zone
  const shown = isTrend
    ? { title: `NDVI per class${choice.scale === 'difference' ? ', minus its normal' : ''}`, time: trend?.period }
    : { title: 'Mean NDVI per class, ± 1 sd; tick: normal', time: byId('now-note').textContent }
  const blob = await pictureOf(byId<HTMLCanvasElement>(isTrend ? 'trend-chart' : 'now-chart'), {
    title: shown.title,
    note: `${shown.time}, ${zone}`,
    legend: named.map(({ label, colour }) => ({ label, colour: theme.classes[colour] ?? theme.ink })),
    theme,
  })
  save(blob, `landcover-${part}.png`)
}

/** Where readers sign in, the browser by itself would ask as nobody. */
async function saveTable(url: string, name: string, { authorization }: Session) {
  const response = await fetch(url, { headers: { authorization: await authorization() } })
  if (!response.ok) throw new Error(`HTTP ${response.status}`)
  save(await response.blob(), name)
}

renderSkeletonRows('alerts-body', 8, 7)
renderSkeletonRows('history-body', 10, 12)
prepareAlerts()
prepareControls(choose)
renderControls(choice, ruleNames([], choice.rule))
for (const box of document.querySelectorAll<HTMLElement>('[data-scrolls]')) keepScrollable(box)
setText(byId('zone'), `Times are local: ${clock.zone}.`)
byId('see-all').addEventListener('click', () => {
  markSeen(
    shownAlerts().map(({ key }) => key),
    true,
  )
})
byId('more-alerts').addEventListener('click', () => void showMoreAlerts())
byId('retry').addEventListener('click', () => {
  if (connection.phase === 'refused') location.reload()
  else poll?.now()
})
addEventListener('online', () => poll?.now())
addEventListener('storage', () => {
  seen.refresh()
  renderAlertsPart()
})
onThemeChange(() => {
  theme = readTheme()
  void renderAll()
})
setInterval(() => {
  if (!document.hidden) renderClockParts()
}, 1000)

const settings = await readSettings(fetch, TIMEOUT_MS)
const session = settings.signIn ? await openSession(settings.signIn) : undefined

/** Answers when the reader has signed in. */
async function openSession(to: SignInSettings): Promise<Session> {
  try {
    const signedIn = await signIn(to, {
      url: () => new URL(location.href),
      go: url => location.assign(url),
      show: url => history.replaceState(null, '', url),
      storage: sessionStorage,
      fetch,
      now: Date.now,
    })
    // The page is being left.
    if (!signedIn) return await new Promise(() => {})
    // The address is again that of before.
    choice = choiceOf(new URLSearchParams(location.search))
    byId('sign-out').hidden = false
    byId('sign-out').addEventListener('click', signedIn.signOut)
    return signedIn
  } catch (error) {
    connection = refused(error instanceof Error ? error.message : '')
    renderClockParts()
    return new Promise(() => {})
  }
}

prepareExports(
  part => savePicture(part).catch(error => say('The picture could not be saved', error)),
  session && ((url, name) => saveTable(url, name, session).catch(error => say('The table could not be saved', error))),
)
api = createApi({
  fetch,
  timeoutMs: TIMEOUT_MS,
  authorization: session?.authorization,
  now: () => performance.now(),
})
poll = startPolling({
  intervalMs: settings.pollSeconds * 1_000,
  page: document,
  random: Math.random,
  round: async signal => {
    const asked = questions()
    const round = await api?.round(asked, signal)
    return !round || signal.aborted || receive(round, asked)
  },
  onSchedule: delayMs => {
    nextTryAt = delayMs === null ? null : Date.now() + delayMs
    if (connection.phase === 'lost') renderClockParts()
  },
})
