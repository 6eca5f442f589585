import { arrivalsReplacedBy } from '../archive/replacement-name.ts'
import type { Cursor } from '../core/cursor.ts'
import { MICRO } from '../core/fixed-point.ts'
import type { History } from '../core/history.ts'
import type { Position } from '../core/lane.ts'
import type { Slot } from '../core/slot.ts'
import { dayOf } from '../core/time.ts'
import { addEach, type Totals } from '../core/totals.ts'
import type { SpeedStore } from '../ports/speed-store.ts'
import type { ArchiveFile } from './completeness.ts'
import type { DayHistory } from './day-history.ts'
import type { SlotsCounted } from './query.ts'
import { ValidationError } from './validation-error.ts'
import type { View } from './view.ts'
import type { ViewReader } from './view-reader.ts'

/**
 * Checks that counts do not contradict the archive's own counts or the range of NDVI.
 *
 * @throws ValidationError when they do
 */
export function refuseImpossible({ days, content }: SlotsCounted): void {
  const images = imagesOf(days)
  const events = content.values().reduce((sum, slot) => sum + slot.events, 0)
  if (images > events) throw new ValidationError(`${images} images were counted of ${events} events in the archive`)
  for (const { className, day, history } of days) {
    const { count, ndviSum, ndviMin, ndviMax } = history.totals
    const most = BigInt(count) * BigInt(MICRO)
    const isOutside = (ndvi: number | null) => ndvi !== null && Math.abs(ndvi) > MICRO
    if (ndviSum > most || ndviSum < -most || isOutside(ndviMin) || isOutside(ndviMax)) {
      throw new ValidationError(`the NDVI of ${className} on ${day} is outside -1 to 1`)
    }
  }
}

/**
 * Compares the counts with those of the speed layer, which counted the same records in another way. If the speed layer
 * has applied all records of the files, its totals must be equal to the last digit.
 *
 * @param files files of the slots from `from` (included) to `until` (not included)
 * @throws ValidationError that names the day and class that differ, and the losses that may be the reason
 */
export async function refuseOtherThanSpeed(
  store: Pick<SpeedStore, 'readCursors' | 'readRows'>,
  files: readonly ArchiveFile[],
  days: readonly DayHistory[],
  from: Slot,
  until: Slot,
): Promise<void> {
  const known = await store.readCursors()
  const cursors = new Map(known.map(({ lane, lastPosition }) => [lane, lastPosition]))
  const lanes = new Map<string, Position>()
  for (const { lane, last } of files) if (last > (lanes.get(lane) ?? '')) lanes.set(lane, last)
  for (const [lane, last] of lanes) if ((cursors.get(lane) ?? '') < last) return
  const speed = new Map<string, Totals>()
  for (const lane of cursors.keys()) {
    for (const { windowStart, totals } of await store.readRows(lane, { from, until })) {
      addEach(
        speed,
        Array.from(totals, ([className, of]) => [`${className} on ${dayOf(windowStart)}`, of] as const),
      )
    }
  }
  const batch = new Map<string, Totals>()
  addEach(
    batch,
    days.map(({ className, day, history }) => [`${className} on ${day}`, history.totals] as const),
  )
  for (const name of new Set([...batch.keys(), ...speed.keys()])) {
    if (textOf(batch.get(name)) === textOf(speed.get(name))) continue
    const [inBatch, inSpeed] = [batch, speed].map(totals => totals.get(name)?.count ?? 0)
    throw new ValidationError(
      `the archive and the speed layer differ in ${name}, for arrivals from ${new Date(from).toISOString()} to ${new Date(until).toISOString()}: ${inBatch} and ${inSpeed} images${knownLosses(known)}`,
    )
  }
}

/** Records that the speed layer knows it has never read, as a sentence behind another. */
function knownLosses(cursors: readonly Pick<Cursor, 'lane' | 'lostRecords'>[]): string {
  const losses = cursors
    .filter(({ lostRecords }) => lostRecords > 0)
    .map(({ lane, lostRecords }) => `up to ${lostRecords} of ${lane}`)
  if (losses.length === 0) return ''
  return `. The log removed records before the speed layer read them: ${losses.join(', ')}. The archive may have them. If that explains the difference, publish what the archive says: npm run batch -- --ignore-speed (ignoreSpeed on AWS)`
}

function textOf(totals: Totals | undefined): string {
  return JSON.stringify(totals, (_, value) => (typeof value === 'bigint' ? String(value) : value))
}

/**
 * Reads back the files of a new view. All time must equal the sum of the parts, and no class may have lost images
 * unless days or imports were counted again.
 *
 * @throws ValidationError when this does not hold
 */
export async function refuseUnequal(views: ViewReader, base: View | undefined, view: View): Promise<void> {
  const mayReplace = base !== undefined && (base.imports.length > 0 || view.imports.some(arrivalsReplacedBy))
  const hasOtherImports = mayReplace && base.imports.join() !== view.imports.join()
  const isRecounted = view.audit.kind === 'backfill' || hasOtherImports
  // Before the new view's: the reader remembers the classes of the view that it read last.
  const classesBefore: ReadonlyMap<string, History> = base && !isRecounted ? await views.classes(base) : new Map()
  const classes = await views.classes(view)
  const inClasses = classes.values().reduce((sum, { totals }) => sum + totals.count, 0)
  const inParts = Object.values(view.parts).reduce((sum, { images }) => sum + images, 0)
  if (inClasses !== inParts) throw new ValidationError(`all time has ${inClasses} images, its parts have ${inParts}`)
  for (const [name, part] of Object.entries(view.parts)) {
    if (base?.parts[name]?.key === part.key) continue
    const written = imagesOf(await views.part(part))
    if (written !== part.images) throw new ValidationError(`part ${name} has ${written} images, not ${part.images}`)
  }
  for (const [name, part] of Object.entries(view.sites ?? {})) {
    if (base?.sites?.[name]?.key === part.key) continue
    const { length } = await views.looks(part)
    if (length !== part.looks) throw new ValidationError(`part ${name} has ${length} looks, not ${part.looks}`)
  }
  for (const [className, { totals }] of classesBefore) {
    const count = classes.get(className)?.totals.count ?? 0
    if (count < totals.count) throw new ValidationError(`${className} would go from ${totals.count} to ${count} images`)
  }
}

function imagesOf(days: readonly DayHistory[]): number {
  return days.reduce((sum, { history }) => sum + history.totals.count, 0)
}
