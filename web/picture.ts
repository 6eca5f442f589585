import type { Theme } from './charts/theme.ts'

/** Chart and texts of a picture that the reader saves. */
export type PictureOptions = {
  chart: HTMLCanvasElement
  title: string
  note: string
  /** Names and colours of the lines, when the chart itself does not name them. */
  legend: readonly { label: string; colour: string }[]
  theme: Theme
}

const MARGIN = 24
const LINE = 22

/** Renders a chart as a PNG with the page's background, a title, a note and a legend. */
export function pictureOf({ chart, title, note, legend, theme }: PictureOptions): Promise<Blob> {
  const scale = chart.width / chart.clientWidth
  const width = chart.clientWidth + 2 * MARGIN
  const picture = document.createElement('canvas')
  const context = picture.getContext('2d') as CanvasRenderingContext2D
  const places = legendPlaces(context, legend, theme, chart.clientWidth)
  const head = MARGIN + 2 * LINE + 8
  const legendTop = head + chart.clientHeight + 12
  const height = legendTop + ((places.at(-1)?.row ?? -1) + 1) * LINE + MARGIN
  picture.width = width * scale
  picture.height = height * scale
  context.scale(scale, scale)
  context.fillStyle = theme.surface
  context.fillRect(0, 0, width, height)
  context.textBaseline = 'middle'
  context.fillStyle = theme.ink
  context.font = `650 17px ${theme.font}`
  context.fillText(title, MARGIN, MARGIN + LINE / 2)
  context.fillStyle = theme.muted
  context.font = `400 13px ${theme.font}`
  context.fillText(note, MARGIN, MARGIN + 1.5 * LINE)
  context.drawImage(chart, MARGIN, head, chart.clientWidth, chart.clientHeight)
  context.font = legendFont(theme)
  for (const { label, colour, row, x } of places) {
    const y = legendTop + (row + 0.5) * LINE
    context.fillStyle = colour
    context.beginPath()
    context.arc(MARGIN + x + 5, y, 5, 0, 2 * Math.PI)
    context.fill()
    context.fillStyle = theme.ink
    context.fillText(label, MARGIN + x + 16, y)
  }
  return new Promise((resolve, reject) =>
    picture.toBlob(
      blob => (blob ? resolve(blob) : reject(new Error('the browser could not create the picture'))),
      'image/png',
    ),
  )
}

const legendFont = (theme: Theme) => `500 12px ${theme.font}`

/** Positions of the legend's entries: left to right, in as many rows as needed. */
function legendPlaces(
  context: CanvasRenderingContext2D,
  legend: PictureOptions['legend'],
  theme: Theme,
  width: number,
): { label: string; colour: string; row: number; x: number }[] {
  context.font = legendFont(theme)
  let [row, x] = [0, 0]
  return legend.map(entry => {
    const needed = context.measureText(entry.label).width + 36
    if (x > 0 && x + needed > width) [row, x] = [row + 1, 0]
    const place = { ...entry, row, x }
    x += needed
    return place
  })
}

/** Saves a file in the reader's download folder. */
export function save(blob: Blob, name: string): void {
  const link = document.createElement('a')
  link.href = URL.createObjectURL(blob)
  link.download = name
  link.click()
  // The browser must start reading the file before the URL is revoked.
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000)
}
