import { type ClassList, withClasses } from '../core/classes.ts'
import { slotOf } from '../core/slot.ts'
import { MINUTE_MS } from '../core/time.ts'
import { formatClassList, parseClassList } from '../files/classes-csv.ts'
import type { ObjectStore } from '../ports/object-store.ts'
import type { SpeedStore } from '../ports/speed-store.ts'
import { readData } from './data.ts'
import { remembered } from './memo.ts'

const CLASSES_KEY = 'reference/classes.csv'

/** Max age of a class list. An older one is read again. A new class needs a `since` that lies further ahead than that. */
const CLASSES_AGE_MS = MINUTE_MS

/** The classes that are known: those of the project until the system has a list of its own. */
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
 * Makes classes known from the next arrival slot on, or for all time where no lane has been applied yet. Only the
 * process that runs the whole system may do so: another process has the old list for up to a minute.
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
