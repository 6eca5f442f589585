import type { Detection } from '../looks/detection.ts'
import { DAY_MS } from '../time.ts'
import { medianOf } from './median.ts'
import type { Direction } from './site-change.ts'

/** Incident: NDVI of a class whose looks have no sites has changed. */
export interface ClassChange {
  state: 'confirmed' | 'recovered' | 'accepted'
  openedMs: number
  closedMs: number | null
  /** Median distance from normal in the days before it opened, standard deviations. */
  z: number
}

/**
 * Incidents after a look on a new day, from the days before it. One opens when the median look of each half of the
 * last 40 days is unusual: a drop that lasts, not a batch of images of other ground. It closes when the median of the
 * newer half is less than half as far from normal.
 */
export function afterDays(
  incidents: readonly ClassChange[],
  days: readonly { dayMs: number; scores: readonly number[] }[],
  eventMs: number,
  direction: Direction,
  { classDays, classUnusualZ, minHalfLooks, acceptDays }: Detection,
): readonly ClassChange[] {
  const sign = direction === 'drop' ? -1 : 1
  const todayMs = eventMs - (eventMs % DAY_MS)
  const halfMs = todayMs - (classDays / 2) * DAY_MS
  const scoresOf = (isMeant: (dayMs: number) => boolean) =>
    days.flatMap(({ dayMs, scores }) => (isMeant(dayMs) ? scores.map(score => sign * score) : []))
  const newer = scoresOf(dayMs => dayMs >= halfMs)
  const last = incidents.at(-1)
  if (last && last.closedMs === null) {
    const acceptedMs = last.openedMs + acceptDays * DAY_MS
    if (eventMs >= acceptedMs) return [...incidents.slice(0, -1), { ...last, state: 'accepted', closedMs: acceptedMs }]
    if (newer.length < minHalfLooks || 2 * medianOf(newer) > 1_000 * classUnusualZ) return incidents
    return [...incidents.slice(0, -1), { ...last, state: 'recovered', closedMs: eventMs }]
  }
  const older = scoresOf(dayMs => dayMs >= todayMs - classDays * DAY_MS && dayMs < halfMs)
  const isUnusual = (scores: readonly number[]) =>
    scores.length >= minHalfLooks && medianOf(scores) >= 1_000 * classUnusualZ
  if (!isUnusual(newer) || !isUnusual(older)) return incidents
  const z = (sign * medianOf([...older, ...newer])) / 1_000
  return [...incidents, { state: 'confirmed', openedMs: eventMs, closedMs: null, z }]
}
