import { MINUTE_MS } from './time.ts'

/**
 * Length of a window, ms. Windows are tumbling, by event time, aligned to the epoch. A window is named by its start in
 * ms.
 */
export const WINDOW_MS = 10 * MINUTE_MS

/**
 * Allowed lateness: time for which a window stays open after its end, ms. An event that arrives later is late, and
 * counts.
 */
export const LATENESS_MS = 5 * MINUTE_MS

/** Window of an event: its start, ms. */
export function windowOf(eventMs: number): number {
  return Math.floor(eventMs / WINDOW_MS) * WINDOW_MS
}

/** Returns true when an event arrived at the end of the allowed lateness of its window, or later. */
export function isLate(eventMs: number, arrivalMs: number): boolean {
  return arrivalMs >= windowOf(eventMs) + WINDOW_MS + LATENESS_MS
}
