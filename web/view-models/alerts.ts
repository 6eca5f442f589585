import type { Alert } from '../answers.ts'
import type { Choice } from './choice.ts'
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
  direction: 'below' | 'above'
  rule: string
  ruleTitle: string
  /** The reader has marked it so. */
  seen: boolean
}

/** What each rule compares; a rule that this page was not told of is shown by its name alone. */
const RULES: ReadonlyMap<string, string> = new Map([
  ['class-zscore', 'The image’s mean NDVI against the mean and sd of its class in the batch view.'],
  ['image-range', 'The image’s own minimum or maximum against its own mean and sd.'],
])

/** Equal for the same alert in the next answer. */
export function alertKey({ class_name, timeMs, image_id, rule }: Alert): string {
  return JSON.stringify([class_name, new Date(timeMs).toISOString(), image_id, rule])
}

/**
 * The alerts that were chosen as rows of a table, in the API's order (newest first). An answer to what was chosen before
 * may hold others.
 *
 * @param seen by the keys of alerts
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

/** The rules that alerts can be limited to: those that are known here, and others that were seen. */
export function ruleNames(rows: readonly Alert[], chosen: string | null): string[] {
  return [...new Set([...RULES.keys(), ...rows.map(({ rule }) => rule), ...(chosen ? [chosen] : [])])]
}

/** How many of the alerts carry an event time within [startMs, endMs). */
export const alertsBetween = (rows: readonly Alert[], startMs: number, endMs: number): number =>
  rows.filter(({ timeMs }) => timeMs >= startMs && timeMs < endMs).length
