import type { Logger } from '../ports/logger.ts'
import { withoutRepeats } from './repeated-warnings.ts'

/**
 * One JSON object a line on a stream of text, such as standard error.
 *
 * @param write takes a line with its end; never throws
 */
export function jsonLogger(write: (line: string) => void, now: () => number = Date.now): Logger {
  const line =
    (level: string): Logger['info'] =>
    (message, fields = {}) =>
      write(`${JSON.stringify({ time: new Date(now()).toISOString(), level, message, ...fields })}\n`)
  return withoutRepeats({ info: line('info'), warn: line('warn') }, now)
}
