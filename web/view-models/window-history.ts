import type { WindowRow } from '../rows.ts'

/** The newest version of every window seen, per class, oldest first. */
export type WindowHistory = ReadonlyMap<string, readonly WindowRow[]>

/** A day of 10-minute windows: what an open page keeps per class. */
export const HISTORY_LIMIT = 144

export const EMPTY_HISTORY: WindowHistory = new Map()

/**
 * The history with the newly fetched windows in it. A window seen before is replaced, because late events change it.
 * Of each class the newest `limit` windows stay.
 */
export function remember(history: WindowHistory, rows: readonly WindowRow[], limit = HISTORY_LIMIT): WindowHistory {
  const next = new Map(history)
  for (const [className, fresh] of Map.groupBy(rows, row => row.class_name)) {
    const byStart = new Map(
      [...(history.get(className) ?? []), ...fresh].map(row => [Date.parse(row.window_start), row]),
    )
    const sorted = [...byStart].sort(([a], [b]) => a - b).map(([, row]) => row)
    next.set(className, sorted.slice(-limit))
  }
  return next
}

/** Each class's newest window. */
export function newestWindows(history: WindowHistory): Map<string, WindowRow> {
  return new Map(
    [...history].flatMap(([className, rows]) => {
      const newest = rows.at(-1)
      return newest ? [[className, newest] as const] : []
    }),
  )
}
