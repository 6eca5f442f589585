import { Chart, type ChartDataset, type Plugin } from 'chart.js'
import { decimalsOf, type Limits, monthTicks, type Scale } from '../view-models/axis.ts'
import { type Clock, formatDifference, formatFixed, formatNdvi } from '../view-models/format.ts'
import type { BandPoint, IncidentSpan, SitePoint, SiteView, YearLine } from '../view-models/site.ts'
import { DAY_MS } from '../view-models/time.ts'
import { type Theme, tooltipTheme, withOpacity } from './theme.ts'

/** Charts of a site's page. */
export type SiteCharts = { update(view: SiteView, theme: Theme, clock: Clock, nowMs: number): void; destroy(): void }

type Point = { x: number; y: number; lines: string[] }

/** Creates the chart of the series, and that of this year over former ones. The line parts of Chart.js are registered. */
export function createSiteCharts(series: HTMLCanvasElement, years: HTMLCanvasElement): SiteCharts {
  let drawn: { view: SiteView; theme: Theme } | undefined
  const ofSeries = baseChart(
    series,
    () => drawn && { band: drawn.view.band, spans: drawn.view.spans, theme: drawn.theme },
  )
  const ofYears = baseChart(years, () => drawn && { band: drawn.view.yearBand, spans: [], theme: drawn.theme })
  return {
    update(view, theme, clock, nowMs) {
      drawn = { view, theme }
      ofSeries.data.datasets = seriesSets(view.points, theme, clock, nowMs)
      const monthYear = new Intl.DateTimeFormat('en-GB', { timeZone: 'UTC', month: 'short', year: 'numeric' })
      setScales(ofSeries, view.x, view.y, theme, ms => monthYear.format(ms))
      ofSeries.update('none')
      ofYears.data.datasets = yearSets(view.years, theme, clock)
      const month = new Intl.DateTimeFormat('en-GB', { timeZone: 'UTC', month: 'short' })
      setScales(ofYears, { min: 0, max: 365 * DAY_MS - 1 }, view.yearY, theme, ms => month.format(ms))
      ofYears.update('none')
    },
    destroy() {
      ofSeries.destroy()
      ofYears.destroy()
    },
  }
}

type Backdrop = { band: readonly BandPoint[]; spans: readonly IncidentSpan[]; theme: Theme }

function baseChart(canvas: HTMLCanvasElement, backdrop: () => Backdrop | undefined): Chart<'line', Point[]> {
  return new Chart<'line', Point[]>(canvas, {
    type: 'line',
    data: { datasets: [] },
    options: {
      ...{ parsing: false, normalized: true, animation: false, responsive: true, maintainAspectRatio: false },
      interaction: { mode: 'nearest', axis: 'xy', intersect: false },
      layout: { padding: { top: 6, right: 10 } },
      scales: {
        x: { type: 'linear', border: { display: false }, grid: { display: false } },
        y: { type: 'linear', border: { display: false } },
      },
      plugins: {
        tooltip: {
          displayColors: false,
          callbacks: {
            title: items => (items[0]?.raw as Point | undefined)?.lines[0] ?? '',
            label: item => (item.raw as Point).lines.slice(1),
          },
        },
      },
    },
    plugins: [backdropPlugin(backdrop)],
  })
}

/** Plugin that draws spans of incidents, and the band of what is normal with its middle, behind the points. */
function backdropPlugin(read: () => Backdrop | undefined): Plugin<'line'> {
  return {
    id: 'backdrop',
    beforeDatasetsDraw({ ctx, chartArea, scales: { x, y } }) {
      const backdrop = read()
      if (!backdrop || !x || !y) return
      const { band, spans, theme } = backdrop
      ctx.save()
      ctx.beginPath()
      ctx.rect(chartArea.left, chartArea.top, chartArea.width, chartArea.height)
      ctx.clip()
      for (const { fromMs, toMs } of spans) {
        const [left, right] = [x.getPixelForValue(fromMs), x.getPixelForValue(toMs)]
        ctx.fillStyle = withOpacity(theme.bad, 0.12)
        ctx.fillRect(left, chartArea.top, Math.max(2, right - left), chartArea.height)
        ctx.fillStyle = theme.bad
        ctx.fillRect(left, chartArea.top, Math.max(2, right - left), 3)
      }
      const trace = (points: readonly { x: number; y: number }[]) => {
        for (const point of points) ctx.lineTo(x.getPixelForValue(point.x), y.getPixelForValue(point.y))
      }
      ctx.beginPath()
      trace(band.map(each => ({ x: each.x, y: each.high })))
      trace(band.map(each => ({ x: each.x, y: each.low })).reverse())
      ctx.fillStyle = withOpacity(theme.accent, 0.16)
      ctx.fill()
      ctx.beginPath()
      trace(band.map(each => ({ x: each.x, y: each.normal })))
      ctx.strokeStyle = withOpacity(theme.accent, 0.7)
      ctx.lineWidth = 1.5
      ctx.stroke()
      ctx.restore()
    },
  }
}

function setScales(chart: Chart<'line', Point[]>, x: Limits, y: Scale, theme: Theme, label: (ms: number) => string) {
  const ticks = { color: theme.muted, font: { family: theme.font, size: 12 } }
  const isYear = x.min === 0
  if (chart.options.scales?.x) {
    Object.assign(chart.options.scales.x, {
      ...x,
      ticks: { ...ticks, maxRotation: 0, callback: (value: string | number) => label(Number(value)) },
      afterBuildTicks: (axis: { width: number; ticks: { value: number }[] }) => {
        const most = Math.max(2, Math.floor(axis.width / (isYear ? 44 : 84)))
        axis.ticks = monthTicks(x, most).map(value => ({ value }))
      },
    })
  }
  if (chart.options.scales?.y) {
    Object.assign(chart.options.scales.y, {
      ...{ min: y.min, max: y.max },
      grid: { color: theme.grid, drawTicks: false },
      ticks: {
        ...ticks,
        padding: 8,
        stepSize: y.step,
        callback: (value: string | number) => formatFixed(Number(value), decimalsOf(y.step)),
      },
    })
  }
  if (chart.options.plugins?.tooltip) Object.assign(chart.options.plugins.tooltip, tooltipTheme(theme))
}

function seriesSets(
  points: readonly SitePoint[],
  theme: Theme,
  clock: Clock,
  nowMs: number,
): ChartDataset<'line', Point[]>[] {
  const pointOf = ({ ms, ndvi, difference, row, isClear }: SitePoint): Point => ({
    ...{ x: ms, y: ndvi },
    lines: [
      clock.utcDay(ms, nowMs),
      `NDVI ${formatNdvi(ndvi)}${isClear === false ? ', not clear' : ''}`,
      ...(difference === null ? [] : [`${formatDifference(difference)} from normal`]),
      row.image_id,
    ],
  })
  const setOf = (of: readonly SitePoint[], style: Partial<ChartDataset<'line', Point[]>>) => ({
    ...{ data: of.map(pointOf), showLine: false, pointHoverRadius: 6, clip: 6 as const },
    ...style,
  })
  const isUsual = (point: SitePoint) => point.isClear !== false && !point.isUnusual
  return [
    setOf(points.filter(isUsual), {
      ...{ pointRadius: 3, pointBackgroundColor: theme.accent, pointBorderColor: theme.surface, pointBorderWidth: 1 },
    }),
    setOf(
      points.filter(point => point.isUnusual),
      { pointStyle: 'rectRot', pointRadius: 5, pointBackgroundColor: theme.bad, pointBorderColor: theme.surface },
    ),
    setOf(
      points.filter(point => point.isClear === false),
      { pointStyle: 'crossRot', pointRadius: 3, pointBorderColor: theme.muted, pointBorderWidth: 1, order: 1 },
    ),
  ]
}

/** Lines of the years: the newest strong, the one before dark, older ones pale. */
function yearSets(years: readonly YearLine[], theme: Theme, clock: Clock): ChartDataset<'line', Point[]>[] {
  return years.toReversed().map(({ year, points }, age) => {
    const colour = age === 0 ? theme.bad : age === 1 ? theme.ink : withOpacity(theme.muted, 0.45)
    return {
      data: points.map(({ x, y, ms }) => ({
        ...{ x, y },
        lines: [clock.utcDay(ms, 0), `NDVI ${formatNdvi(y)}`],
      })),
      label: String(year),
      ...{ borderColor: colour, pointBackgroundColor: colour, pointBorderColor: colour },
      borderWidth: age === 0 ? 2.5 : 1.25,
      pointRadius: age === 0 ? 2.5 : 0,
      ...{ pointHoverRadius: 5, clip: 6 as const, order: age },
    }
  })
}
