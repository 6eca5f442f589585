import {
  Chart,
  type ChartDataset,
  LinearScale,
  LineController,
  LineElement,
  type Plugin,
  PointElement,
  Tooltip,
} from 'chart.js'
import { decimalsOf, timeTicks } from '../view-models/axis.ts'
import { type Clock, formatDifference, formatFixed, formatNdvi, plural } from '../view-models/format.ts'
import type { TrendLine, TrendPoint, TrendView } from '../view-models/trend.ts'
import { type EndLabel, endLabelsPlugin } from './end-labels-plugin.ts'
import { DIMMED, type Theme, tooltipTheme, withOpacity } from './theme.ts'

Chart.register(LineController, LineElement, PointElement, LinearScale, Tooltip)

/** Min width for names next to the lines. On narrower charts the list below the chart names them. */
const NARROW_PX = 520
const LABELS_PX = 172
const POINT_STYLES = ['circle', 'rect', 'triangle', 'rectRot', 'rectRounded'] as const

/** Line chart of the time series. `focus` is the class that is not dimmed. */
export type TrendChart = {
  update(view: TrendView, theme: Theme, focus: string | null, clock: Clock, nowMs: number): void
  /** True when the chart is wide enough for names next to the lines. */
  namesLines(): boolean
}

/** Creates the line chart: one line per class. The segment to a window that has not ended is dashed. */
export function createTrendChart(canvas: HTMLCanvasElement): TrendChart {
  let view: TrendView | undefined
  let labels: readonly EndLabel[] = []
  let theme: Theme | undefined

  const room: Plugin<'line'> = {
    id: 'room',
    beforeLayout(chart) {
      chart.options.layout = { padding: { top: 6, right: chart.width < NARROW_PX ? 10 : LABELS_PX } }
    },
  }
  const endLabels = endLabelsPlugin(chart => ({
    labels: chart.width < NARROW_PX ? [] : labels,
    font: theme?.font ?? 'sans-serif',
    ink: theme?.ink ?? '#000',
  }))

  const chart = new Chart<'line', TrendPoint[]>(canvas, {
    type: 'line',
    data: { datasets: [] },
    options: {
      parsing: false,
      normalized: true,
      animation: false,
      responsive: true,
      maintainAspectRatio: false,
      interaction: { mode: 'nearest', axis: 'xy', intersect: false },
      scales: {
        x: {
          type: 'linear',
          border: { display: false },
          grid: { display: false },
          afterBuildTicks: axis => {
            const limits = { min: axis.min, max: axis.max }
            const maxTicks = Math.max(2, Math.floor(axis.chart.width / 76))
            const offsetMs = view?.isDaily ? 0 : -new Date(axis.max).getTimezoneOffset() * 60_000
            axis.ticks = timeTicks(limits, maxTicks, offsetMs).map(value => ({ value }))
          },
        },
        y: { type: 'linear', border: { display: false }, ticks: { padding: 8 } },
      },
      plugins: {
        tooltip: {
          displayColors: false,
          callbacks: {
            title: items => view?.lines[items[0]?.datasetIndex ?? -1]?.label ?? '',
            label: item => tooltipLines(item.raw as TrendPoint, view),
          },
        },
      },
    },
    plugins: [room, endLabels],
  })

  return {
    namesLines: () => chart.width >= NARROW_PX,
    update(nextView, nextTheme, focus, clock, nowMs) {
      view = nextView
      theme = nextTheme
      const opacity = (line: TrendLine) => (focus === null || focus === line.className ? 1 : DIMMED)
      labels = nextView.lines.map((line, datasetIndex) => ({
        datasetIndex,
        text: line.label,
        colour: nextTheme.classes[line.colour] ?? nextTheme.ink,
        opacity: opacity(line),
      }))
      chart.data.datasets = nextView.lines.map(line => datasetOf(line, nextTheme, opacity(line)))
      const scales = scaleOptions(nextView, nextTheme, clock, nowMs)
      if (chart.options.scales?.x) Object.assign(chart.options.scales.x, scales.x)
      if (chart.options.scales?.y) Object.assign(chart.options.scales.y, scales.y)
      if (chart.options.plugins?.tooltip) Object.assign(chart.options.plugins.tooltip, tooltipTheme(theme))
      chart.update('none')
    },
  }
}

/** Options of the axes: limits, grid and tick labels. */
function scaleOptions(view: TrendView, theme: Theme, clock: Clock, nowMs: number) {
  const format = view.scale === 'ndvi' ? formatFixed : formatDifference
  const digits = decimalsOf(view.y.step)
  const timeLabel = (ms: number) => (view.isDaily ? clock.utcDay(ms, nowMs) : clock.minute(ms))
  const ticks = { color: theme.muted, font: { family: theme.font, size: 12 } }
  return {
    x: {
      ...view.x,
      ticks: { ...ticks, maxRotation: 0, callback: (value: string | number) => timeLabel(Number(value)) },
    },
    y: {
      min: view.y.min,
      max: view.y.max,
      grid: {
        color: (context: { tick?: { value: number } }) =>
          Math.abs(context.tick?.value ?? 1) < 1e-9 ? theme.muted : theme.grid,
        drawTicks: false,
      },
      ticks: {
        ...ticks,
        stepSize: view.y.step,
        padding: 8,
        callback: (value: string | number) => format(Number(value), digits),
      },
    },
  }
}

function datasetOf(line: TrendLine, theme: Theme, opacity: number): ChartDataset<'line', TrendPoint[]> {
  const colour = withOpacity(theme.classes[line.colour] ?? '#888888', opacity)
  const few = line.points.length <= 24
  return {
    data: line.points,
    borderColor: colour,
    borderWidth: 2,
    borderJoinStyle: 'round',
    pointStyle: POINT_STYLES[line.colour % POINT_STYLES.length] ?? 'circle',
    pointRadius: line.points.map(point => (few || point.alone ? 3 : 0)),
    pointHoverRadius: 5,
    pointBorderWidth: 2,
    pointBorderColor: colour,
    pointBackgroundColor: line.points.map(point => (point.filling ? theme.surface : colour)),
    segment: { borderDash: context => (line.points[context.p1DataIndex]?.filling ? [4, 4] : undefined) },
    order: opacity === 1 ? 0 : 1,
    clip: 8,
  }
}

function tooltipLines(point: TrendPoint, view: TrendView | undefined): string[] {
  const value =
    view?.scale === 'difference' ? `${formatDifference(point.y)} from normal` : `NDVI ${formatNdvi(point.y)}`
  return [`${point.time}  ${value}${point.filling ? ' so far' : ''}`, plural(point.count, 'image')]
}
