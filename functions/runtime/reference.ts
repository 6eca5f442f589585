import type { ViewReader } from '../batch/view-reader.ts'
import { type Baseline, baselineOf, NO_BASELINE } from '../core/alert.ts'
import { type ClassList, withClasses } from '../core/classes.ts'
import { slotOf } from '../core/slot.ts'
import { MINUTE_MS } from '../core/time.ts'
import { formatClassList, parseClassList } from '../files/classes-csv.ts'
import { systemTime } from '../ingest/retry.ts'
import type { ObjectStore } from '../ports/object-store.ts'
import type { SpeedStore } from '../ports/speed-store.ts'
import { readData } from './data.ts'

const CLASSES_KEY = 'reference/classes.csv'

/** How long a list may be used before it is read anew. A class needs a `since` that lies further ahead than that. */
const CLASSES_AGE_MS = MINUTE_MS

/** How long an answer about what is normal may be used before it is asked anew. */
const BASELINE_AGE_MS = MINUTE_MS

/** The classes that are known: those of the project until the home has a list of its own. */
export function knownClasses(objects: ObjectStore): () => Promise<ClassList> {
  return remembered(CLASSES_AGE_MS, () => readClasses(objects))
}

/** @throws Error that names the object where it cannot be read */
export async function readClasses(objects: ObjectStore): Promise<ClassList> {
  try {
    const own = await objects.get(CLASSES_KEY)
    return parseClassList(own ? Buffer.from(own).toString('utf8') : readData('classes.csv'))
  } catch (error) {
    throw new Error(`the object ${CLASSES_KEY} is not readable (${(error as Error).message}): repair or remove it`)
  }
}

/**
 * Makes classes known from the next arrival slot on, or for all time where no lane has been applied yet. Only who
 * runs the whole home may: another process has the old list for up to a minute.
 */
export async function addClasses(
  objects: ObjectStore,
  store: Pick<SpeedStore, 'readCursors'>,
  names: readonly string[],
  slotMs: number,
): Promise<void> {
  const cursors = await store.readCursors()
  const latestMs = Math.max(Date.now(), ...cursors.map(({ lastArrivalMs }) => lastArrivalMs ?? 0))
  const since = cursors.length === 0 ? 0 : slotOf(latestMs, slotMs) + slotMs
  const classes = withClasses(await knownClasses(objects)(), names, since)
  await objects.put(CLASSES_KEY, Buffer.from(formatClassList(classes, slotMs)))
}

/** What is normal for each class, by the current batch view. */
export function currentBaseline(views: ViewReader): () => Promise<Baseline> {
  return remembered(BASELINE_AGE_MS, async () => {
    return views.read(async view => {
      if (!view) return NO_BASELINE
      const classes = await views.classes(view)
      return baselineOf(
        view.revision,
        Array.from(classes, ([className, { totals }]) => [className, totals] as const),
      )
    })
  })
}

/** Reads again only what was read longer ago than this; a clock that is set back makes nothing last longer. */
export function remembered<T>(ageMs: number, read: () => Promise<T>): () => Promise<T> {
  const time = systemTime()
  let last: { value: T; readMs: number } | undefined
  return async () => {
    if (!last || time.now() - last.readMs > ageMs) last = { value: await read(), readMs: time.now() }
    return last.value
  }
}
