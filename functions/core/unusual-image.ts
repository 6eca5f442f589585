import type { ImageEvent } from './event.ts'
import { dayOf } from './time.ts'
import type { Totals } from './totals.ts'
import { addEach, statisticsOf } from './totals.ts'

/** Mean and standard deviation of NDVI for each class, from one batch view. Unit: NDVI, -1 to 1. */
export interface Baseline {
  /** Revision of the view; 0 before the first view. */
  version: number
  classes: ReadonlyMap<string, { ndviMean: number; ndviStddev: number }>
}

export const NO_BASELINE: Baseline = { version: 0, classes: new Map() }

/** Minimum number of events for which a class has a baseline. */
const MIN_EVENTS = 10

/**
 * Computes the baseline of one view.
 *
 * @param version the revision of the view
 * @param totalsByClass any number of totals for each class, for example one for each day
 */
export function baselineOf(version: number, totalsByClass: Iterable<readonly [string, Totals]>): Baseline {
  const classes = new Map<string, { ndviMean: number; ndviStddev: number }>()
  const summed = new Map<string, Totals>()
  addEach(summed, totalsByClass)
  for (const [className, totals] of summed) {
    const { count, ndviMean, ndviStddev } = statisticsOf(totals)
    if (count >= MIN_EVENTS && ndviMean !== null && ndviStddev) classes.set(className, { ndviMean, ndviStddev })
  }
  return { version, classes }
}

/**
 * Rule that scores an event against the baseline. The score is signed, in standard deviations; null means that the
 * event is normal or cannot be judged. Pure: the same event and baseline give the same score.
 */
export interface Rule {
  name: string
  score(event: ImageEvent, baseline: Baseline): number | null
}

/**
 * Event that a rule found unusual. The API calls it an anomaly. The key is (class, day, timestamp, image id), so writing
 * it twice has no further effect.
 */
export interface UnusualImage {
  className: string
  /** UTC day of the event, YYYY-MM-DD. */
  day: string
  eventMs: number
  imageId: string
  /** NDVI in millionths. */
  ndviMean: number
  ndviMin: number | null
  ndviMax: number | null
  rule: string
  score: number
  baselineVersion: number
}

/** Judges an event: returns what the first rule that finds it unusual says, or null. */
export function judge(event: ImageEvent, rules: readonly Rule[], baseline: Baseline): UnusualImage | null {
  for (const rule of rules) {
    const score = rule.score(event, baseline)
    if (score === null) continue
    return {
      className: event.className,
      day: dayOf(event.eventMs),
      eventMs: event.eventMs,
      imageId: event.imageId,
      ndviMean: event.ndviMean,
      ndviMin: event.ndviMin,
      ndviMax: event.ndviMax,
      rule: rule.name,
      score,
      baselineVersion: baseline.version,
    }
  }
  return null
}
