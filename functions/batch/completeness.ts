import { ARCHIVE_PREFIX, parseArchiveKey, slotPrefix } from '../archive/layout.ts'
import { type Lane, type Position, toPosition } from '../core/lane.ts'
import type { Slot } from '../core/slot.ts'
import type { ObjectStore } from '../ports/object-store.ts'

/** A file of the archive, as its name tells. */
export interface ArchiveFile {
  key: string
  slot: Slot
  lane: string
  /** The last record that it holds. */
  last: Position
}

/** The files of a slot and of all later ones. */
export async function listArchive(objects: ObjectStore, from: Slot, slotMs: number): Promise<ArchiveFile[]> {
  const files: ArchiveFile[] = []
  for await (const key of objects.list(ARCHIVE_PREFIX, slotPrefix(from, slotMs))) {
    const file = parseArchiveKey(key)
    if (file) files.push({ key, slot: file.slot, lane: file.lane, last: toPosition(file.last) })
  }
  return files
}

/** How far the archive has come behind a cut. */
export interface Progress {
  /** The largest cut whose slots are complete; the old one when nothing new is. */
  cut: Slot
  /** Open lanes whose files reach less far than the others', or that have none yet. */
  behind: { lane: string; latestSlot: Slot | null }[]
}

/**
 * A slot is complete when every open lane has a file of the next slot but one: arrival times may go back by up to a
 * slot, and a lane's files come in its order. Closed lanes are finished when their children have begun, and those
 * are open.
 *
 * Files of slots that lie in the future do not count where the log's stamps may go back: the clock that stamped them was
 * wrong, and what arrives when it is right again would come before the cut. Until then the speed rows answer for them.
 *
 * @param files of the slots from the old cut on
 * @param until the first slot that lies in the future; infinity for a log whose arrival never goes back
 * @param lanes as they were listed after the files: a lane that opens meanwhile has none yet, so it is waited for
 */
export function archiveProgress(
  files: readonly ArchiveFile[],
  lanes: readonly Lane[],
  slotMs: number,
  from: Slot,
  until: Slot,
): Progress {
  const latestOf = new Map<string, Slot>()
  for (const { lane, slot } of files) {
    if (slot >= from && slot < until && slot > (latestOf.get(lane) ?? 0)) latestOf.set(lane, slot)
  }
  const open = lanes.filter(lane => !lane.closed)
  if (open.length === 0) return { cut: from, behind: [] }
  const latest = open.map(({ name }) => ({ lane: name, latestSlot: latestOf.get(name) ?? null }))
  const furthest = Math.max(...latest.map(({ latestSlot }) => latestSlot ?? from))
  const nearest = Math.min(...latest.map(({ latestSlot }) => latestSlot ?? from))
  return {
    cut: Math.max(from, nearest - slotMs),
    behind: latest.filter(({ latestSlot }) => (latestSlot ?? from) < furthest - slotMs),
  }
}
