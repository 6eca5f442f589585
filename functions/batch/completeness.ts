import { ARCHIVE_PREFIX, parseArchiveKey, slotPrefix } from '../archive/layout.ts'
import type { Lane } from '../core/lane.ts'
import type { Slot } from '../core/slot.ts'
import type { ObjectStore } from '../ports/object-store.ts'

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
 */
export async function archiveProgress(
  objects: ObjectStore,
  listLanes: () => Promise<Lane[]>,
  slotMs: number,
  from: Slot,
): Promise<Progress> {
  const latestOf = new Map<string, Slot>()
  for await (const key of objects.list(ARCHIVE_PREFIX, slotPrefix(from, slotMs))) {
    const file = parseArchiveKey(key)
    if (file && file.slot > (latestOf.get(file.lane) ?? 0)) latestOf.set(file.lane, file.slot)
  }
  // After the files: of a lane that opens meanwhile none was seen yet, so it is waited for.
  const open = (await listLanes()).filter(lane => !lane.closed)
  if (open.length === 0) return { cut: from, behind: [] }
  const latest = open.map(({ name }) => ({ lane: name, latestSlot: latestOf.get(name) ?? null }))
  const furthest = Math.max(...latest.map(({ latestSlot }) => latestSlot ?? from))
  const nearest = Math.min(...latest.map(({ latestSlot }) => latestSlot ?? from))
  return {
    cut: Math.max(from, nearest - slotMs),
    behind: latest.filter(({ latestSlot }) => (latestSlot ?? from) < furthest - slotMs),
  }
}
