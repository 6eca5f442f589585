import type { ImageEvent } from '../core/event.ts'
import { toPosition } from '../core/lane.ts'
import { IMPORT_SLOT } from '../core/slot.ts'
import { dayOf } from '../core/time.ts'
import type { ObjectStore } from '../ports/object-store.ts'
import { archiveKey, fileName, IMPORT_LANE_PREFIX } from './layout.ts'
import { type ArchivedEvent, encodeArchiveFile } from './parquet.ts'

const ROWS_PER_FILE = 100_000

/** Arrival day of all imports in the archive. */
export const IMPORT_DAY = dayOf(IMPORT_SLOT)

const PREFIX = 'imports/'

/**
 * Writes events directly into the archive, without the log. The next batch run counts all of them or, if the import
 * fails, none.
 *
 * A file is one record, and its lines are the rows: the cost of finding copies grows with the number of records, and
 * here there are no copies. A repeated import overwrites the files of a failed one, even if other rows are valid by
 * then, because files are divided by rows, valid or not.
 *
 * @param name identifies the content of the rows, in letters and digits. An import with a known name changes nothing.
 * @param rows always the same number in the same order; null for a row that gives no event
 * @param importedMs arrival time of the events. None of them is late.
 * @returns number of imported events; null when they were imported before. 0 leaves no trace, so that the import can be
 *   repeated when some rows are valid.
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
  /**
   * Writes the current file.
   *
   * @returns false when another process has finished the same import: its files may be being read already
   */
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
  // The batch layer relies on this object, so it is written last.
  const isFirst = await objects.putIfAbsent(marker, Buffer.from(JSON.stringify({ lane, events: count })))
  return isFirst ? count : null
}

/** Returns the number of the first row in the same file. Rows are numbered from 1. */
function firstOfFile(row: number): number {
  return row - ((row - 1) % ROWS_PER_FILE)
}

/** Returns the lane of an import in the archive. */
export function laneOfImport(name: string): string {
  return `${IMPORT_LANE_PREFIX}${name}`
}

/** Lists the lanes of the finished imports. */
export async function listImports(objects: ObjectStore): Promise<string[]> {
  const lanes: string[] = []
  for await (const key of objects.list(PREFIX)) lanes.push(key.slice(PREFIX.length, -'.json'.length))
  return lanes
}
