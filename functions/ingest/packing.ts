import { constants, zstdCompressSync } from 'node:zlib'
import type { WireEvent } from '../core/event.ts'
import { encodeRecord, type Origin } from '../core/record.ts'

/** Limits for packing events into records. */
export interface Packing {
  /** Maximum number of events in a record. */
  maxEvents: number
  /** Maximum size of a record before compression, bytes; at most RECORD_BYTES_LIMIT. */
  maxBytes: number
  /** Time for which an event may wait for others to share its record, ms. */
  lingerMs: number
}

/**
 * Maximum size of a record before compression, bytes. It is a quarter below the megabyte that Kinesis accepts, and
 * Kafka by default.
 */
export const RECORD_BYTES_LIMIT = 768 * 1024

/**
 * Maximum size of the header line, bytes: `{"landcover":{"producer":"…","counter":…}}` with an id of 64 and a counter
 * of 16 characters.
 */
export const HEADER_BYTES = 128

/**
 * Minimum size of a record for compression, bytes. For smaller records compression costs every reader more time than it
 * saves.
 */
const LEAST_TO_COMPRESS = 2 * 1024

const ZSTD_LEVEL_1 = { params: { [constants.ZSTD_c_compressionLevel]: 1 } }

/** Line of an event in a record, with its share of the record's bytes. */
export interface Line {
  text: string
  bytes: number
}

/** Thrown when an event is too large for a record. Sending it again does not help. */
export class EventTooLargeError extends Error {
  constructor(bytes: number, limit: number) {
    super(`the event has ${bytes} bytes as JSON; a record can contain ${limit}`)
    this.name = 'EventTooLargeError'
  }
}

/**
 * Encodes an event as a line.
 *
 * @throws EventTooLargeError when the event does not fit into a record of its own
 */
export function lineOf(event: WireEvent, { maxBytes }: Packing): Line {
  const text = JSON.stringify(event)
  const bytes = Buffer.byteLength(text) + 1
  if (HEADER_BYTES + bytes > maxBytes) throw new EventTooLargeError(bytes, maxBytes - HEADER_BYTES)
  return { text, bytes }
}

/** Returns how many of the first lines fill one record. */
export function countForRecord(lines: readonly Line[], { maxEvents, maxBytes }: Packing): number {
  let bytes = HEADER_BYTES
  let count = 0
  for (const line of lines) {
    bytes += line.bytes
    if (count === maxEvents || bytes > maxBytes) break
    count++
  }
  return count
}

/** Encodes a record as NDJSON. The same input gives the same bytes. */
export function packRecord(origin: Origin, lines: readonly Line[]): Buffer {
  const header = encodeRecord(origin, []).toString()
  return compressRecord(Buffer.from([header, ...lines.map(line => line.text)].join('\n')))
}

/** Compresses a record with zstd if that makes it smaller. */
export function compressRecord(plain: Buffer): Buffer {
  if (plain.byteLength < LEAST_TO_COMPRESS) return plain
  const compressed = zstdCompressSync(plain, ZSTD_LEVEL_1)
  return compressed.byteLength < plain.byteLength ? compressed : plain
}
