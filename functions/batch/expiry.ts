import { DAY_MS, MINUTE_MS } from '../core/time.ts'
import type { View } from './view.ts'

/** How long speed rows and alerts are kept: well above the log's retention. */
export const SPEED_TTL_MS = 28 * DAY_MS

/** An answer reads the view before the rows; none takes this long. */
export const READERS_MS = 10 * MINUTE_MS

/**
 * Before which arrival slot rows may go, ms: what no view counts is answered from the rows alone, however old they are,
 * and what a view counts since just now may still be read as rows by who has read the view before.
 */
export function expiredBefore(nowMs: number, view: View | undefined, ttlMs: number = SPEED_TTL_MS): number {
  if (!view || nowMs - Date.parse(view.publishedAt) < READERS_MS) return 0
  return Math.min(nowMs - ttlMs, view.cut)
}
