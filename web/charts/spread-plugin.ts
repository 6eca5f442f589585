import type { Chart, Plugin } from 'chart.js'

/** Values that the plugin draws over the bar with the same index. */
export type Spread = {
  mean: number | null
  sd: number | null
  baseline: number | null
  opacity: number
}

/** Colours of the strokes, and of their outline. */
export type SpreadStyle = { ink: string; surface: string }

/**
 * Chart.js plugin that draws a whisker of ± 1 sd around the end of each horizontal bar, and a tall tick at the
 * baseline. Each stroke has an outline in the surface colour, so that it is visible on the bar and next to it.
 */
export function spreadPlugin(read: () => { spreads: readonly Spread[]; style: SpreadStyle }): Plugin<'bar'> {
  return {
    id: 'spread',
    afterDatasetsDraw(chart: Chart<'bar'>) {
      const { ctx, chartArea, scales } = chart
      const axis = scales.x
      if (!axis) return
      const { spreads, style } = read()
      const bars = chart.getDatasetMeta(0).data
      ctx.save()
      ctx.beginPath()
      ctx.rect(chartArea.left - 2, chartArea.top, chartArea.width + 4, chartArea.height)
      ctx.clip()
      ctx.lineCap = 'round'
      for (const [index, spread] of spreads.entries()) {
        const bar = bars[index] as unknown as { y: number; height: number } | undefined
        if (!bar) continue
        ctx.globalAlpha = spread.opacity
        if (spread.mean !== null && spread.sd !== null) {
          const from = axis.getPixelForValue(spread.mean - spread.sd)
          const to = axis.getPixelForValue(spread.mean + spread.sd)
          const cap = Math.min(3.5, bar.height / 3)
          const path = new Path2D(
            `M${from} ${bar.y}H${to}M${from} ${bar.y - cap}v${2 * cap}M${to} ${bar.y - cap}v${2 * cap}`,
          )
          stroke(ctx, path, 1.5, style)
        }
        if (spread.baseline !== null) {
          const x = axis.getPixelForValue(spread.baseline)
          const half = bar.height / 2 + 4
          stroke(ctx, new Path2D(`M${x} ${bar.y - half}v${2 * half}`), 2.5, style)
        }
      }
      ctx.restore()
    },
  }
}

function stroke(ctx: CanvasRenderingContext2D, path: Path2D, width: number, style: SpreadStyle) {
  ctx.lineWidth = width + 2.5
  ctx.strokeStyle = style.surface
  ctx.stroke(path)
  ctx.lineWidth = width
  ctx.strokeStyle = style.ink
  ctx.stroke(path)
}
