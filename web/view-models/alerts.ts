import type { Alert } from '../answers.ts'
import type { Choice } from './choice.ts'
import { type ClassKey, classKeys } from './classes.ts'
import { type Clock, formatNdvi, formatScore } from './format.ts'

/** A row of the alerts table, with texts for people. */
export type AlertItem = {
  /** Identity of the alert (`alertKey`). */
  key: string
  classKey: ClassKey
  imageId: string
  time: string
  /** The time as ISO 8601, UTC. */
  timeTitle: string
  ndvi: string
  ndviTitle: string
  off: string
  /** Side of normal: less vegetation or more. */
  direction: 'below' | 'above'
  rule: string
  ruleTitle: string
  /** True when the reader has marked the alert as seen. */
  seen: boolean
}

/** Descriptions of the rules. A rule that is not in the list is shown by its name only. */
const RULES: ReadonlyMap<string, string> = new Map([
  ['class-zscore', 'Compares the image’s mean NDVI with the mean and sd of its class in the batch view.'],
  ['image-range', 'Compares the image’s own minimum or maximum with its own mean and sd.'],
])

/** Identity of an alert. The same alert in a later answer has the same key. */
export function alertKey({ class_name, timeMs, image_id, rule }: Alert): string {
  return JSON.stringify([class_name, new Date(timeMs).toISOString(), image_id, rule])
}

/**
 * Rows of the alerts table, in the API's order (newest first). Filters again, because the alerts may still belong to
 * the previous choice.
 *
 * @param seen keys of the alerts that the reader has seen
 */
export function alertItems(
  rows: readonly Alert[],
  { focus, rule, minScore, hidesSeen }: Choice,
  seen: ReadonlySet<string>,
  clock: Clock,
  nowMs: number,
): AlertItem[] {
  const keys = new Map(classKeys(rows.map(row => row.class_name)).map(key => [key.className, key]))
  return rows.flatMap(row => {
    const classKey = keys.get(row.class_name)
    const key = alertKey(row)
    if (!classKey || (focus !== null && focus !== row.class_name) || (rule !== null && rule !== row.rule)) return []
    if ((minScore !== null && Math.abs(row.score) < minScore) || (hidesSeen && seen.has(key))) return []
    return [
      {
        key,
        classKey,
        imageId: row.image_id,
        time: clock.second(row.timeMs, nowMs),
        timeTitle: new Date(row.timeMs).toISOString(),
        ndvi: formatNdvi(row.ndvi_mean),
        ndviTitle: `within the image: ${formatNdvi(row.ndvi_min)} to ${formatNdvi(row.ndvi_max)}`,
        off: formatScore(row.score),
        direction: row.score < 0 ? ('below' as const) : ('above' as const),
        rule: row.rule,
        ruleTitle: [RULES.get(row.rule), `Baseline ${row.baseline_version}.`].filter(Boolean).join(' '),
        seen: seen.has(key),
      },
    ]
  })
}

/** Names for the rule filter: the known rules, the rules of the given alerts, and the chosen rule. */
export function ruleNames(rows: readonly Alert[], chosen: string | null): string[] {
  return [...new Set([...RULES.keys(), ...rows.map(({ rule }) => rule), ...(chosen ? [chosen] : [])])]
}

/** Number of alerts with an event time within [startMs, endMs). */
export const alertsBetween = (rows: readonly Alert[], startMs: number, endMs: number): number =>
  rows.filter(({ timeMs }) => timeMs >= startMs && timeMs < endMs).length
