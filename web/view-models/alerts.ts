import type { AlertRow } from '../rows.ts'
import { type ClassKey, classKeys } from './classes.ts'
import { type Clock, formatNdvi, formatScore } from './format.ts'

export type AlertItem = {
  /** Identity of the alert, equal for the same alert in the next answer. */
  key: string
  classKey: ClassKey
  imageId: string
  time: string
  /** ISO UTC. */
  timeTitle: string
  ndvi: string
  ndviTitle: string
  off: string
  /** Towards less or more vegetation than normal. */
  direction: 'below' | 'above' | null
  rule: string
  ruleTitle: string
}

/** What each rule compares; a rule that this page was not told of is shown by its name alone. */
const RULES: Record<string, string> = {
  'class-zscore': 'The image’s mean NDVI against the mean and sd of its class in the batch view.',
  'image-range': 'The image’s own minimum or maximum against its own mean and sd.',
}

/** The alerts as rows of a table, in the API's order (newest first); only those of `focus` if it is given. */
export function alertItems(rows: readonly AlertRow[], focus: string | null, clock: Clock, nowMs: number): AlertItem[] {
  const keys = new Map(classKeys(rows.map(row => row.class_name)).map(key => [key.className, key]))
  return rows.flatMap(row => {
    const classKey = keys.get(row.class_name)
    if (!classKey || (focus !== null && focus !== row.class_name)) return []
    const at = Date.parse(row.timestamp)
    return [
      {
        key: JSON.stringify([row.class_name, row.timestamp, row.image_id, row.rule]),
        classKey,
        imageId: row.image_id,
        time: clock.second(at, nowMs),
        timeTitle: new Date(at).toISOString(),
        ndvi: formatNdvi(row.ndvi_mean),
        ndviTitle: `within the image: ${formatNdvi(row.ndvi_min)} to ${formatNdvi(row.ndvi_max)}`,
        off: formatScore(row.score),
        direction: row.score === null ? null : row.score < 0 ? ('below' as const) : ('above' as const),
        rule: row.rule,
        ruleTitle: [RULES[row.rule], row.baseline_version && `Baseline ${row.baseline_version}.`]
          .filter(Boolean)
          .join(' '),
      },
    ]
  })
}

/** How many of the alerts carry an event time within [startMs, endMs). */
export const alertsBetween = (rows: readonly AlertRow[], startMs: number, endMs: number): number =>
  rows.filter(row => {
    const at = Date.parse(row.timestamp)
    return at >= startMs && at < endMs
  }).length
