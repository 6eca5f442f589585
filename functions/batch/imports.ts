import { archiveKey, fileName } from '../archive/layout.ts'
import { type ArchivedEvent, encodeArchiveFile } from '../archive/parquet.ts'
import type { ImageEvent } from '../core/event.ts'
import { toPosition } from '../core/lane.ts'
import { IMPORT_SLOT } from '../core/slot.ts'
import { dayOf } from '../core/time.ts'
import type { ObjectStore } from '../ports/object-store.ts'

const EVENTS_PER_FILE = 100_000

/** The day on which all imports arrived, as far as the archive is concerned. */
export const IMPORT_DAY = dayOf(IMPORT_SLOT)

const PREFIX = 'imports/'

/**
 * Puts events straight into the archive, past the log; the next batch run counts them, all or, should this fail, none.
 *
 * @param name stands for the events' content, in letters and digits: what is imported already is left as it is
 * @param importedMs stands as their arrival time; none of them is late
 * @returns how many events were imported; null when they were before
 */
export async function importEvents(
  objects: ObjectStore,
  slotMs: number,
  name: string,
  events: AsyncIterable<ImageEvent> | Iterable<ImageEvent>,
  importedMs: number,
): Promise<number | null> {
  const marker = `${PREFIX}${laneOfImport(name)}.json`
  if (await objects.get(marker)) return null
  const lane = laneOfImport(name)
  let count = 0
  let rows: ArchivedEvent[] = []
  const putRows = async () => {
    const key = archiveKey(IMPORT_SLOT, slotMs, lane, String(count - rows.length + 1), String(count))
    await objects.put(key, encodeArchiveFile(rows, fileName(key)))
    rows = []
  }
  for await (const event of events) {
    const position = toPosition(++count)
    rows.push({ event, origin: null, line: 0, lane, position, arrivalMs: importedMs, late: false })
    if (rows.length === EVENTS_PER_FILE) await putRows()
  }
  if (rows.length > 0) await putRows()
  // The batch layer goes by this object, which comes last.
  await objects.putIfAbsent(marker, Buffer.from(JSON.stringify({ lane, events: count })))
  return count
}

function laneOfImport(name: string): string {
  return `import-${name}`
}

/** The lanes under which imports stand in the archive, of those that are there whole. */
export async function listImports(objects: ObjectStore): Promise<string[]> {
  const lanes: string[] = []
  for await (const key of objects.list(PREFIX)) lanes.push(key.slice(PREFIX.length, -'.json'.length))
  return lanes
}
