import { constants, zstdCompressSync } from 'node:zlib'
import type { WireEvent } from '../core/event.ts'
import { encodeRecord, type Origin } from '../core/record.ts'

/** How many events go into one record. */
export interface Packing {
  /** Most events of a record. */
  maxEvents: number
  /** Most bytes of a record before compression, at most RECORD_BYTES_LIMIT. */
  maxBytes: number
  /** How long an event may wait for others to share its record, ms. */
  lingerMs: number
}

/** A quarter below the megabyte that Kinesis takes, and Kafka by default, before compression has helped at all. */
export const RECORD_BYTES_LIMIT = 768 * 1024

/** The header's line: `{"landcover":{"producer":"…","counter":…}}` with an id of 64 and a counter of 16 characters. */
const HEADER_BYTES = 128

/** Below this many bytes a record is not worth the time that its decompression takes every reader. */
const LEAST_TO_COMPRESS = 2 * 1024

const ZSTD_LEVEL_1 = { params: { [constants.ZSTD_c_compressionLevel]: 1 } }

/** An event as it stands in a record, and its share of the record's bytes. */
export interface Line {
  text: string
  bytes: number
}

/** No record can hold the event: sending it again is of no use. */
export class EventTooLargeError extends Error {
  constructor(bytes: number, limit: number) {
    super(`the event has ${bytes} bytes as JSON; a record holds ${limit}`)
    this.name = 'EventTooLargeError'
  }
}

/** @throws EventTooLargeError when a record of its own would not do either */
export function lineOf(event: WireEvent, { maxBytes }: Packing): Line {
  const text = JSON.stringify(event)
  const bytes = Buffer.byteLength(text) + 1
  if (HEADER_BYTES + bytes > maxBytes) throw new EventTooLargeError(bytes, maxBytes - HEADER_BYTES)
  return { text, bytes }
}

/** How many of the first lines make one record. */
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

/** The bytes of a record: NDJSON. The same input gives the same. */
export function packRecord(origin: Origin, lines: readonly Line[]): Buffer {
  const header = encodeRecord(origin, []).toString()
  return compressRecord(Buffer.from([header, ...lines.map(line => line.text)].join('\n')))
}

/** Compresses a record with zstd where that makes it smaller. */
export function compressRecord(plain: Buffer): Buffer {
  if (plain.byteLength < LEAST_TO_COMPRESS) return plain
  const compressed = zstdCompressSync(plain, ZSTD_LEVEL_1)
  return compressed.byteLength < plain.byteLength ? compressed : plain
}
