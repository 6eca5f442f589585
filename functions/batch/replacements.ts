import { arrivalsReplacedBy, type ReplacedArrivals } from '../archive/replacement-name.ts'
import { firstCut, type Slot } from '../core/slot.ts'
import { DAY_MS, dayOf } from '../core/time.ts'

/**
 * Imports that a run counts. An import that replaces events of the log waits until a view counts these events: before
 * that, the speed rows hold them, and they would count beside what replaces them.
 */
export function dueImports(lanes: readonly string[], base: { cut: Slot } | undefined, slotMs: number): string[] {
  const cut = base?.cut ?? firstCut(slotMs)
  return lanes.filter(lane => {
    const replaced = arrivalsReplacedBy(lane)
    return replaced === null || replaced.untilMs <= cut
  })
}

/** Arrival days whose events count otherwise, because an import that replaces some of them is new or was undone. */
export function daysReplaced(imports: readonly string[], before: readonly string[]): ReadonlySet<string> {
  const changed = [...imports.filter(lane => !before.includes(lane)), ...before.filter(lane => !imports.includes(lane))]
  return new Set(changed.flatMap(lane => daysOf(arrivalsReplacedBy(lane))))
}

function daysOf(arrivals: ReplacedArrivals | null): string[] {
  if (!arrivals) return []
  const days: string[] = []
  const last = dayOf(arrivals.untilMs)
  for (let ms = arrivals.fromMs; dayOf(ms) <= last; ms += DAY_MS) days.push(dayOf(ms))
  return days
}

/** Lanes of the imports that replace events of some slots. */
export function replacingIn(imports: readonly string[], from: Slot, until: Slot): string[] {
  return imports.filter(lane => {
    const replaced = arrivalsReplacedBy(lane)
    return replaced !== null && replaced.fromMs < until && replaced.untilMs >= from
  })
}
