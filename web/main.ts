import { createApi, type Parts, type Round } from './api.ts'
import { createNowChart, type NowChart } from './charts/now-chart.ts'
import { onThemeChange, readTheme } from './charts/theme.ts'
import { createTrendChart, type TrendChart } from './charts/trend-chart.ts'
import { prepareAlerts, renderAlerts } from './dom/alerts-table.ts'
import { renderClassKey } from './dom/class-key.ts'
import { byId, make, setAttribute, setText } from './dom/elements.ts'
import { renderHistory } from './dom/history-table.ts'
import { renderLineKey } from './dom/line-key.ts'
import { keepScrollable } from './dom/scrollable.ts'
import { renderSkeletonRows } from './dom/skeleton.ts'
import { renderTrust } from './dom/trust.ts'
import { startPolling } from './poll.ts'
import { type Session, type SignInSettings, signIn } from './sign-in.ts'
import { alertItems } from './view-models/alerts.ts'
import { historyView } from './view-models/all-history.ts'
import { classKeys } from './view-models/classes.ts'
import { afterRound, bannerOf, CONNECTING, pillOf } from './view-models/connection.ts'
import { createClock, formatCount, formatDuration, plural } from './view-models/format.ts'
import { headline, subline } from './view-models/headline.ts'
import { nowView } from './view-models/now.ts'
import { type TrendScale, trendView } from './view-models/trend.ts'
import { trustView } from './view-models/trust.ts'
import { EMPTY_HISTORY, newestWindows, remember } from './view-models/window-history.ts'

const INTERVAL_MS = 5_000
const TIMEOUT_MS = 8_000
const ALERT_LIMIT = 50
const RECOVERED_MS = 6_000

const clock = createClock(Intl.DateTimeFormat().resolvedOptions().timeZone)
const fetch = globalThis.fetch.bind(globalThis)

// What the page knows. Views are computed from it anew; nothing else is remembered.
const parts: Partial<Parts> = {}
let windowHistory = EMPTY_HISTORY
let connection = CONNECTING
let focus: string | null = null
let scale: TrendScale = 'ndvi'
let theme = readTheme()
// Made with the first data, so that nothing is drawn over the loading shapes.
let nowChart: NowChart | undefined
let trendChart: TrendChart | undefined
let nextTryAt: number | null = null
let healthAt = 0
let recoveredUntil = 0

/** The server's now: its own last statement plus the time since. The local clock may be wrong; it is the fallback. */
function serverNow(): number {
  const checkedAt = parts.health?.checked_at
  return checkedAt ? Date.parse(checkedAt) + (performance.now() - healthAt) : Date.now()
}

/** No event was ever seen, as far as the two answers that would show it say. */
const isEmpty = () => parts.windows?.length === 0 && parts.joined?.length === 0 && windowHistory.size === 0

function receive(round: Round): boolean {
  Object.assign(parts, round.changed)
  if (round.changed.health) healthAt = performance.now()
  if (round.changed.windows) windowHistory = remember(windowHistory, round.changed.windows)
  connection = afterRound(connection, round, Date.now())
  if (connection.recovered) recoveredUntil = Date.now() + RECOVERED_MS
  renderAll()
  return connection.phase !== 'lost'
}

function renderAll() {
  if (parts.windows) {
    document.body.dataset.state = isEmpty() ? 'empty' : 'ready'
    byId('empty').hidden = !isEmpty()
    renderCharts()
  }
  renderTables()
  renderClockParts()
}

/** Shows the message in place of the chart; null shows the chart. */
function setMessage(id: string, message: string | null) {
  byId(id).hidden = message === null
  setText(byId(id), message ?? '')
}

function renderCharts() {
  const now = serverNow()
  const batch = parts.batch ?? []
  renderClassKey(
    classKeys([...windowHistory.keys(), ...(parts.joined ?? []).map(row => row.class_name)]),
    focus,
    className => {
      focus = focus === className ? null : className
      renderAll()
    },
  )

  const nothing = isEmpty() ? 'No images yet' : 'No images in the last windows'
  const current = nowView(newestWindows(windowHistory), batch, clock, now)
  setMessage('now-message', current ? null : nothing)
  if (!current) {
    setText(byId('headline'), isEmpty() ? '' : 'No images lately')
    setText(byId('subline'), '')
  } else {
    byId('headline').replaceChildren(
      ...headline(current).map(({ text, strong }) => make(strong ? 'strong' : 'span', { text })),
    )
    setText(byId('subline'), subline(current, parts.alerts ?? [], ALERT_LIMIT))
    byId('now-box').style.setProperty('--bars', String(current.bars.length))
    const late = current.late > 0 ? `, ${formatCount(current.late)} late` : ''
    setText(byId('now-note'), `${current.range}${current.filling ? ', still filling' : ''}${late}`)
    setAttribute(byId('now-chart'), 'aria-label', `Mean NDVI per class, ${current.range}`)
    setText(byId('now-text'), current.description)
    nowChart ??= createNowChart(byId<HTMLCanvasElement>('now-chart'))
    nowChart.update(current, theme, focus)
  }

  const trend = trendView(windowHistory, batch, scale, clock, now)
  const noNormal = 'There is no normal to compare with until the first batch view is published.'
  setMessage('trend-message', trend ? (trend.lines.length > 0 ? null : noNormal) : nothing)
  if (trend) {
    setText(
      byId('trend-note'),
      `${plural(trend.windows, 'window')} of 10 minutes${scale === 'difference' ? ', mean minus the class’s normal' : ''}`,
    )
    setAttribute(byId('trend-chart'), 'aria-label', `NDVI per class over ${plural(trend.windows, 'window')}`)
    setText(byId('trend-text'), trend.description)
    trendChart ??= createTrendChart(byId<HTMLCanvasElement>('trend-chart'))
    trendChart.update(trend, theme, focus, clock)
    renderLineKey(trend)
  }
}

function renderTables() {
  const now = serverNow()
  if (parts.alerts) {
    const items = alertItems(parts.alerts, focus, clock, now)
    const label = focus && classKeys([focus])[0]?.label
    renderAlerts(items)
    setText(byId('alerts-time'), `Time (${clock.zoneName(now)})`)
    setText(
      byId('wrong-note'),
      items.length === 0
        ? ''
        : `${items.length >= ALERT_LIMIT ? `newest ${ALERT_LIMIT}` : plural(items.length, 'alert')}${label ? ` of ${label}` : ''}`,
    )
    const message = byId('alerts-message')
    message.hidden = items.length > 0
    setText(
      message,
      label
        ? `Nothing unusual about ${label} among the newest alerts.`
        : parts.health?.batch.revision
          ? 'Nothing unusual. An image that is far from its class’s normal appears here within seconds.'
          : 'Nothing unusual yet. Images are compared with their class’s normal once a first batch view is published.',
    )
  }
  if (parts.joined) {
    const view = historyView(parts.joined, parts.batch ?? [])
    const message = byId('history-message')
    message.hidden = view !== null
    byId('history').hidden = view === null
    setText(message, 'Statistics of every class appear here with the first images.')
    if (view) {
      setText(byId('history-note'), view.summary)
      renderHistory(view, focus)
    }
  }
}

/** What changes with time alone: ages and the countdown. */
function renderClockParts() {
  const now = serverNow()
  if (parts.health) renderTrust(trustView(parts.health, clock, now))

  const pill = pillOf(connection, parts.health?.status === 'degraded', isEmpty())
  byId('pill').dataset.tone = pill.tone
  document.body.dataset.phase = connection.phase
  setText(byId('pill').firstElementChild ?? byId('pill'), pill.text)
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

renderSkeletonRows('alerts-body', 8, 6)
renderSkeletonRows('history-body', 10, 11)
prepareAlerts()
for (const box of document.querySelectorAll<HTMLElement>('[data-scrolls]')) keepScrollable(box)
setText(byId('zone'), `Times are local: ${clock.zone}.`)

const session = await openSession()
const api = createApi({ fetch, timeoutMs: TIMEOUT_MS, authorization: session?.authorization })

/** Where readers sign in, answers when they have; where they do not, at once. */
async function openSession(): Promise<Session | undefined> {
  const response = await fetch('./sign-in.json')
  // Where it cannot be had, the API says what is wrong.
  const settings = response.ok ? ((await response.json()) as SignInSettings | null) : null
  if (!settings) return undefined
  try {
    const signedIn = await signIn(settings, {
      url: () => new URL(location.href),
      go: url => location.assign(url),
      show: url => history.replaceState(null, '', url),
      storage: sessionStorage,
      fetch,
      now: Date.now,
    })
    // The page is being left.
    if (!signedIn) return await new Promise(() => {})
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

const poll = startPolling({
  intervalMs: INTERVAL_MS,
  page: document,
  random: Math.random,
  round: async signal => {
    const round = await api.round(signal)
    return signal.aborted || receive(round)
  },
  onSchedule: delayMs => {
    nextTryAt = delayMs === null ? null : Date.now() + delayMs
    if (connection.phase === 'lost') renderClockParts()
  },
})

byId('retry').addEventListener('click', () => poll.now())
addEventListener('online', () => poll.now())
onThemeChange(() => {
  theme = readTheme()
  renderAll()
})
for (const input of document.querySelectorAll<HTMLInputElement>('input[name="scale"]'))
  input.addEventListener('change', () => {
    scale = input.value === 'difference' ? 'difference' : 'ndvi'
    renderAll()
  })
setInterval(() => {
  if (!document.hidden) renderClockParts()
}, 1000)
