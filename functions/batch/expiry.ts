import { DAY_MS } from '../core/time.ts'
import { READERS_MS } from './view.ts'
import type { ViewReader } from './view-reader.ts'

/** How long speed rows and alerts are kept: well above the log's retention. */
export const SPEED_TTL_MS = 28 * DAY_MS

/**
 * Before which arrival slot rows may go, ms: what no view counts is answered from the rows alone, however old they are,
 * and what a view counts since just now may still be read as rows by who has read the view before.
 */
export async function expiredBefore(
  nowMs: number,
  views: Pick<ViewReader, 'asOf'>,
  ttlMs: number = SPEED_TTL_MS,
): Promise<number> {
  const view = await views.asOf(nowMs - READERS_MS)
  if (!view) return 0
  return Math.min(nowMs - ttlMs, view.cut)
}
