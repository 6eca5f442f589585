import type { Logger } from '../ports/logger.ts'
import { withoutRepeats } from './repeated-warnings.ts'

/**
 * Logger that writes one JSON object on each line of a text stream, such as standard error.
 *
 * @param write writes a line with its line break; never throws
 */
export function jsonLogger(write: (line: string) => void, now: () => number = Date.now): Logger {
  const line =
    (level: string): Logger['info'] =>
    (message, fields = {}) =>
      write(`${JSON.stringify({ time: new Date(now()).toISOString(), level, message, ...fields })}\n`)
  return withoutRepeats({ info: line('info'), warn: line('warn') }, now)
}
