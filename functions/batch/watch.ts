import { firstCut, type Slot, slotName } from '../core/slot.ts'
import type { ArchiveFile } from './completeness.ts'
import type { ContentOfSlots } from './query.ts'
import { ValidationError } from './validation-error.ts'

/**
 * Content of a slot in the archive when it was counted. It reveals files that come later. A redelivered file contains
 * known records; but records that arrived in a slot after it was published would otherwise be missed silently.
 */
export interface WatchedSlot {
  files: number
  /** Number of different events by their place in the log, copies by producers included. */
  events: number
  /** Events that came after the slot was counted. A backfill of its day counts them. */
  missed: number
}

/** Watched slots by slot name. */
export type Watched = Record<string, WatchedSlot>

/** Number of slots before the cut that are watched. */
const WATCHED_SLOTS = 24

/** First slot before the cut that is watched for late files. */
export function watchedFrom(cut: Slot, slotMs: number): Slot {
  return Math.max(cut - WATCHED_SLOTS * slotMs, firstCut(slotMs))
}

/** Returns the watched slots, in order, whose number of files has changed since they were counted. */
export function changedSlots(watched: Watched, files: readonly ArchiveFile[], cut: Slot, slotMs: number): Slot[] {
  const counts = fileCounts(files)
  const changed: Slot[] = []
  for (let slot = watchedFrom(cut, slotMs); slot < cut; slot += slotMs) {
    if ((counts.get(slot) ?? 0) !== (watched[slotName(slot, slotMs)]?.files ?? 0)) changed.push(slot)
  }
  return changed
}

/** Adds the slots that were just counted. Slots far before the cut are removed, unless they have missed events. */
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
  const recordRun = counted
    .map(slot => [slotName(slot, slotMs), slot] as const)
    .filter(([name]) => name >= oldest || watched[name])
    .map(([name, slot]) => {
      const events = content.get(name)?.events ?? 0
      return [name, { files: counts.get(slot) ?? 0, events, missed: 0 }] as const
    })
  return Object.fromEntries([...kept, ...recordRun])
}

/**
 * Updates the content of changed slots. The view does not count the new events.
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
  const recordRun: Watched = { ...watched }
  for (const slot of changed) {
    const name = slotName(slot, slotMs)
    const known = watched[name] ?? { events: 0, missed: 0 }
    const events = content.get(name)?.events ?? 0
    if (events < known.events) {
      throw new ValidationError(
        `the archive has lost events of arrival slot ${name}: it holds ${events} events, before it held ${known.events}`,
      )
    }
    recordRun[name] = { files: counts.get(slot) ?? 0, events, missed: known.missed + events - known.events }
  }
  return recordRun
}

/** Number of events that arrived in watched slots after these were counted. */
export function missedIn(watched: Watched): number {
  return Object.values(watched).reduce((sum, { missed }) => sum + missed, 0)
}

function fileCounts(files: readonly ArchiveFile[]): Map<Slot, number> {
  const counts = new Map<Slot, number>()
  for (const { slot } of files) counts.set(slot, (counts.get(slot) ?? 0) + 1)
  return counts
}
