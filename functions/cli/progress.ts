const CLEAR_LINE = '\r\x1b[2K'
const SHOW_EVERY_MS = 100

/**
 * Creates a progress line that is overwritten as work continues. It writes nothing when the stream is not a terminal.
 */
export function progressLine(stream: NodeJS.WriteStream): {
  /** False when it writes nothing. */
  isShown: boolean
  /** @param text the line, or what makes it when it is shown */
  show(text: string | (() => string)): void
  clear(): void
} {
  let shownMs = Number.NEGATIVE_INFINITY
  let isShown = false
  return {
    isShown: stream.isTTY === true,
    show(text) {
      const now = performance.now()
      if (!stream.isTTY || now - shownMs < SHOW_EVERY_MS) return
      stream.write(CLEAR_LINE + (typeof text === 'string' ? text : text()))
      shownMs = now
      isShown = true
    },
    clear() {
      if (isShown) stream.write(CLEAR_LINE)
      isShown = false
    },
  }
}

const WIDTH = 20

/**
 * Text of how far a file is read: a bar, where the number of its rows is known.
 *
 * @param total about the number of rows; null when it is not known
 */
export function rowsRead(row: number, total: number | null, path: string): string {
  // A row may have several lines or a line several rows, so the total may be exceeded.
  if (total === null || row > total) return `${row} rows of ${path}`
  const share = row / total
  const bar = '#'.repeat(Math.floor(share * WIDTH)).padEnd(WIDTH, '.')
  return `[${bar}] ${Math.floor(share * 100)}%: ${row} of about ${total} rows of ${path}`
}
