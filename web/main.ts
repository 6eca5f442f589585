import { type Api, createApi, type Parts, type Round } from './api.ts'
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
import { classKeys } from './view-models/classes.ts'
import { afterRound, bannerOf, CONNECTING, pillOf } from './view-models/connection.ts'
import { createClock, formatCount, formatDuration, plural } from './view-models/format.ts'
import { headline, subline } from './view-models/headline.ts'
import { nowView } from './view-models/now.ts'
import { exportUrls, questionsOf } from './view-models/questions.ts'
import { linesByHeight, type TrendView, trendView } from './view-models/trend.ts'
import { trustView } from './view-models/trust.ts'

const TIMEOUT_MS = 8_000
const RECOVERED_MS = 6_000
const FEW_ALERTS = 50
/** The API gives no more in one answer. */
const MOST_ALERTS = 1_000

const clock = createClock(Intl.DateTimeFormat().resolvedOptions().timeZone)
const fetch = globalThis.fetch.bind(globalThis)
const seen = openSeen(() => localStorage)

// What the page knows, and what was chosen. Views are computed from it anew; nothing else is remembered.
const parts: Partial<Parts> = {}
/** Of which range the series is. */
let seriesRange: RangeName | null = null
let choice = choiceOf(new URLSearchParams(location.search))
let hidesSeen = false
let alertLimit = FEW_ALERTS
let connection = CONNECTING
let theme = readTheme()
let trend: TrendView | null = null
// Made with the first data, so that nothing is drawn over the loading shapes.
let nowChart: NowChart | undefined
let trendChart: TrendChart | undefined
// Begins once the settings are there.
let poll: Poll | undefined
let nextTryAt: number | null = null
let healthAt = 0
let recoveredUntil = 0

/** The server's now: its own last statement plus the time since. The local clock may be wrong; it is the fallback. */
function serverNow(): number {
  const checkedAt = parts.health?.checked_at
  return checkedAt ? Date.parse(checkedAt) + (performance.now() - healthAt) : Date.now()
}

/** No event was ever seen, as far as the two answers that would show it say. */
const isEmpty = () => parts.windows?.length === 0 && parts.joined?.length === 0
const questions = () => questionsOf(choice, alertLimit, parts.health, serverNow())

function receive(round: Round): boolean {
  Object.assign(parts, round.changed)
  if (round.changed.health) healthAt = performance.now()
  if (round.changed.series || round.unchanged.includes('series')) seriesRange = choice.range
  connection = afterRound(connection, round, Date.now())
  if (connection.recovered) recoveredUntil = Date.now() + RECOVERED_MS
  void renderAll()
  return connection.phase !== 'lost'
}

function choose(change: Partial<Choice>) {
  choice = { ...choice, ...change }
  alertLimit = FEW_ALERTS
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
    render()
    await new Promise(resolve => setTimeout(resolve))
    // Another one has begun, with more.
    if (rendering !== renderings) return
  }
}

function renderChosen() {
  renderControls(choice, ruleNames(parts.alerts ?? [], choice.rule))
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

const nothing = () => (isEmpty() ? 'No images yet' : 'No images in this time')

function renderNow() {
  const { windows } = parts
  if (!windows) return
  const named = [...windows, ...(parts.joined ?? [])].map(row => row.class_name)
  renderClassKey(classKeys(named), choice.focus, className => {
    choose({ focus: choice.focus === className ? null : className })
  })
  const current = nowView(windows, parts.batch ?? [], clock, serverNow())
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
  setText(byId('subline'), subline(current, parts.alerts, alertLimit, isFiltered))
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
  const noNormal = 'There is no normal to compare with until the first batch view is published.'
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

function renderAlertsPart() {
  if (!parts.alerts) return
  const now = serverNow()
  const items = alertItems(parts.alerts, choice, { seen: seen.keys, hidesSeen }, clock, now)
  renderAlerts(items, (key, isSeen) => markSeen([key], isSeen))
  setText(byId('alerts-time'), `Time (${clock.zoneName(now)})`)
  const label = choice.focus && classKeys([choice.focus])[0]?.label
  const isFull = parts.alerts.length >= alertLimit
  const count = isFull ? `newest ${formatCount(parts.alerts.length)}` : plural(parts.alerts.length, 'alert')
  setText(byId('wrong-note'), parts.alerts.length === 0 ? '' : `${count}${label ? ` of ${label}` : ''}`)
  byId('more-alerts').hidden = !isFull || alertLimit >= MOST_ALERTS
  byId('see-all').hidden = items.every(item => item.seen)
  const message = byId('alerts-message')
  message.hidden = items.length > 0
  setText(message, noAlerts(label))
}

function noAlerts(label: string | null | undefined): string {
  if (parts.alerts?.length && hidesSeen) return 'You have seen all of them.'
  if (choice.rule !== null || choice.minScore !== null) return 'No alert is of that kind.'
  if (label) return `Nothing unusual about ${label} lately.`
  return parts.health?.batch.revision
    ? 'Nothing unusual. An image that is far from its class’s normal appears here within seconds.'
    : 'Nothing unusual yet. Images are compared with their class’s normal once a first batch view is published.'
}

function markSeen(keys: Iterable<string>, isSeen: boolean) {
  seen.mark(keys, isSeen)
  renderAlertsPart()
}

function renderHistoryPart() {
  if (!parts.joined) return
  const view = historyView(parts.joined, parts.batch ?? [], parts.statistics ?? [])
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
  const banner = bannerOf({ ...connection, recovered }, retryInMs, local)
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
  const blob = await pictureOf(byId<HTMLCanvasElement>(isTrend ? 'trend-chart' : 'now-chart'), {
    title: isTrend ? 'NDVI per class' : 'Mean NDVI per class',
    note: `${isTrend ? trend?.period : byId('now-note').textContent}, ${isTrend && trend?.isDaily ? 'UTC' : clock.zone}`,
    legend: named.map(({ label, colour }) => ({ label, colour: theme.classes[colour] ?? theme.ink })),
    theme,
  })
  save(blob, `landcover-${part}.png`)
}

async function saveTable(url: string, name: string, { authorization }: Session) {
  const response = await fetch(url, { headers: { authorization: await authorization() } })
  if (response.ok) save(await response.blob(), name)
  else poll?.now()
}

renderSkeletonRows('alerts-body', 8, 7)
renderSkeletonRows('history-body', 10, 12)
prepareAlerts()
prepareControls(choose)
renderControls(choice, ruleNames([], choice.rule))
for (const box of document.querySelectorAll<HTMLElement>('[data-scrolls]')) keepScrollable(box)
setText(byId('zone'), `Times are local: ${clock.zone}.`)

const settings = await readSettings(fetch)
const session = settings.signIn ? await openSession(settings.signIn) : undefined
const api: Api = createApi({ fetch, timeoutMs: TIMEOUT_MS, authorization: session?.authorization })

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
    byId('banner').hidden = false
    byId('banner').dataset.tone = 'bad'
    setText(byId('banner-title'), 'Signing in failed.')
    setText(byId('banner-detail'), error instanceof Error ? error.message : '')
    byId('retry').addEventListener('click', () => location.reload())
    return new Promise(() => {})
  }
}

poll = startPolling({
  intervalMs: settings.pollSeconds * 1_000,
  page: document,
  random: Math.random,
  round: async signal => {
    const round = await api.round(questions(), signal)
    return signal.aborted || receive(round)
  },
  onSchedule: delayMs => {
    nextTryAt = delayMs === null ? null : Date.now() + delayMs
    if (connection.phase === 'lost') renderClockParts()
  },
})

prepareExports(part => void savePicture(part), session && ((url, name) => void saveTable(url, name, session)))
byId('hide-seen').addEventListener('change', event => {
  hidesSeen = (event.target as HTMLInputElement).checked
  renderAlertsPart()
})
byId('see-all').addEventListener('click', () => {
  const items = alertItems(parts.alerts ?? [], choice, { seen: seen.keys, hidesSeen }, clock, serverNow())
  markSeen(
    items.map(({ key }) => key),
    true,
  )
})
byId('more-alerts').addEventListener('click', () => {
  alertLimit = Math.min(2 * alertLimit, MOST_ALERTS)
  poll?.now()
})
byId('retry').addEventListener('click', () => poll?.now())
addEventListener('online', () => poll?.now())
onThemeChange(() => {
  theme = readTheme()
  void renderAll()
})
setInterval(() => {
  if (!document.hidden) renderClockParts()
}, 1000)
