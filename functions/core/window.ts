import { MINUTE_MS } from './time.ts'

/** Windows tumble every ten minutes of event time, aligned to the epoch; a window is named by its start in ms. */
export const WINDOW_MS = 10 * MINUTE_MS

/** How long after its end a window is still open: an event that arrives later is late (and counts all the same). */
export const LATENESS_MS = 5 * MINUTE_MS

export function windowOf(eventMs: number): number {
  return Math.floor(eventMs / WINDOW_MS) * WINDOW_MS
}

export function isLate(eventMs: number, arrivalMs: number): boolean {
  return arrivalMs >= windowOf(eventMs) + WINDOW_MS + LATENESS_MS
}
