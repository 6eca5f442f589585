import type { Detection } from '../looks/detection.ts'
import { DAY_MS } from '../time.ts'

/**
 * Incident: almost no looks at land of a class. The reason is clouds, or a producer whose images all look like clouds.
 */
export interface NoClearLook {
  state: 'confirmed' | 'recovered' | 'accepted'
  openedMs: number
  closedMs: number | null
  /** Looks at land in the days before it opened, and how many the season gives of as many looks. */
  land: number
  expected: number
}

/**
 * Incidents after a look on a new day, from the days before it. One opens when looks at land are at most a small share
 * of those that the season gives, and closes when they are half of them. So it does not open and close with each look.
 * One that lasts a year ends, and a new one opens.
 */
export function afterDays(
  incidents: readonly NoClearLook[],
  days: readonly { dayMs: number; land: number; expected: number }[],
  eventMs: number,
  { clearDays, clearPercent, minExpectedLooks, acceptDays }: Detection,
): readonly NoClearLook[] {
  const todayMs = eventMs - (eventMs % DAY_MS)
  const recent = days.filter(({ dayMs }) => dayMs >= todayMs - clearDays * DAY_MS)
  const land = recent.reduce((sum, day) => sum + day.land, 0)
  const expected = recent.reduce((sum, day) => sum + day.expected, 0)
  const last = incidents.at(-1)
  if (last && last.closedMs === null) {
    const acceptedMs = last.openedMs + acceptDays * DAY_MS
    if (eventMs >= acceptedMs) return [...incidents.slice(0, -1), { ...last, state: 'accepted', closedMs: acceptedMs }]
    if (land === 0 || 2 * land < expected) return incidents
    return [...incidents.slice(0, -1), { ...last, state: 'recovered', closedMs: eventMs }]
  }
  if (expected < minExpectedLooks || 100 * land > clearPercent * expected) return incidents
  return [...incidents, { state: 'confirmed', openedMs: eventMs, closedMs: null, land, expected: Math.round(expected) }]
}
