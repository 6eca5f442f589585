import {
  BarController,
  BarElement,
  CategoryScale,
  Chart,
  type ChartDataset,
  LinearScale,
  type Plugin,
  Tooltip,
} from 'chart.js'
import { decimalsOf } from '../view-models/axis.ts'
import { formatDifference, formatFixed, formatNdvi, plural } from '../view-models/format.ts'
import { countLabel, type NowBar, type NowView } from '../view-models/now.ts'
import { shortened } from './shortened.ts'
import { type Spread, spreadPlugin } from './spread-plugin.ts'
import { DIMMED, type Theme, tooltipTheme, withOpacity } from './theme.ts'

Chart.register(BarController, BarElement, CategoryScale, LinearScale, Tooltip)

/** Min width for names next to the bars. On narrower charts they are above the bars. */
const NARROW_PX = 440
const NAMES_PX = 152
const COUNTS_PX = 56
/** Room for the range and the number of images beside a name above its bar. */
const NARROW_COUNT_PX = 150

/** Bar chart of the newest windows. `focus` is the class that is not dimmed. */
export type NowChart = {
  update(view: NowView, theme: Theme, focus: string | null): void
}

/**
 * Creates the bar chart. Each class has a horizontal bar: mean of its newest window, ± 1 sd, baseline, number of
 * images.
 */
export function createNowChart(canvas: HTMLCanvasElement): NowChart {
  let bars: readonly NowBar[] = []
  let theme: Theme | undefined
  let spreads: readonly Spread[] = []
  let opacities: readonly number[] = []
  const chart = new Chart<'bar', { x: number; y: number }[]>(canvas, {
    type: 'bar',
    data: { labels: [], datasets: [{ data: [] }] },
    options: {
      indexAxis: 'y',
      parsing: false,
      animation: false,
      responsive: true,
      maintainAspectRatio: false,
      interaction: { mode: 'index', axis: 'y', intersect: false },
      scales: {
        y: { type: 'category', grid: { display: false }, border: { display: false }, ticks: { display: false } },
        x: { type: 'linear', border: { display: false }, ticks: { padding: 6 } },
      },
      plugins: {
        tooltip: {
          displayColors: false,
          callbacks: {
            title: items => bars[items[0]?.dataIndex ?? -1]?.label ?? '',
            label: item => tooltipLines(bars[item.dataIndex]),
          },
        },
      },
    },
    plugins: [
      namesPlugin(() => ({ bars, opacities, theme })),
      spreadPlugin(() => ({
        spreads,
        style: { ink: theme?.ink ?? '#000', surface: theme?.surface ?? '#fff' },
      })),
    ] as Plugin<'bar'>[],
  } as ConstructorParameters<typeof Chart<'bar', { x: number; y: number }[]>>[1])

  return {
    update(view, nextTheme, focus) {
      bars = view.bars
      theme = nextTheme
      opacities = bars.map(bar => (focus === null || focus === bar.className ? 1 : DIMMED))
      spreads = bars.map((bar, index) => ({
        mean: bar.mean,
        sd: bar.sd,
        baseline: bar.baseline,
        opacity: opacities[index] ?? 1,
      }))
      chart.data = { labels: bars.map(bar => bar.label), datasets: [datasetOf(bars, nextTheme, opacities)] }
      const x = chart.options.scales?.x
      const digits = decimalsOf(view.axis.step)
      const tooltip = chart.options.plugins?.tooltip
      if (x) {
        Object.assign(x, { min: view.axis.min, max: view.axis.max })
        x.grid = {
          color: context => (Math.abs(context.tick?.value ?? 1) < 1e-9 ? nextTheme.muted : nextTheme.grid),
          drawTicks: false,
        }
        x.ticks = {
          padding: 6,
          stepSize: view.axis.step,
          color: nextTheme.muted,
          font: { family: nextTheme.font, size: 12 },
          callback: value => formatFixed(Number(value), digits),
        }
      }
      if (tooltip) Object.assign(tooltip, tooltipTheme(nextTheme))
      chart.update('none')
    },
  }
}

/** Chart.js plugin that draws each class's name and number of images, next to the bar or above it. */
function namesPlugin(
  read: () => { bars: readonly NowBar[]; opacities: readonly number[]; theme: Theme | undefined },
): Plugin<'bar'> {
  const isNarrow = (chart: Chart) => chart.width < NARROW_PX
  return {
    id: 'names',
    beforeLayout(chart) {
      const narrow = isNarrow(chart)
      chart.options.layout = { padding: narrow ? { left: 2, right: 2 } : { left: NAMES_PX, right: COUNTS_PX } }
    },
    afterDatasetsDraw(chart) {
      const { bars, opacities, theme } = read()
      if (!theme) return
      const { ctx } = chart
      const narrow = isNarrow(chart)
      ctx.save()
      ctx.textBaseline = narrow ? 'alphabetic' : 'middle'
      for (const [index, bar] of bars.entries()) {
        const element = chart.getDatasetMeta(0).data[index] as unknown as { y: number; height: number } | undefined
        if (!element) continue
        const y = narrow ? element.y - element.height / 2 - 5 : element.y
        ctx.globalAlpha = Math.max(0.4, opacities[index] ?? 1)
        ctx.fillStyle = theme.ink
        ctx.font = `500 13px ${theme.font}`
        ctx.textAlign = 'left'
        ctx.fillText(shortened(ctx, bar.label, narrow ? chart.width - NARROW_COUNT_PX : NAMES_PX - 8), 2, y)
        const note = bar.olderRange ? `${bar.olderRange} · ` : ''
        ctx.fillStyle = theme.muted
        ctx.font = `400 12px ${theme.font}`
        ctx.textAlign = 'right'
        ctx.fillText((narrow ? note : '') + countLabel(bar), chart.width - 2, y)
        if (!narrow && bar.olderRange) {
          ctx.textAlign = 'left'
          ctx.font = `400 11px ${theme.font}`
          ctx.fillText(bar.olderRange, 2, y + 14)
        }
      }
      ctx.restore()
    },
  }
}

function datasetOf(
  bars: readonly NowBar[],
  theme: Theme,
  opacities: readonly number[],
): ChartDataset<'bar', { x: number; y: number }[]> {
  return {
    data: bars.map((bar, index) => ({ x: bar.mean ?? Number.NaN, y: index })),
    backgroundColor: bars.map((bar, index) =>
      // An older window is paler, because it is not "now".
      withOpacity(theme.classes[bar.colour] ?? '#888888', (bar.olderRange ? 0.45 : 0.92) * (opacities[index] ?? 1)),
    ),
    borderRadius: 4,
    maxBarThickness: 15,
    barPercentage: 0.9,
    categoryPercentage: 0.8,
  }
}

function tooltipLines(bar: NowBar | undefined): string[] {
  if (!bar) return []
  return [
    `mean ${formatNdvi(bar.mean)}${bar.sd === null ? '' : ` ± ${formatFixed(bar.sd, 3)}`}`,
    ...(bar.baseline === null || bar.mean === null
      ? []
      : [`normal ${formatNdvi(bar.baseline)} (${formatDifference(bar.mean - bar.baseline)})`]),
    ...(bar.count === null ? [] : [plural(bar.count, 'image')]),
    ...(bar.olderRange === null ? [] : [`from ${bar.olderRange}`]),
  ]
}
