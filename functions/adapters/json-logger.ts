import type { Logger } from '../ports/logger.ts'

/** One JSON object a line on a stream of text, such as standard error. */
export function jsonLogger(write: (line: string) => void, now: () => number = Date.now): Logger {
  const line =
    (level: string) =>
    (message: string, fields: Record<string, unknown> = {}) => {
      write(`${JSON.stringify({ time: new Date(now()).toISOString(), level, message, ...fields })}\n`)
    }
  return { info: line('info'), warn: line('warn') }
}
