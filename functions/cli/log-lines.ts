import type { Answered } from '../runtime/local/answered.ts'
import { UsageError } from './command.ts'

/** Levels of the log, from the one that writes the most. */
export const LOG_LEVELS = ['debug', 'info', 'warn'] as const
export type LogLevel = (typeof LOG_LEVELS)[number]

/** @throws UsageError for another level */
export function parseLogLevel(text: string): LogLevel {
  const level = LOG_LEVELS.find(each => each === text)
  if (!level) throw new UsageError(`--log-level: '${text}' is none of ${LOG_LEVELS.join(', ')}`)
  return level
}

/**
 * Passes on the lines of the log that have a level or a higher one.
 *
 * @param write takes a line of JSON with its field `level`; never throws
 */
export function linesFrom(least: LogLevel, write: (line: string) => void): (line: string) => void {
  if (least === 'debug') return write
  return line => {
    const { level } = JSON.parse(line) as { level: string }
    const rank = (LOG_LEVELS as readonly string[]).indexOf(level)
    // A line of an unknown level is never dropped.
    if (rank === -1 || rank >= LOG_LEVELS.indexOf(least)) write(line)
  }
}

/** Writes a line for each answered request. */
export function requestLog(write: (line: string) => void): (answered: Answered) => void {
  return answered => {
    const time = new Date().toISOString()
    write(`${JSON.stringify({ time, level: 'debug', message: 'request', ...answered })}\n`)
  }
}
