import { ARCHIVE_PREFIX, parseArchiveKey, slotPrefix } from '../archive/layout.ts'
import { type Lane, type Position, toPosition } from '../core/lane.ts'
import type { Slot } from '../core/slot.ts'
import type { ObjectStore } from '../ports/object-store.ts'

/** File of the archive, as described by its name. */
export interface ArchiveFile {
  key: string
  slot: Slot
  lane: string
  /** Position of the last record in the file. */
  last: Position
}

/** Lists the files of a slot and of all later slots. */
export async function listArchive(objects: ObjectStore, from: Slot, slotMs: number): Promise<ArchiveFile[]> {
  const files: ArchiveFile[] = []
  for await (const key of objects.list(ARCHIVE_PREFIX, slotPrefix(from, slotMs))) {
    const file = parseArchiveKey(key)
    if (file) files.push({ key, slot: file.slot, lane: file.lane, last: toPosition(file.last) })
  }
  return files
}

/** Progress of the archive beyond a cut. */
export interface Progress {
  /** Largest cut whose slots are complete; the old cut when no further slot is complete. */
  cut: Slot
  /** Open lanes whose files end earlier than those of other lanes, or that have no file yet. */
  behind: { lane: string; latestSlot: Slot | null }[]
}

/**
 * Decides the cut. A slot is complete when every open lane has a file of the slot after the next one, or of a later
 * slot: arrival times may go back by up to a slot, and the files of a lane are written in order. Closed lanes are
 * finished when their children have begun, and the children are open.
 *
 * If the log's time stamps may go back, files of future slots do not count: the clock that stamped them was wrong, and
 * records that arrive after it is set right would lie before the cut. Until then the speed rows answer for them.
 *
 * @param files files of the slots from the old cut on
 * @param lanes lanes of the log, listed after the files: a lane that opens in between has no file yet, so it is waited
 *   for
 * @param until first slot that lies in the future; infinity for a log whose arrival time never goes back
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
