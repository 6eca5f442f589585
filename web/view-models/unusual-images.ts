import type { UnusualImage } from '../answers.ts'
import type { Choice } from './choice.ts'
import { type ClassKey, classKeys } from './classes.ts'
import { type Clock, formatNdvi, formatScore } from './format.ts'

/** A row of the table of unusual images, with texts for people. */
export type UnusualImageItem = {
  /** Identity of the unusual image (`unusualImageKey`). */
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
  /** True when the reader has marked the unusual image as seen. */
  seen: boolean
}

/** Descriptions of the rules. A rule that is not in the list is shown by its name only. */
const RULES: ReadonlyMap<string, string> = new Map([
  ['class-zscore', 'Compares the image’s mean NDVI with the mean and sd of its class in the batch view.'],
  ['image-range', 'Compares the image’s own minimum or maximum with its own mean and sd.'],
])

/** Identity of an unusual image. The same image in a later answer has the same key. */
export function unusualImageKey({ class_name, timeMs, image_id, rule }: UnusualImage): string {
  return JSON.stringify([class_name, new Date(timeMs).toISOString(), image_id, rule])
}

/**
 * Rows of the table of unusual images, in the order of the API (newest first). Filters again, because the loaded images
 * may still belong to the previous choice.
 *
 * @param seen keys of the unusual images that the reader has seen
 */
export function unusualImageItems(
  rows: readonly UnusualImage[],
  { focus, rule, minScore, hidesSeen }: Choice,
  seen: ReadonlySet<string>,
  clock: Clock,
  nowMs: number,
): UnusualImageItem[] {
  const keys = new Map(classKeys(rows.map(row => row.class_name)).map(key => [key.className, key]))
  return rows.flatMap(row => {
    const classKey = keys.get(row.class_name)
    const key = unusualImageKey(row)
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

/** Names for the rule filter: the known rules, the rules of the given unusual images, and the chosen rule. */
export function ruleNames(rows: readonly UnusualImage[], chosen: string | null): string[] {
  return [...new Set([...RULES.keys(), ...rows.map(({ rule }) => rule), ...(chosen ? [chosen] : [])])]
}

/** Number of unusual images with an event time within [startMs, endMs). */
export const unusualImagesBetween = (rows: readonly UnusualImage[], startMs: number, endMs: number): number =>
  rows.filter(({ timeMs }) => timeMs >= startMs && timeMs < endMs).length
