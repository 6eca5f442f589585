const CLEAR_LINE = '\r\x1b[2K'
const SHOW_EVERY_MS = 100

/**
 * Creates a progress line that is overwritten as work continues. It writes nothing when the stream is not a terminal.
 */
export function progressLine(stream: NodeJS.WriteStream): {
  /** Shows immediately what begins and may take a while. */
  begin(text: string): void
  /** @param text the line, or what makes it when it is shown */
  show(text: string | (() => string)): void
  clear(): void
} {
  let shownMs = Number.NEGATIVE_INFINITY
  let isShown = false
  const begin = (text: string): void => {
    if (!stream.isTTY) return
    stream.write(CLEAR_LINE + text)
    shownMs = performance.now()
    isShown = true
  }
  return {
    begin,
    show(text) {
      if (!stream.isTTY || performance.now() - shownMs < SHOW_EVERY_MS) return
      begin(typeof text === 'string' ? text : text())
    },
    clear() {
      if (isShown) stream.write(CLEAR_LINE)
      isShown = false
    },
  }
}

const WIDTH = 20

/**
 * Text that says how much of a file is read, with a bar.
 *
 * @param share of the file that was read, 0 to 1; NaN where it is not known
 */
export function rowsRead(rows: number, share: number, path: string): string {
  if (Number.isNaN(share)) return `${rows} rows of ${path}`
  const bar = '#'.repeat(Math.floor(share * WIDTH)).padEnd(WIDTH, '.')
  return `[${bar}] ${Math.floor(share * 100)}%: ${rows} rows of ${path}`
}
