import type { ClassList } from '../core/classes.ts'
import { toSequenceNumber } from '../core/lane.ts'
import { type Lateness, latenessAt } from '../core/lateness.ts'
import { decodeRecord, type LogRecord } from '../core/record.ts'
import { type Slot, slotOf } from '../core/slot.ts'
import { isLate } from '../core/window.ts'
import type { ObjectStore } from '../ports/object-store.ts'
import { archiveKey, fileName } from './layout.ts'
import { type ArchivedEvent, encodeArchiveFile } from './parquet.ts'

/** Result of archiving a delivery. */
export interface Archived {
  files: number
  events: number
}

/** Ports and settings with which deliveries are archived. */
export interface Archive {
  objects: ObjectStore
  slotMs: number
  lateness: Lateness
  classes(): Promise<ClassList>
}

/** Number of events from which on a file takes no further record, so that memory stays bounded. */
const EVENTS_PER_FILE = 100_000

/**
 * Writes a delivery as one file for each arrival slot in it, or several files when a slot has many events. A slot
 * without an event gets a file, too: the files of a lane show its progress. Earlier slots are written first, so a file
 * of a slot shows that all earlier slots are written. When the same records are delivered again in the same groups, the
 * same files are rewritten. In other groups the files overlap, and statements recognise the copies by their rows.
 *
 * @param records of one lane, in its order
 */
export async function archiveDelivery(
  archive: Archive,
  lane: string,
  records: readonly LogRecord[],
): Promise<Archived> {
  const { objects, slotMs, lateness } = archive
  const classes = await archive.classes()
  const bySlot = new Map<Slot, LogRecord[]>()
  for (const record of records) {
    const slot = slotOf(record.arrivalMs, slotMs)
    const inSlot = bySlot.get(slot)
    if (inSlot) inSlot.push(record)
    else bySlot.set(slot, [record])
  }
  const archived: Archived = { files: 0, events: 0 }
  for (const [slot, inSlot] of [...bySlot].sort(([a], [b]) => a - b)) {
    for (let start = 0, end = 0; start < inSlot.length; start = end) {
      const events: ArchivedEvent[] = []
      while (end < inSlot.length && events.length < EVENTS_PER_FILE) {
        for (const event of archivedEvents(inSlot[end++] as LogRecord, slot, classes, lateness)) events.push(event)
      }
      const first = toSequenceNumber((inSlot[start] as LogRecord).position)
      const last = toSequenceNumber((inSlot[end - 1] as LogRecord).position)
      const key = archiveKey(slot, slotMs, lane, first, last)
      await objects.put(key, encodeArchiveFile(events, fileName(key)))
      archived.files++
      archived.events += events.filter(({ event }) => event).length
    }
  }
  return archived
}

function archivedEvents(record: LogRecord, slot: Slot, classes: ClassList, lateness: Lateness): ArchivedEvent[] {
  const { lane, position, arrivalMs } = record
  const { origin, events } = decodeRecord(record, slot, classes)
  const place = { origin, lane, position, arrivalMs }
  if (origin && events.length === 0) return [{ ...place, event: null, line: 0, late: false }]
  const latenessMs = latenessAt(lateness, arrivalMs)
  return events.map(({ line, event }) => {
    return { ...place, event, line, late: isLate(event.eventMs, arrivalMs, latenessMs) }
  })
}
