import { createTrendChart } from '../charts/trend-chart.ts'
import { byId, setAttribute, setMessage, setText } from '../dom/elements.ts'
import { renderLineKey } from '../dom/line-key.ts'
import { isEmpty, type Page, serverNow } from '../page.ts'
import type { PictureOptions } from '../picture.ts'
import { RANGES } from '../view-models/choice.ts'
import type { Clock } from '../view-models/format.ts'
import { linesByHeight, type TrendView, trendView } from '../view-models/trend.ts'
import type { CardContext } from './surroundings.ts'

/** Draws NDVI over the chosen range. */
export function renderTrend(page: Page, { clock, theme, charts }: CardContext): void {
  const { answers, choice, seriesRange } = page
  if (!answers.windows || !answers.series || !seriesRange) return
  // Until the chosen range is loaded, the card shows the previous one, marked as stale.
  byId('trend-box').toggleAttribute('data-stale', seriesRange !== choice.range)
  const view = viewOf(page, clock)
  const noLines = answers.batch
    ? 'There is no normal to compare with yet. It is known after the first batch view is published.'
    : 'The normal values could not be loaded.'
  const nothing = isEmpty(page) ? 'No images yet' : 'No images in this period'
  setMessage('trend-message', !view ? nothing : view.lines.length > 0 ? null : noLines)
  const scale = choice.scale === 'difference' ? ', difference from normal' : ''
  setText(byId('trend-note'), view ? `${view.summary}${scale}` : '')
  if (!view) return
  setAttribute(byId('trend-chart'), 'aria-label', `NDVI per class over ${view.summary}`)
  setText(byId('trend-text'), view.description)
  charts.trend ??= createTrendChart(byId<HTMLCanvasElement>('trend-chart'))
  charts.trend.update(view, theme, choice.focus, clock, serverNow(page))
  renderLineKey(view)
}

/** Computes the view of the card; null when there is no window, or no range yet. */
function viewOf(page: Page, clock: Clock): TrendView | null {
  const { answers, choice, seriesRange } = page
  if (!seriesRange) return null
  const { series = [], batch = [] } = answers
  return trendView(series, RANGES[seriesRange], batch, choice.scale, clock, serverNow(page))
}

/** Describes the picture of the chart that the reader can save. */
export function trendPicture(page: Page, { clock, theme, charts }: CardContext): PictureOptions {
  const view = viewOf(page, clock)
  const lines = view && !charts.trend?.namesLines() ? linesByHeight(view.lines) : []
  return {
    chart: byId<HTMLCanvasElement>('trend-chart'),
    title: `NDVI per class${view?.scale === 'difference' ? ', difference from normal' : ''}`,
    note: `${view?.period}, ${view?.isDaily ? 'UTC' : clock.zone}`,
    legend: lines.map(({ label, colour }) => ({ label, colour: theme.classes[colour] ?? theme.ink })),
    theme,
  }
}
