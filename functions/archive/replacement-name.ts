/** Arrival times between which the log received what an import of a scene replaces, ms. */
export interface ReplacedArrivals {
  fromMs: number
  untilMs: number
}

/**
 * Returns the name of an import that replaces events of a scene on the log. Views know imports by their lanes only, so
 * the name holds the arrival times.
 *
 * @param name letters and digits
 */
export function replacementName(name: string, { fromMs, untilMs }: ReplacedArrivals): string {
  return `scene-${fromMs}-${untilMs}-${name}`
}

/** Reads from the lane of an import when the events that it replaces arrived; null if it replaces none on the log. */
export function arrivalsReplacedBy(lane: string): ReplacedArrivals | null {
  const [, from, until] = /^import-replacing-scene-(\d+)-(\d+)-/.exec(lane) ?? []
  return from === undefined ? null : { fromMs: Number(from), untilMs: Number(until) }
}
