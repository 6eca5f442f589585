import { MINUTE_MS } from './time.ts'

/**
 * Length of a window, ms. Windows are tumbling, by event time, aligned to the epoch. A window is named by its start in
 * ms.
 */
export const WINDOW_MS = 10 * MINUTE_MS

/** Window of an event: its start, ms. */
export function windowOf(eventMs: number): number {
  return Math.floor(eventMs / WINDOW_MS) * WINDOW_MS
}

/**
 * Returns true when an event arrived at the end of the allowed lateness of its window, or later.
 *
 * @param latenessMs allowed lateness for the record's arrival: latenessAt
 */
export function isLate(eventMs: number, arrivalMs: number, latenessMs: number): boolean {
  return arrivalMs >= windowOf(eventMs) + WINDOW_MS + latenessMs
}
