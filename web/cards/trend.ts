import { createTrendChart, type TrendChart } from '../charts/trend-chart.ts'
import { byId, setAttribute, setMessage, setText } from '../dom/elements.ts'
import { renderLineKey } from '../dom/line-key.ts'
import { isEmpty, type Page, serverNow } from '../page.ts'
import type { PictureOptions } from '../picture.ts'
import { RANGES } from '../view-models/choice.ts'
import { linesByHeight, type TrendView, trendView } from '../view-models/trend.ts'
import type { Surroundings } from './surroundings.ts'

// Made with the first data, so that nothing is drawn over the loading shapes.
let chart: TrendChart | undefined
let view: TrendView | null = null

/** How NDVI moved over the chosen range. */
export function renderTrend(page: Page, { clock, theme }: Surroundings): void {
  const { answers, choice, seriesRange } = page
  if (!answers.windows || !answers.series || !seriesRange) return
  const now = serverNow(page)
  // Until the chosen range is there, what was there before is shown, as such.
  byId('trend-box').toggleAttribute('data-stale', seriesRange !== choice.range)
  view = trendView(answers.series, RANGES[seriesRange], answers.batch ?? [], choice.scale, clock, now)
  const noNormal = answers.batch
    ? 'There is no normal to compare with until the first batch view is published.'
    : 'What is normal is not known right now.'
  const nothing = isEmpty(page) ? 'No images yet' : 'No images in this time'
  setMessage('trend-message', !view ? nothing : view.lines.length > 0 ? null : noNormal)
  const scale = choice.scale === 'difference' ? ', mean minus the class’s normal' : ''
  setText(byId('trend-note'), view ? `${view.summary}${scale}` : '')
  if (!view) return
  setAttribute(byId('trend-chart'), 'aria-label', `NDVI per class over ${view.summary}`)
  setText(byId('trend-text'), view.description)
  chart ??= createTrendChart(byId<HTMLCanvasElement>('trend-chart'))
  chart.update(view, theme, choice.focus, clock, now)
  renderLineKey(view)
}

export function trendPicture({ clock, theme }: Surroundings): PictureOptions {
  const lines = view && !chart?.namesLines() ? linesByHeight(view.lines) : []
  return {
    chart: byId<HTMLCanvasElement>('trend-chart'),
    title: `NDVI per class${view?.scale === 'difference' ? ', minus its normal' : ''}`,
    note: `${view?.period}, ${view?.isDaily ? 'UTC' : clock.zone}`,
    legend: lines.map(({ label, colour }) => ({ label, colour: theme.classes[colour] ?? theme.ink })),
    theme,
  }
}
