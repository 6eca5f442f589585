import type { RowKey, SpeedRow } from '../ports/speed-store.ts'

/** Rows that a warm process keeps in memory. Compare-and-set detects a row that is outdated. */
export type RowCache = Map<string, SpeedRow>
const MAX_CACHED_ROWS = 500

/** Key of a row in the cache: slot, lane and window. */
export function cacheKey({ slot, lane, windowStart }: RowKey): string {
  return `${slot}/${lane}/${windowStart}`
}

/**
 * Removes the rows that were written longest ago. A map keeps insertion order, and a written row is inserted again at
 * the end.
 */
export function trimCache(cache: RowCache): void {
  for (const key of cache.keys()) {
    if (cache.size <= MAX_CACHED_ROWS) return
    cache.delete(key)
  }
}
