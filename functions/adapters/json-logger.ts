import { MINUTE_MS } from '../core/time.ts'
import type { Logger } from '../ports/logger.ts'

/** A warning that comes again within this time is counted instead of written. */
const REPEATED_MS = MINUTE_MS
/** Warnings that are told apart; of more, each is written. */
const MOST_KNOWN = 200

/**
 * One JSON object a line on a stream of text, such as standard error. What fails again and again, because a disk is full
 * say, is told once a minute, with the count of the same warnings that were not written since (`repeated`).
 *
 * @param write takes a line with its end; never throws
 */
export function jsonLogger(write: (line: string) => void, now: () => number = Date.now): Logger {
  const known = new Map<string, { writtenMs: number; repeated: number }>()

  function line(level: string, message: string, fields: Record<string, unknown>): void {
    write(`${JSON.stringify({ time: new Date(now()).toISOString(), level, message, ...fields })}\n`)
  }

  return {
    info: (message, fields = {}) => line('info', message, fields),
    warn(message, fields = {}) {
      const warning = JSON.stringify([message, fields])
      const before = known.get(warning)
      const sinceMs = before ? now() - before.writtenMs : REPEATED_MS
      // Where the clock was set back, nobody knows how long it has been.
      if (before && sinceMs >= 0 && sinceMs < REPEATED_MS) {
        before.repeated++
        return
      }
      known.delete(warning)
      known.set(warning, { writtenMs: now(), repeated: 0 })
      for (const oldest of known.keys()) {
        if (known.size <= MOST_KNOWN) break
        known.delete(oldest)
      }
      line('warn', message, before?.repeated ? { ...fields, repeated: before.repeated } : fields)
    },
  }
}
