import { createNowChart } from '../charts/now-chart.ts'
import { renderClassKey } from '../dom/class-key.ts'
import { byId, make, setAttribute, setMessage, setText } from '../dom/elements.ts'
import { classNames, hasUnusualImagesForChoice, isEmpty, type Page, serverNow, unusualImageRows } from '../page.ts'
import type { PictureOptions } from '../picture.ts'
import { classKeys } from '../view-models/classes.ts'
import { type Clock, formatCount, LONG_AGO_MS } from '../view-models/format.ts'
import { headline, subline } from '../view-models/headline.ts'
import { incidentHeadline } from '../view-models/incidents.ts'
import { type NowView, nowView } from '../view-models/now.ts'
import type { CardContext } from './surroundings.ts'

/** Draws the headline, the buttons of the classes, and the chart of the newest windows with what is normal. */
export function renderNow(
  page: Page,
  { clock, theme, charts }: CardContext,
  onFocus: (className: string | null) => void,
): void {
  const { answers, choice } = page
  if (!answers.windows) return
  const { focus } = choice
  renderClassKey(classKeys([...classNames(page), ...(focus ? [focus] : [])]), focus, className => {
    onFocus(page.choice.focus === className ? null : className)
  })
  setText(byId('now-title'), answers.health?.latestImageMs == null ? 'Now' : 'Latest images')
  const view = viewOf(page, clock)
  setMessage('now-message', view ? null : isEmpty(page) ? 'No images yet' : 'No recent images')
  if (!view) {
    setText(byId('headline'), isEmpty(page) ? '' : 'No recent images')
    setText(byId('subline'), '')
    return
  }
  byId('headline').replaceChildren(
    ...(incidentHeadline(answers.incidents, clock, serverNow(page)) ?? headline(view)).map(({ text, strong }) =>
      make(strong ? 'strong' : 'span', { text }),
    ),
  )
  const isFiltered = (focus ?? choice.rule ?? choice.minScore) !== null
  const unusualImages = hasUnusualImagesForChoice(page) ? unusualImageRows(page) : undefined
  setText(byId('subline'), subline(view, unusualImages, page.unusualImageLimit, isFiltered))
  byId('now-box').style.setProperty('--bars', String(view.bars.length))
  const late = view.late > 0 ? `, ${formatCount(view.late)} late` : ''
  setText(byId('now-note'), `${view.range}${view.filling ? ', not complete yet' : ''}${late}`)
  setAttribute(byId('now-chart'), 'aria-label', `Mean NDVI per class, ${view.range}`)
  setText(byId('now-text'), view.description)
  charts.now ??= createNowChart(byId<HTMLCanvasElement>('now-chart'))
  charts.now.update(view, theme, focus)
}

/** Computes the view of the card; null when there is no window. */
function viewOf(page: Page, clock: Clock): NowView | null {
  const { windows = [], batch, health } = page.answers
  return nowView(windows, batch, clock, serverNow(page), health?.latestImageMs)
}

/** Describes the picture of the chart that the reader can save. */
export function nowPicture(page: Page, { clock, theme }: CardContext): PictureOptions {
  const view = viewOf(page, clock)
  return {
    chart: byId<HTMLCanvasElement>('now-chart'),
    title: 'Mean NDVI per class, ± 1 sd. Tick: normal',
    note: `${view ? clock.range(view.startMs, view.endMs, LONG_AGO_MS) : ''}, ${clock.zone}`,
    legend: [],
    theme,
  }
}
