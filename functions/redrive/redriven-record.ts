import { createHash } from 'node:crypto'
import type { ClassList } from '../core/classes.ts'
import { decodeRecord, encodeRecord, linesOf, type Origin, type RejectionReason } from '../core/record.ts'
import type { Slot } from '../core/slot.ts'
import { compressRecord, RECORD_BYTES_LIMIT } from '../ingest/packing.ts'
import type { QuarantineEntry } from '../ports/speed-store.ts'

/** The record with which an entry's events go to the log once more. */
export interface RedrivenRecord {
  /** The record is the first and only one of this producer id. */
  producer: string
  data: Uint8Array
  /** How many events it holds. */
  events: number
}

/** How every producer id of a redrive begins. */
export const REDRIVE_PREFIX = 'redrive-'

/**
 * What a redrive would append for an entry, or why the entry is no better now than it was. The same entry always gives
 * the same record. It holds all lines of a whole-record entry, of which some may still be bad: those are quarantined
 * once more, by themselves.
 *
 * An event from the future is held against the time at which it came first: that time has passed makes its clock no
 * better.
 *
 * @param slot the arrival slot in which the record would be: it decides which classes are known
 * @param maxRecordBytes the log's: a larger record would be refused by it, at every attempt
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
  let lines: Uint8Array[] = [entry.bytes]
  if (entry.index === null) {
    const whole = decode(entry.bytes)
    if (whole.events.length === 0) return { reason: whole.rejections[0]?.reason ?? entry.reason }
    const indexes = new Set([...whole.events, ...whole.rejections].map(({ index }) => index))
    origin = whole.origin
    lines = linesOf(entry.bytes)
      .filter((_, index) => indexes.has(index))
      .map(line => Buffer.from(line as string))
  }

  const producer = producerOf(entry, origin)
  const plain = joined([encodeRecord({ producer, counter: 1 }, []), ...lines.map(withoutBreaks)])
  const { events, rejections } = decode(plain)
  if (events.length === 0) return { reason: rejections[0]?.reason ?? entry.reason }
  const data = compressRecord(plain)
  if (data.byteLength > Math.min(RECORD_BYTES_LIMIT, maxRecordBytes)) return { reason: 'too-large' }
  return { record: { producer, data, events: events.length } }
}

/**
 * An id that no other entry has. A record whose header could not be read when it came was not known as a copy either:
 * once it can, its copies, which are entries of several places, share the id that its own identity gives.
 */
function producerOf({ lane, position, index }: QuarantineEntry, origin: Origin | null): string {
  const identity = origin ? [origin.producer, origin.counter] : [lane, position, index]
  const hash = createHash('sha256').update(JSON.stringify(identity)).digest('base64url')
  return REDRIVE_PREFIX + hash.slice(0, 16)
}

/** One event written over several lines becomes one line: between JSON's tokens a space is as good as a line break. */
function withoutBreaks(line: Uint8Array): Uint8Array {
  return line.map(byte => (byte === 0x0a ? 0x20 : byte))
}

function joined(lines: readonly Uint8Array[]): Buffer {
  const newline = Buffer.from('\n')
  return Buffer.concat(lines.flatMap((line, index) => (index === 0 ? [line] : [newline, line])))
}
