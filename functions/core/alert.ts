import type { ImageEvent } from './event.ts'
import { dayOf } from './time.ts'
import type { Totals } from './totals.ts'
import { addEach, statisticsOf } from './totals.ts'

/** What is normal for each class, as of one batch view. NDVI as NDVI. */
export interface Baseline {
  /** The view's revision; 0 before the first. */
  version: number
  classes: ReadonlyMap<string, { ndviMean: number; ndviStddev: number }>
}

export const NO_BASELINE: Baseline = { version: 0, classes: new Map() }

/** Classes of fewer events than this have no normal yet. */
const MIN_EVENTS = 10

/** @param totalsByClass any number of totals per class, say one per day */
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
 * Judges one event: how far off it is (in standard deviations, signed) when it is an anomaly, null when it is not or
 * cannot be judged. Pure: the same event and baseline give the same score.
 */
export interface Rule {
  name: string
  score(event: ImageEvent, baseline: Baseline): number | null
}

/** An anomaly. Its key is (class, day, timestamp, image id): writing it twice is writing it once. */
export interface Alert {
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

/** The alert of the first rule that finds the event anomalous, or null. */
export function judge(event: ImageEvent, rules: readonly Rule[], baseline: Baseline): Alert | null {
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
