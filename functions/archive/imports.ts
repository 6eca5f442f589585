import type { ImageEvent } from '../core/event.ts'
import { toPosition } from '../core/lane.ts'
import { IMPORT_SLOT } from '../core/slot.ts'
import { compareText } from '../core/text-order.ts'
import { dayOf, formatTimestamp } from '../core/time.ts'
import type { ObjectStore } from '../ports/object-store.ts'
import { archiveKey, fileName, IMPORT_LANE_PREFIX, slotPrefix } from './layout.ts'
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
 * @param batches rows, some at once: always the same number in the same order; null for a row that gives no event
 * @param importedMs arrival time of the events. None of them is late.
 * @param options.isReplacing its images count instead of equal ones of other imports
 * @param options.source for people: where the rows are from
 * @returns number of imported events; null when they were imported before. 0 leaves no trace, so that the import can be
 *   repeated when some rows are valid.
 */
export async function importEvents(
  objects: ObjectStore,
  slotMs: number,
  name: string,
  batches: AsyncIterable<Iterable<ImageEvent | null>> | Iterable<Iterable<ImageEvent | null>>,
  importedMs: number,
  { isReplacing = false, source }: { isReplacing?: boolean; source?: string } = {},
): Promise<number | null> {
  const lane = laneOfImport(name, isReplacing)
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
  let position = toPosition(1)
  for await (const rows of batches) {
    for (const event of rows) {
      const line = read % ROWS_PER_FILE
      if (line === 0) position = toPosition(read + 1)
      if (event) events.push({ event, origin: null, lane, position, line, arrivalMs: importedMs, late: false })
      if (++read % ROWS_PER_FILE === 0 && !(await putFile())) return null
    }
  }
  if (!(await putFile())) return null
  if (count === 0) return 0
  // The batch layer relies on this object, so it is written last.
  const record: ImportRecord = {
    lane,
    events: count,
    importedAt: formatTimestamp(importedMs),
    ...(source && { source }),
  }
  const isFirst = await objects.putIfAbsent(marker, Buffer.from(JSON.stringify(record)))
  return isFirst ? count : null
}

/** Returns the number of the first row in the same file. Rows are numbered from 1. */
function firstOfFile(row: number): number {
  return row - ((row - 1) % ROWS_PER_FILE)
}

/**
 * Returns the lane of an import in the archive.
 *
 * @param isReplacing its images count instead of equal ones of other imports; `totals.sql` goes by this name
 */
export function laneOfImport(name: string, isReplacing = false): string {
  return `${IMPORT_LANE_PREFIX}${isReplacing ? 'replacing-' : ''}${name}`
}

/** Description of a finished import. */
export interface ImportRecord {
  lane: string
  events: number
  /** Absent in imports that an older version made, like the source. */
  importedAt?: string
  source?: string
}

/** Reads the finished imports, oldest first; those of an unknown time before all others. */
export async function readImports(objects: ObjectStore): Promise<ImportRecord[]> {
  const records: ImportRecord[] = []
  for await (const key of objects.list(PREFIX)) {
    const bytes = await objects.get(key)
    if (bytes) records.push(recordIn(key, bytes))
  }
  return records.sort((a, b) => compareText(a.importedAt ?? '', b.importedAt ?? ''))
}

function recordIn(key: string, bytes: Uint8Array): ImportRecord {
  try {
    return JSON.parse(Buffer.from(bytes).toString('utf8')) as ImportRecord
  } catch {
    throw new Error(`the object ${key} is damaged: restore it from a backup. Its import still counts`)
  }
}

/**
 * Undoes an import: the next batch run no longer counts it. Images that other imports also have then count from those.
 *
 * @returns what removes its files; to be called when a view without it is published, since a run may be reading them
 */
export async function withdrawImport(objects: ObjectStore, slotMs: number, lane: string): Promise<() => Promise<void>> {
  await objects.delete(`${PREFIX}${lane}.json`)
  return async () => {
    for await (const key of objects.list(`${slotPrefix(IMPORT_SLOT, slotMs)}${lane}-`)) await objects.delete(key)
  }
}

/** Lists the lanes of the finished imports. */
export async function listImports(objects: ObjectStore): Promise<string[]> {
  const lanes: string[] = []
  for await (const key of objects.list(PREFIX)) lanes.push(key.slice(PREFIX.length, -'.json'.length))
  return lanes
}
