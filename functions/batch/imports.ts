import { createHash } from 'node:crypto'
import { archiveKey, parseArchiveKey, slotPrefix } from '../archive/layout.ts'
import { type ArchivedEvent, encodeArchiveFile } from '../archive/parquet.ts'
import type { ImageEvent } from '../core/event.ts'
import { toPosition } from '../core/lane.ts'
import { IMPORT_SLOT } from '../core/slot.ts'
import type { ObjectStore } from '../ports/object-store.ts'

const EVENTS_PER_FILE = 100_000

/**
 * Puts events straight into the archive, past the log; the next batch run counts them. What is imported is named by
 * its content, so importing the same events again changes nothing.
 *
 * @param importedMs stands as their arrival time; none of them is late
 */
export async function importEvents(
  objects: ObjectStore,
  slotMs: number,
  events: readonly ImageEvent[],
  importedMs: number,
): Promise<void> {
  const hash = createHash('sha256')
  for (const event of events) hash.update(JSON.stringify(event))
  const digest = hash.digest('hex').slice(0, 32)
  for (let start = 0; start < events.length; start += EVENTS_PER_FILE) {
    const lane = `import-${digest}-${start}`
    const rows = events.slice(start, start + EVENTS_PER_FILE).map((event, index): ArchivedEvent => {
      const position = toPosition(index + 1)
      return { event, recordId: `${lane}:${position}`, line: 0, lane, position, arrivalMs: importedMs, late: false }
    })
    const key = archiveKey(IMPORT_SLOT, slotMs, lane, '1', String(rows.length))
    await objects.putIfAbsent(key, encodeArchiveFile(rows))
  }
}

/** Keys of the imported files. */
export async function listImports(objects: ObjectStore, slotMs: number): Promise<string[]> {
  return Array.fromAsync(objects.list(slotPrefix(IMPORT_SLOT, slotMs)))
}

export function laneOfImport(key: string): string {
  const file = parseArchiveKey(key)
  if (!file) throw new Error(`'${key}' is not the key of an archive file`)
  return file.lane
}
