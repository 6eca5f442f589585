import type { Detection } from '../looks/detection.ts'
import { DAY_MS } from '../time.ts'
import { afterDays as afterChangeDays, type ClassChange } from './class-change.ts'
import { afterDays as afterClearDays, type NoClearLook } from './no-clear-look.ts'
import type { Direction } from './site-change.ts'

/** Looks of one class on one day (UTC). */
export interface ClassDay {
  dayMs: number
  /** Looks at land, and how many the season gives, of looks whose season is known. */
  land: number
  expected: number
  /** Distances of looks at land without a site from normal, thousandths of a standard deviation. */
  scores: number[]
}

/** Last days of a class, and its incidents. */
export interface ClassWatch {
  days: readonly ClassDay[]
  noClearLooks: readonly NoClearLook[]
  changes: Record<Direction, readonly ClassChange[]>
}

export const NO_DAYS: ClassWatch = { days: [], noClearLooks: [], changes: { drop: [], rise: [] } }

/** Fields of a look that the incidents of a class are computed from. */
export interface ClassLook {
  eventMs: number
  isLand: boolean
  /** Share of looks at land in the season; null while it is not known. */
  seasonShare: number | null
  /** Null for looks that are not land, have a site, or came while the class learned. */
  score: number | null
}

/** State after the next look, in the order of event time. The first look of a day ends the days before. */
export function afterClassLook(watch: ClassWatch, look: ClassLook, detection: Detection): ClassWatch {
  const dayMs = look.eventMs - (look.eventMs % DAY_MS)
  const last = watch.days.at(-1)
  if (last?.dayMs === dayMs) return { ...watch, days: [...watch.days.slice(0, -1), withLook(last, look)] }
  const longest = Math.max(detection.clearDays, detection.classDays) * DAY_MS
  const days = watch.days.filter(day => day.dayMs >= dayMs - longest)
  const changesOf = (direction: Direction) =>
    afterChangeDays(watch.changes[direction], days, look.eventMs, direction, detection)
  return {
    days: [...days, withLook({ dayMs, land: 0, expected: 0, scores: [] }, look)],
    noClearLooks: afterClearDays(watch.noClearLooks, days, look.eventMs, detection),
    changes: { drop: changesOf('drop'), rise: changesOf('rise') },
  }
}

/** Adds to the scores in place: a day may have many thousand looks. */
function withLook(day: ClassDay, { isLand, seasonShare, score }: ClassLook): ClassDay {
  if (score !== null) day.scores.push(score)
  if (seasonShare === null) return day
  return { ...day, land: day.land + (isLand ? 1 : 0), expected: day.expected + seasonShare }
}
