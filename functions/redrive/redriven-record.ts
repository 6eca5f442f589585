import { createHash } from 'node:crypto'
import type { ClassList } from '../core/classes.ts'
import { decodeRecord, encodeRecord, type Origin, type RejectionReason } from '../core/record.ts'
import { joinLines, linesOf } from '../core/record-lines.ts'
import type { Slot } from '../core/slot.ts'
import { compressRecord, RECORD_BYTES_LIMIT } from '../ingest/packing.ts'
import type { QuarantineEntry } from '../ports/speed-store.ts'

/** Record that appends the events of an entry to the log again. */
export interface RedrivenRecord {
  /** Producer id of the record, which is its first and only one. */
  producer: string
  data: Uint8Array
  /** Number of events in it. */
  events: number
}

/** Prefix of all producer ids of redrives. */
export const REDRIVE_PREFIX = 'redrive-'

/**
 * Builds the record that a redrive would append for an entry, or the reason why the entry is still invalid. The same
 * entry always gives the same record. For an entry of a whole record, it contains all lines; lines that are still
 * invalid are quarantined separately.
 *
 * An event from the future is compared with its first arrival: the time that has passed since does not make its clock
 * right.
 *
 * @param slot arrival slot of the new record, which decides what classes are known
 * @param maxRecordBytes limit of the log, which would refuse a larger record at every attempt
 */
export function redrivenRecord(
  entry: QuarantineEntry,
  slot: Slot,
  classes: ClassList,
  maxRecordBytes: number,
): { record: RedrivenRecord } | { reason: RejectionReason } {
  const { lane, position, arrivalMs } = entry
  const decode = (data: Uint8Array) => decodeRecord({ lane, position, arrivalMs, data }, slot, classes)

  let origin: Origin | null = null
  let lines: readonly (string | Uint8Array)[] = [entry.bytes]
  if (entry.line === null) {
    const whole = decode(entry.bytes)
    if (whole.events.length === 0) return { reason: whole.rejections[0]?.reason ?? entry.reason }
    const kept = new Set([...whole.events, ...whole.rejections].map(({ line }) => line))
    origin = whole.origin
    lines = linesOf(entry.bytes).filter((_, index) => kept.has(index))
  }

  const producer = producerOf(entry, origin)
  const plain = joinLines([encodeRecord({ producer, counter: 1 }, []), ...lines])
  const { events, rejections } = decode(plain)
  if (events.length === 0) return { reason: rejections[0]?.reason ?? entry.reason }
  const data = compressRecord(plain)
  if (data.byteLength > Math.min(RECORD_BYTES_LIMIT, maxRecordBytes)) return { reason: 'too-large' }
  return { record: { producer, data, events: events.length } }
}

/**
 * Computes the producer id of an entry, which no other entry has. A record with an unreadable header could not be
 * recognised as a copy. When the header is readable now, its copies, which are entries with different places, share the
 * id from the record's own identity.
 */
function producerOf({ lane, position, line }: QuarantineEntry, origin: Origin | null): string {
  const identity = origin ? [origin.producer, origin.counter] : [lane, position, line]
  const hash = createHash('sha256').update(JSON.stringify(identity)).digest('base64url')
  return REDRIVE_PREFIX + hash.slice(0, 16)
}
