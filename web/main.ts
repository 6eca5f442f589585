import { type Api, besidePage, createApi } from './api.ts'
import { renderHistoryCard } from './cards/history.ts'
import { renderIncidents } from './cards/incidents.ts'
import { nowPicture, renderNow } from './cards/now.ts'
import { renderRefused } from './cards/refused.ts'
import type { SitePage } from './cards/site.ts'
import { notifyFailure, renderStatus } from './cards/status.ts'
import type { CardContext } from './cards/surroundings.ts'
import { renderTrend, trendPicture } from './cards/trend.ts'
import { markAllSeen, renderUnusualImagesCard, showMoreUnusualImages } from './cards/unusual-images.ts'
import { onThemeChange, readTheme } from './charts/theme.ts'
import { prepareControls, renderControls } from './dom/controls.ts'
import { prepareDecisionDialog } from './dom/decision-dialog.ts'
import { byId, setText } from './dom/elements.ts'
import { prepareExports, renderExports } from './dom/exports.ts'
import { keepScrollable } from './dom/scrollable.ts'
import { renderSkeletonRows } from './dom/skeleton.ts'
import { prepareUnusualImages } from './dom/unusual-images-table.ts'
import { choose, currentQueries, isEmpty, newPage, receive, serverNow, unusualImageRows } from './page.ts'
import { pictureOf, save } from './picture.ts'
import { type Poll, startPolling } from './poll.ts'
import { openSeen } from './seen.ts'
import { readSettings } from './settings.ts'
import { type Session, type SignInSettings, signIn } from './sign-in.ts'
import { type Choice, choiceOf, parametersOf } from './view-models/choice.ts'
import { refused } from './view-models/connection.ts'
import { type DecisionForm, decisionRequest } from './view-models/decisions.ts'
import { createClock } from './view-models/format.ts'
import { exportUrls, judgedState } from './view-models/questions.ts'
import { routeOf } from './view-models/route.ts'
import { ruleNames } from './view-models/unusual-images.ts'

const TIMEOUT_MS = 8_000

const fetch = globalThis.fetch.bind(globalThis)
const elapsed = () => performance.now()
const seen = openSeen(() => localStorage)
const context: CardContext = {
  clock: createClock(Intl.DateTimeFormat().resolvedOptions().timeZone),
  theme: readTheme(),
  charts: {},
}
const page = newPage(choiceInAddress(), { local: Date.now, elapsed })
// Starts after the settings are loaded.
let poll: Poll | undefined
let nextTryAt: number | null = null
// Made after the reader has signed in.
let api: Api | undefined

function choiceInAddress(): Choice {
  return choiceOf(new URLSearchParams(location.search))
}

function onChoice(change: Partial<Choice>) {
  choose(page, change)
  const parameters = parametersOf(page.choice, new URLSearchParams(location.search))
  history.replaceState(null, '', `${location.pathname}${parameters.size > 0 ? `?${parameters}` : ''}${location.hash}`)
  void renderAll()
  poll?.now()
}

let sitePage: Promise<SitePage> | undefined

/** Shows the part of the page that the address names. Each part but the overview is loaded when it is first shown. */
function renderRoute() {
  const route = routeOf(location.hash)
  document.body.dataset.route = route.name
  byId('site').hidden = route.name !== 'site'
  // Before the first answer the batch view is not known.
  if (route.name !== 'site' || !api || !page.answers.health) return
  const version = judgedState(page.answers.health, serverNow(page))
  sitePage ??= import('./cards/site.ts').then(({ createSitePage }) =>
    createSitePage(api as Api, context, () => serverNow(page)),
  )
  void sitePage.then(site => site.show(route.siteId, version)).catch(orNotify('The site could not be shown'))
}

const STEPS = [
  renderRoute,
  renderChoice,
  () => renderNow(page, context, focus => onChoice({ focus })),
  () => renderTrend(page, context),
  () => renderUnusualImagesCard(page, context.clock, seen),
  () => renderIncidents(page, context.clock, (id, title) => decisionDialog.open(id, title)),
  () => renderHistoryCard(page),
  () => renderRefused(page, context.clock),
  renderTimes,
]
const decisionDialog = prepareDecisionDialog(decide, () => localStorage)
let renderings = 0

/** Stores a decision, and asks for the incidents that it changes. */
async function decide(id: string, form: DecisionForm) {
  const incident = page.answers.incidents?.find(each => each.id === id)
  if (!incident || !api) throw new Error('the incident is gone')
  const { url, body } = decisionRequest(incident, form, serverNow(page))
  await api.post(url, body)
  poll?.now()
}

/** Draws the page in small steps. Between the steps the browser can handle input. */
async function renderAll() {
  const rendering = ++renderings
  for (const render of STEPS) {
    try {
      render()
    } catch (error) {
      // A step that fails does not stop the others.
      reportError(error)
    }
    await new Promise(resolve => setTimeout(resolve))
    // A newer rendering has started.
    if (rendering !== renderings) return
  }
}

function renderChoice() {
  renderControls(page.choice, ruleNames(unusualImageRows(page), page.choice.rule))
  renderExports(exportUrls(currentQueries(page), page.choice))
  if (!page.answers.windows) return
  document.body.dataset.state = isEmpty(page) ? 'empty' : 'ready'
  byId('empty').hidden = !isEmpty(page)
}

function renderTimes() {
  renderStatus(page, context.clock, nextTryAt)
}

const orNotify = (title: string) => (error: unknown) => {
  notifyFailure(page, title, error)
  renderTimes()
}

async function savePicture(card: string) {
  save(
    await pictureOf(card === 'trend' ? trendPicture(page, context) : nowPicture(page, context)),
    `landcover-${card}.png`,
  )
}

/** Resolves when the reader has signed in. Never resolves when the page is left or sign-in fails. */
async function openSession(to: SignInSettings): Promise<Session> {
  try {
    const session = await signIn(to, {
      url: () => new URL(location.href),
      go: url => location.assign(url),
      show: url => history.replaceState(null, '', url),
      storage: sessionStorage,
      fetch,
      now: Date.now,
    })
    // The browser is leaving the page.
    if (!session) return await new Promise(() => {})
    // The address is the one from before the sign-in again, with its choice.
    page.choice = choiceInAddress()
    byId('sign-out').hidden = false
    byId('sign-out').addEventListener('click', session.signOut)
    return session
  } catch (error) {
    page.connection = refused(error instanceof Error ? error.message : '')
    renderTimes()
    return new Promise(() => {})
  }
}

renderSkeletonRows('unusual-images-body', 8, 7)
renderSkeletonRows('history-body', 10, 12)
prepareUnusualImages()
prepareControls(onChoice)
renderChoice()
for (const box of document.querySelectorAll<HTMLElement>('[data-scrolls]')) keepScrollable(box)
setText(byId('zone'), `Times are local: ${context.clock.zone}.`)
byId('see-all').addEventListener('click', () => markAllSeen(page, context.clock, seen))
byId('retry').addEventListener('click', () => {
  if (page.connection.phase === 'refused') location.reload()
  else poll?.now()
})
addEventListener('hashchange', () => {
  if (location.hash.startsWith('#/')) scrollTo(0, 0)
  renderRoute()
})
addEventListener('online', () => poll?.now())
addEventListener('storage', () => {
  seen.refresh()
  renderUnusualImagesCard(page, context.clock, seen)
})
onThemeChange(() => {
  context.theme = readTheme()
  void renderAll()
  void sitePage?.then(site => site.redraw())
})
setInterval(() => {
  if (!document.hidden) renderTimes()
}, 1000)

const settings = await readSettings(fetch, TIMEOUT_MS)
const session = settings.signIn ? await openSession(settings.signIn) : undefined
const fetchApi: typeof fetch = (url, options) => fetch(besidePage(String(url)), options)
api = createApi({ fetch: fetchApi, timeoutMs: TIMEOUT_MS, authorization: session?.authorization, now: elapsed })
byId('more-unusual-images').addEventListener('click', () => {
  void showMoreUnusualImages(page, () => poll?.now(), api.unusualImagePage)
    .catch(orNotify('More unusual images could not be loaded'))
    .finally(() => renderUnusualImagesCard(page, context.clock, seen))
})
// Where readers sign in, a plain link would send no token.
const saveTable = async (url: string, name: string) => save(await api.file(url), name)
prepareExports(
  card => savePicture(card).catch(orNotify('The picture could not be saved')),
  session && ((url, name) => saveTable(url, name).catch(orNotify('The table could not be saved'))),
)
poll = startPolling({
  intervalMs: settings.pollSeconds * 1_000,
  page: document,
  random: Math.random,
  round: async signal => {
    const queries = currentQueries(page)
    const round = await api.round(queries, signal)
    if (signal.aborted) return true
    receive(page, queries, round)
    void renderAll()
    return page.connection.phase !== 'lost'
  },
  onSchedule: delayMs => {
    nextTryAt = delayMs === null ? null : Date.now() + delayMs
    if (page.connection.phase === 'lost') renderTimes()
  },
})
