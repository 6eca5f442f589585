import { firstCut, type Slot, slotName } from '../core/slot.ts'
import type { ArchiveFile } from './completeness.ts'
import type { ContentOfSlots } from './query.ts'
import { ValidationError } from './validation.ts'

/**
 * What the archive held of a slot when it was counted. Files that come afterwards are noticed by it: redelivered ones
 * hold what is known, but records that arrived in a slot that was published already would be missed without a word.
 */
export interface WatchedSlot {
  files: number
  /** Different events by their place in the log, copies by producers included. */
  events: number
  /** Events that came after the slot was counted: a backfill of its day counts them. */
  missed: number
}

/** By the slots' names. */
export type Watched = Record<string, WatchedSlot>

/** So many slots before the cut are looked after. */
const WATCHED_SLOTS = 24

export function watchedFrom(cut: Slot, slotMs: number): Slot {
  return Math.max(cut - WATCHED_SLOTS * slotMs, firstCut(slotMs))
}

/** The watched slots, in order, that have another number of files than when they were counted. */
export function changedSlots(watched: Watched, files: readonly ArchiveFile[], cut: Slot, slotMs: number): Slot[] {
  const counts = fileCounts(files)
  const changed: Slot[] = []
  for (let slot = watchedFrom(cut, slotMs); slot < cut; slot += slotMs) {
    if ((counts.get(slot) ?? 0) !== (watched[slotName(slot, slotMs)]?.files ?? 0)) changed.push(slot)
  }
  return changed
}

/**
 * Takes note of slots as they were counted just now. Slots far behind the cut are let go, but for those that miss
 * something.
 */
export function watch(
  watched: Watched,
  counted: readonly Slot[],
  files: readonly ArchiveFile[],
  content: ContentOfSlots,
  cut: Slot,
  slotMs: number,
): Watched {
  const counts = fileCounts(files)
  const oldest = slotName(watchedFrom(cut, slotMs), slotMs)
  const kept = Object.entries(watched).filter(([name, { missed }]) => name >= oldest || missed > 0)
  const noted = counted
    .map(slot => [slotName(slot, slotMs), slot] as const)
    .filter(([name]) => name >= oldest || watched[name])
    .map(([name, slot]) => {
      const events = content.get(name)?.events ?? 0
      return [name, { files: counts.get(slot) ?? 0, events, missed: 0 }] as const
    })
  return Object.fromEntries([...kept, ...noted])
}

/**
 * Takes note of what changed slots hold now, which the view does not count.
 *
 * @throws ValidationError when the archive has lost events
 */
export function noteChanges(
  watched: Watched,
  changed: readonly Slot[],
  files: readonly ArchiveFile[],
  content: ContentOfSlots,
  slotMs: number,
): Watched {
  const counts = fileCounts(files)
  const noted: Watched = { ...watched }
  for (const slot of changed) {
    const name = slotName(slot, slotMs)
    const known = watched[name] ?? { files: 0, events: 0, missed: 0 }
    const events = content.get(name)?.events ?? 0
    if (events < known.events) {
      throw new ValidationError(
        `the archive has lost events of arrival slot ${name}: it holds ${events}, and held ${known.events}`,
      )
    }
    noted[name] = { files: counts.get(slot) ?? 0, events, missed: known.missed + events - known.events }
  }
  return noted
}

export function missedIn(watched: Watched): number {
  return Object.values(watched).reduce((sum, { missed }) => sum + missed, 0)
}

function fileCounts(files: readonly ArchiveFile[]): Map<Slot, number> {
  const counts = new Map<Slot, number>()
  for (const { slot } of files) counts.set(slot, (counts.get(slot) ?? 0) + 1)
  return counts
}
