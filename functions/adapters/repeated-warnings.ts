import { MINUTE_MS } from '../core/time.ts'
import type { Logger } from '../ports/logger.ts'

/** A warning that comes again within this time is counted instead of written. */
const REPEATED_MS = MINUTE_MS
/** Maximum number of warnings that are counted separately. Further ones are written each time. */
const MAX_KNOWN = 200

/**
 * Writes a warning that comes again and again, because a disk is full for example, once a minute. Its field `repeated`
 * counts the same warnings that were not written since. Information is written each time.
 */
export function withoutRepeats(logger: Logger, now: () => number = Date.now): Logger {
  const known = new Map<string, { writtenMs: number; repeated: number }>()
  return {
    info: (message, fields) => logger.info(message, fields),
    warn(message, fields = {}) {
      const warning = JSON.stringify([message, fields])
      const before = known.get(warning)
      const sinceMs = before ? now() - before.writtenMs : REPEATED_MS
      // After the clock was set back, the time since is not known.
      if (before && sinceMs >= 0 && sinceMs < REPEATED_MS) {
        before.repeated++
        return
      }
      known.delete(warning)
      known.set(warning, { writtenMs: now(), repeated: 0 })
      for (const oldest of known.keys()) {
        if (known.size <= MAX_KNOWN) break
        known.delete(oldest)
      }
      logger.warn(message, before?.repeated ? { ...fields, repeated: before.repeated } : fields)
    },
  }
}
