import { ARCHIVE_PREFIX } from '../../archive/layout.ts'
import { latenessAt, withLateness } from '../../core/lateness.ts'
import { slotOf } from '../../core/slot.ts'
import type { ObjectStore } from '../../ports/object-store.ts'
import type { SpeedStore } from '../../ports/speed-store.ts'
import { latenessOf, SETTINGS_FORMAT } from './settings.ts'
import { changeState, readState } from './state.ts'

/** Progress of a system: what it has counted so far. */
interface Counted {
  store: Pick<SpeedStore, 'readCursors'>
  objects: Pick<ObjectStore, 'list'>
}

/**
 * Changes the allowed lateness of a system, and stores it. It changes from the next arrival slot on, because records of
 * this slot may have been counted by one layer only, and both must call the same events late. A system that has counted
 * nothing yet has it for all time. Only the holder of the folder's lock may do this, before the system runs.
 *
 * @returns the arrival time from which on it is as requested, ms; 0 for all time, also when it was so before
 */
export async function changeLateness(
  folder: string,
  counted: Counted,
  latenessMs: number,
  nowMs: number,
): Promise<number> {
  const settings = readState(folder)
  const before = latenessOf(settings)
  if (latenessAt(before, Number.MAX_SAFE_INTEGER) === latenessMs) return before.at(-1)?.since ?? 0
  const since = await nextSlot(counted, settings.slotMs, nowMs)
  const lateness = withLateness(before, since, latenessMs)
  await changeState(folder, { ...settings, format: SETTINGS_FORMAT, lateness })
  return lateness.at(-1)?.since ?? 0
}

/** First arrival slot of which nothing can have been counted; 0 when nothing was counted at all. */
async function nextSlot({ store, objects }: Counted, slotMs: number, nowMs: number): Promise<number> {
  const cursors = await store.readCursors()
  const archived = await objects.list(ARCHIVE_PREFIX)[Symbol.asyncIterator]().next()
  if (cursors.length === 0 && archived.done) return 0
  return slotOf(Math.max(nowMs, ...cursors.map(({ lastArrivalMs }) => lastArrivalMs ?? 0)), slotMs) + slotMs
}
