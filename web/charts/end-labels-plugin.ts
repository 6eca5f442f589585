import type { Chart, Plugin } from 'chart.js'
import { spreadApart } from '../view-models/axis.ts'
import { shortened } from './shortened.ts'

/** Name of a line, drawn at its end. */
export type EndLabel = { datasetIndex: number; text: string; colour: string; opacity: number }

const LINE_PX = 15

/** Chart.js plugin that draws each line's name next to its last point. Names that would overlap are moved apart. */
export function endLabelsPlugin(
  read: (chart: Chart) => { labels: readonly EndLabel[]; font: string; ink: string },
): Plugin<'line'> {
  return {
    id: 'endLabels',
    afterDatasetsDraw(chart: Chart<'line'>) {
      const { ctx, chartArea } = chart
      const { labels, font, ink } = read(chart)
      const placed = labels.flatMap(label => {
        const points = chart.getDatasetMeta(label.datasetIndex).data
        const last = points.findLast(point => Number.isFinite(point.y) && !(point as { skip?: boolean }).skip)
        return last ? [{ label, x: last.x, y: last.y }] : []
      })
      const positions = spreadApart(
        placed.map(({ y }) => y),
        LINE_PX,
        { min: chartArea.top + 2, max: chartArea.bottom - 2 },
      )
      ctx.save()
      ctx.textAlign = 'left'
      ctx.textBaseline = 'middle'
      ctx.font = `500 12px ${font}`
      ctx.lineWidth = 1.5
      for (const [index, { label, x, y }] of placed.entries()) {
        const at = positions[index] ?? y
        ctx.globalAlpha = label.opacity
        ctx.strokeStyle = label.colour
        ctx.beginPath()
        ctx.moveTo(x + 6, y)
        ctx.lineTo(chartArea.right + 12, at)
        ctx.lineTo(chartArea.right + 16, at)
        ctx.stroke()
        ctx.fillStyle = ink
        const nameX = chartArea.right + 20
        ctx.fillText(shortened(ctx, label.text, chart.width - nameX), nameX, at)
      }
      ctx.restore()
    },
  }
}
