import { SPEED_RETENTION_MS } from '../core/retention.ts'
import { READERS_MS } from './view.ts'
import type { ViewReader } from './view-reader.ts'

/**
 * Computes the arrival slot before which rows may be deleted, ms. Events that no view counts are answered only from
 * rows, however old these are. Rows that a new view counts may still be read by readers that read the previous view.
 */
export async function expiredBefore(
  nowMs: number,
  views: Pick<ViewReader, 'asOf'>,
  ttlMs: number = SPEED_RETENTION_MS,
): Promise<number> {
  const view = await views.asOf(nowMs - READERS_MS)
  if (!view) return 0
  return Math.min(nowMs - ttlMs, view.cut)
}
