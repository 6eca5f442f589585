import type { Failing, Failures } from '../../ports/failures.ts'
import type { Logger } from '../../ports/logger.ts'

/** Registry of what fails at present, for health. */
export interface FailureRegistry extends Failures {
  failing(): Failing[]
}

const MOST_CHARACTERS = 300

/**
 * Creates the registry of failures of this process. When a component that health named as failing works again, the log
 * says so, with the number of failures and the time since the first.
 *
 * @param elapsedMs monotonic clock, ms
 */
export function failureRegistry(
  elapsedMs: () => number,
  logger: Pick<Logger, 'info'> = { info() {} },
): FailureRegistry {
  const rows = new Map<string, { sinceMs: number; count: number; tolerated: number; message: string }>()
  return {
    failed(component, error, tolerated = 0) {
      const { sinceMs, count } = rows.get(component) ?? { sinceMs: elapsedMs(), count: 0 }
      const [line = ''] = (error instanceof Error ? error.message : String(error)).split('\n')
      rows.set(component, { sinceMs, count: count + 1, tolerated, message: line.slice(0, MOST_CHARACTERS) })
    },
    recovered(component) {
      const row = rows.get(component)
      if (!row) return
      rows.delete(component)
      const { sinceMs, count, tolerated } = row
      if (count > tolerated)
        logger.info('recovered', { component, failures: count, forMs: Math.round(elapsedMs() - sinceMs) })
    },
    failing: () =>
      Array.from(rows)
        .filter(([, { count, tolerated }]) => count > tolerated)
        .map(([component, { sinceMs, count, message }]) => ({
          component,
          forMs: elapsedMs() - sinceMs,
          count,
          message,
        })),
  }
}
