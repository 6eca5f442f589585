import { ARCHIVE_PREFIX, parseArchiveKey, slotPrefix } from '../archive/layout.ts'
import { type Lane, type Position, START, toPosition } from '../core/lane.ts'
import type { Slot } from '../core/slot.ts'
import { compareText } from '../core/text-order.ts'
import type { ObjectStore } from '../ports/object-store.ts'

/** File of the archive, as described by its name. */
export interface ArchiveFile {
  key: string
  slot: Slot
  lane: string
  /** Position of the first record in the file. */
  first: Position
  /** Position of the last record in the file. */
  last: Position
}

/** Lists the files of a slot and of all later slots. */
export async function listArchive(objects: ObjectStore, from: Slot, slotMs: number): Promise<ArchiveFile[]> {
  const files: ArchiveFile[] = []
  for await (const key of objects.list(ARCHIVE_PREFIX, slotPrefix(from, slotMs))) {
    const file = parseArchiveKey(key)
    if (!file) continue
    const { slot, lane } = file
    files.push({ key, slot, lane, first: toPosition(file.first), last: toPosition(file.last) })
  }
  return files
}

/** Files of the archive, and the lanes of the log, listed after them. */
export interface Archived {
  files: readonly ArchiveFile[]
  lanes: readonly Lane[]
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
 * slot. The reason: arrival times may go back by up to a slot, and the files of a lane are written in order. Closed
 * lanes are finished when their children have begun, and the children are open.
 *
 * If the log's time stamps may go back, files of future slots do not count. The clock that stamped them was wrong, and
 * records that arrive after it is set right would lie before the cut. Until then the speed rows answer for them.
 *
 * The last file of a lane by position tells how far the lane is, not the latest slot. A clock that leapt some hours
 * ahead and was then set right has left files in future slots, whose time comes later. A slot that the lane has jumped
 * to counts when the one after it has begun.
 *
 * @param files files of the slots from the old cut on, and of some before
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
  const ofLane = Map.groupBy(
    files.filter(({ slot }) => slot < until),
    ({ lane }) => lane,
  )
  const open = lanes.filter(lane => !lane.closed)
  if (open.length === 0) return { cut: from, behind: [] }
  const largestStepMs = until === Number.POSITIVE_INFINITY ? until : slotMs
  const latest = open.map(({ name }) => {
    const slot = reachedBy(ofLane.get(name) ?? [], largestStepMs)
    return { lane: name, latestSlot: slot !== null && slot >= from ? slot : null }
  })
  const furthest = Math.max(...latest.map(({ latestSlot }) => latestSlot ?? from))
  const nearest = Math.min(...latest.map(({ latestSlot }) => latestSlot ?? from))
  return {
    cut: Math.max(from, nearest - slotMs),
    behind: latest.filter(({ latestSlot }) => (latestSlot ?? from) < furthest - slotMs),
  }
}

/**
 * Finds the slot that the files of a lane have come to, in the order of their positions.
 *
 * @param largestStepMs a larger step ahead is believed only when the lane goes on from there
 */
function reachedBy(files: readonly ArchiveFile[], largestStepMs: number): Slot | null {
  const inOrder = files.toSorted(
    (a, b) => compareText(a.last, b.last) || compareText(a.first, b.first) || a.slot - b.slot,
  )
  let reached: Slot | null = null
  let jumpedTo: Slot | null = null
  for (const { slot } of inOrder) {
    const goesOnFrom: Slot | null = jumpedTo !== null && slot > jumpedTo ? jumpedTo : reached
    if (goesOnFrom === null || slot <= goesOnFrom + largestStepMs) {
      reached = slot
      jumpedTo = null
    } else if (slot !== jumpedTo) jumpedTo = slot
  }
  return reached
}

/**
 * Lists the slots behind those that are counted that hold records from before the last counted ones: a clock that leapt
 * ahead stamped them. Each may be the original of a copy in the counted slots, as the speed layer knows.
 *
 * @param archive its files of the counted slots, of the look-back before them and of all later slots; and the log's lanes
 * @param lookBack first slot that is read for the counted ones
 * @param next last slot that is read for them
 */
export function leaptSlots({ files, lanes }: Archived, lookBack: Slot, next: Slot): Slot[] {
  const lastOf = new Map<string, Position>()
  let lastOfAny = START
  for (const { lane, slot, last } of files) {
    if (slot < lookBack || slot > next) continue
    if (last > (lastOf.get(lane) ?? START)) lastOf.set(lane, last)
    if (last > lastOfAny) lastOfAny = last
  }
  // Positions of a closed lane are below those of its children, which take the copies of its records.
  for (const { name, closed } of lanes) if (closed) lastOf.set(name, lastOfAny)
  const leapt = files.filter(({ lane, slot, first }) => slot > next && first < (lastOf.get(lane) ?? START))
  return [...new Set(leapt.map(({ slot }) => slot))].sort((a, b) => a - b)
}
