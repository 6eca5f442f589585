import type { IncidentRow } from '../../functions/serving/incident-schemas.ts'
import type { ObservationRow, SiteNormalRow } from '../../functions/serving/site-schemas.ts'
import { readIncident } from '../answers.ts'
import type { Api } from '../api.ts'
import { createSiteCharts, type SiteCharts } from '../charts/site-chart.ts'
import { byId, make, setMessage, setText } from '../dom/elements.ts'
import { renderIncidentRows } from '../dom/incidents-table.ts'
import { renderObservationRows } from '../dom/observations-table.ts'
import { pictureOf, save } from '../picture.ts'
import { LONG_AGO_MS } from '../view-models/format.ts'
import { incidentsView } from '../view-models/incidents.ts'
import { observationItems, type SiteAnswers, type SiteYears, siteTitle, siteView } from '../view-models/site.ts'
import type { CardContext } from './surroundings.ts'

/** Page of one site. */
export type SitePage = {
  /** Loads a site, again when `version` of the batch view is another one, and draws it. */
  show(siteId: string, version: string): Promise<void>
  /** Draws it in the colours of now. */
  redraw(): void
}

/** Rows of observations at first, and with each click on "Show more". */
const FIRST_ROWS = 25
const MORE_ROWS = 100

/** State of the page of a site. */
type SiteState = {
  shown: { siteId: string; answers: SiteAnswers } | undefined
  years: SiteYears
  /** Chosen class; null for that of the newest image. */
  className: string | null
  rows: number
  charts: SiteCharts | undefined
}

/** Prepares the page of a site. The address says which: see routeOf. */
export function createSitePage(api: Pick<Api, 'rows'>, context: CardContext, nowMs: () => number): SitePage {
  const state: SiteState = { shown: undefined, years: 3, className: null, rows: FIRST_ROWS, charts: undefined }
  let asked = ''
  const redraw = () => drawSite(state, context, nowMs())
  prepareChoices(state, redraw)
  preparePictures(context, nowMs)
  return {
    redraw,
    async show(siteId, version) {
      const key = JSON.stringify([siteId, version])
      if (asked === key) return
      const isOther = state.shown?.siteId !== siteId
      asked = key
      if (isOther) {
        state.shown = undefined
        startLoading(siteId)
      }
      try {
        const answers = await load(api, siteId)
        // The reader has gone on to another site.
        if (asked !== key) return
        if (isOther) Object.assign(state, { rows: FIRST_ROWS, className: null })
        state.shown = { siteId, answers }
        byId('site-body').hidden = false
        setMessage('site-message', null)
        redraw()
      } catch (error) {
        if (asked !== key) return
        // Whether there is such a site changes with the batch view. Other failures are tried again in the next round.
        if (!isUnknownSite(error)) asked = ''
        if (isOther) setMessage('site-message', failureText(siteId, error))
      }
    },
  }
}

function startLoading(siteId: string): void {
  byId('site-body').hidden = true
  setText(byId('site-title'), siteId)
  setText(byId('site-sentence'), '')
  setMessage('site-message', 'Loading…')
  const link = byId<HTMLAnchorElement>('site-csv')
  link.href = `./api/sites/${encodeURIComponent(siteId)}/observations?format=csv`
  link.download = 'landcover-observations.csv'
}

function prepareChoices(state: SiteState, redraw: () => void): void {
  const change = (to: Partial<SiteState>) => {
    Object.assign(state, { rows: FIRST_ROWS, ...to })
    redraw()
  }
  const select = byId<HTMLSelectElement>('site-class')
  select.addEventListener('change', () => change({ className: select.value }))
  for (const radio of document.querySelectorAll<HTMLInputElement>('input[name="site-years"]')) {
    const years: SiteYears = radio.value === 'all' ? null : radio.value === '1' ? 1 : 3
    radio.addEventListener('change', () => change({ years }))
  }
  byId('site-more').addEventListener('click', () => change({ rows: state.rows + MORE_ROWS }))
}

function preparePictures(context: CardContext, nowMs: () => number): void {
  for (const [button, chart, title] of [
    ['site-png', 'site-chart', 'NDVI over time. Band: normal for the time of the year'],
    ['site-years-png', 'site-years-chart', 'NDVI by day of the year. Band: normal'],
  ] as const) {
    byId(button).addEventListener('click', async () => {
      const picture = {
        chart: byId<HTMLCanvasElement>(chart),
        title: `${byId('site-title').textContent}: ${title}`,
        note: `${byId('site-note').textContent}, as of ${context.clock.utcDay(nowMs(), LONG_AGO_MS)}`,
        ...{ legend: [], theme: context.theme },
      }
      save(await pictureOf(picture), `landcover-${chart}.png`)
    })
  }
}

function drawSite(state: SiteState, { clock, theme }: CardContext, nowMs: number): void {
  if (!state.shown) return
  const { siteId, answers } = state.shown
  const view = siteView(answers, state.className, state.years, clock, nowMs)
  setText(byId('site-title'), siteTitle(siteId, view.className))
  setText(byId('site-sentence'), view.sentence)
  byId('site-sentence').dataset.tone = view.state
  setText(byId('site-note'), view.note)
  setText(byId('site-text'), view.description)
  setText(byId('site-years-text'), view.yearDescription)
  drawClasses(view.classes, view.className)
  for (const id of ['site-series', 'site-years', 'site-table']) byId(id).hidden = view.state === 'empty'
  setMessage('site-series-message', view.points.length === 0 ? 'No images in this period' : null)
  const [thisYear, before] = view.years.toReversed()
  setText(byId('site-year-now'), String(thisYear?.year ?? ''))
  setText(byId('site-year-before'), String(before?.year ?? 'no former year'))
  const incidents = incidentsView(answers.incidents, clock, nowMs, false, true)
  byId('site-incidents').hidden = incidents === null
  if (incidents) renderIncidentRows(incidents.items, () => {}, 'site-incidents-body')
  const items = observationItems(view.points, clock, nowMs)
  renderObservationRows(items.slice(0, state.rows))
  byId('site-more').hidden = items.length <= state.rows
  if (view.state === 'empty') return
  state.charts ??= createSiteCharts(byId<HTMLCanvasElement>('site-chart'), byId<HTMLCanvasElement>('site-years-chart'))
  state.charts.update(view, theme, clock, nowMs)
}

function drawClasses(classes: readonly string[], chosen: string): void {
  const select = byId<HTMLSelectElement>('site-class')
  byId('site-class-field').hidden = classes.length < 2
  select.replaceChildren(...classes.map(name => make('option', { text: name })))
  select.value = chosen
}

async function load(api: Pick<Api, 'rows'>, siteId: string): Promise<SiteAnswers> {
  const path = `/api/sites/${encodeURIComponent(siteId)}`
  const [observations, normal, incidents] = await Promise.all([
    api.rows<ObservationRow>(`${path}/observations`),
    api.rows<SiteNormalRow>(`${path}/normal`),
    api.rows<IncidentRow>(`/api/incidents?${new URLSearchParams({ site: siteId, limit: '1000' })}`),
  ])
  return { observations, normal, incidents: incidents.map(readIncident) }
}

function failureText(siteId: string, error: unknown): string {
  const reason = error instanceof Error ? error.message : ''
  return isUnknownSite(error)
    ? `There is no site “${siteId}”: it is not stored, and no image names it.`
    : `The site could not be loaded: ${reason}. The page tries again.`
}

function isUnknownSite(error: unknown): boolean {
  return error instanceof Error && error.message === 'HTTP 404'
}
