import type { ImageEvent } from '../core/event.ts'
import { toPosition } from '../core/lane.ts'
import { IMPORT_SLOT } from '../core/slot.ts'
import { dayOf } from '../core/time.ts'
import type { ObjectStore } from '../ports/object-store.ts'
import { archiveKey, fileName } from './layout.ts'
import { type ArchivedEvent, encodeArchiveFile } from './parquet.ts'

const ROWS_PER_FILE = 100_000

/** The day on which all imports arrived, as far as the archive is concerned. */
export const IMPORT_DAY = dayOf(IMPORT_SLOT)

const PREFIX = 'imports/'

/**
 * Puts events straight into the archive, past the log; the next batch run counts them, all or, should this fail, none.
 * A file of the archive is one record, whose lines are its rows: what a statement must do to find copies grows with the
 * records, and here there are none to find. What an import that failed has left is written over when it is done again, even if other rows are good by then:
 * files are cut by rows, good or not.
 *
 * @param name stands for the rows' content, in letters and digits: what is imported already is left as it is
 * @param rows always the same number in the same order; null for one that gives no event
 * @param importedMs stands as their arrival time; none of them is late
 * @returns how many events were imported; 0 leaves no trace, so that the import can be done when some are good; null
 *   when they were imported before
 */
export async function importEvents(
  objects: ObjectStore,
  slotMs: number,
  name: string,
  rows: AsyncIterable<ImageEvent | null> | Iterable<ImageEvent | null>,
  importedMs: number,
): Promise<number | null> {
  const lane = laneOfImport(name)
  const marker = `${PREFIX}${lane}.json`
  let read = 0
  let count = 0
  let events: ArchivedEvent[] = []
  const isImported = async () => (await objects.get(marker)) !== undefined
  /** @returns false when another process has finished the same import: its files are being read by now */
  const putFile = async () => {
    if (events.length === 0) return true
    const key = archiveKey(IMPORT_SLOT, slotMs, lane, String(firstOfFile(read)), String(read))
    const bytes = encodeArchiveFile(events, fileName(key))
    if (await isImported()) return false
    await objects.put(key, bytes)
    count += events.length
    events = []
    return true
  }
  if (await isImported()) return null
  for await (const event of rows) {
    const first = firstOfFile(++read)
    const place = { lane, position: toPosition(first), line: read - first }
    if (event) events.push({ event, origin: null, ...place, arrivalMs: importedMs, late: false })
    if (read % ROWS_PER_FILE === 0 && !(await putFile())) return null
  }
  if (!(await putFile())) return null
  if (count === 0) return 0
  // The batch layer goes by this object, which comes last.
  const isFirst = await objects.putIfAbsent(marker, Buffer.from(JSON.stringify({ lane, events: count })))
  return isFirst ? count : null
}

/** The number of the first row in the file that a row goes to; the first of all is 1. */
function firstOfFile(row: number): number {
  return row - ((row - 1) % ROWS_PER_FILE)
}

/** The lane under which an import stands in the archive. */
export function laneOfImport(name: string): string {
  return `import-${name}`
}

/** The lanes under which imports stand in the archive, of those that are there whole. */
export async function listImports(objects: ObjectStore): Promise<string[]> {
  const lanes: string[] = []
  for await (const key of objects.list(PREFIX)) lanes.push(key.slice(PREFIX.length, -'.json'.length))
  return lanes
}
