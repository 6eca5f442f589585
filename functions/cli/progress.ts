const CLEAR_LINE = '\r\x1b[2K'
const SHOW_EVERY_MS = 100

/**
 * Creates a progress line that is overwritten as work continues. It writes nothing when the stream is not a terminal.
 */
export function progressLine(stream: NodeJS.WriteStream): { show(text: string): void; clear(): void } {
  let shownMs = Number.NEGATIVE_INFINITY
  let isShown = false
  return {
    show(text) {
      const now = performance.now()
      if (!stream.isTTY || now - shownMs < SHOW_EVERY_MS) return
      stream.write(CLEAR_LINE + text)
      shownMs = now
      isShown = true
    },
    clear() {
      if (isShown) stream.write(CLEAR_LINE)
      isShown = false
    },
  }
}
