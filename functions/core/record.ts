import { isUtf8 } from 'node:buffer'
import { gunzipSync, zstdDecompressSync } from 'node:zlib'
import { type ClassList, isKnownClass } from './classes.ts'
import { decodeEvent, type ImageEvent, InvalidEventError, type WireEvent } from './event.ts'
import type { Position } from './lane.ts'
import type { Slot } from './slot.ts'

/** A record as the log delivers it. */
export interface LogRecord {
  lane: string
  position: Position
  /** The log's own arrival time. */
  arrivalMs: number
  data: Uint8Array
}

/**
 * Who sent a record, and as its how many-th. A producer has one record in flight and retries the same bytes, so a
 * counter that is not above the last one seen is a copy.
 */
export interface Origin {
  producer: string
  counter: number
}

export const REJECTION_REASONS = [
  'empty',
  'cannot-decompress',
  'too-large',
  'bad-header',
  'not-utf8',
  'not-json',
  'invalid-event',
  'unknown-class',
] as const
export type RejectionReason = (typeof REJECTION_REASONS)[number]

/** A piece of a record that is no event: `index` is its line's, or null where the whole record is meant. */
export interface Rejection {
  index: number | null
  reason: RejectionReason
  /** For people; says the field and what it must be, never its value. */
  detail: string
  bytes: Uint8Array
}

export interface DecodedRecord {
  /** Null for records that our producer did not wrap. */
  origin: Origin | null
  /** When the heartbeat that this record is was sent; null for records of events. */
  heartbeatMs: number | null
  /** Good events with the line they stood on. */
  events: { index: number; event: ImageEvent }[]
  rejections: Rejection[]
}

/** A record may grow to this many bytes; one that would grow beyond is refused before it takes the memory. */
export const MAX_DECODED_BYTES = 16 * 1024 * 1024

/**
 * A record may have this many lines: so many bytes hold no more of the shortest events. A few kilobytes can
 * decompress to millions of lines, each of which would be refused, and kept, by itself.
 */
export const MAX_LINES = MAX_DECODED_BYTES / 64

/** A line may have this many characters: parsed JSON can take eighty times the memory of its text. */
export const MAX_LINE_LENGTH = 1024 * 1024

/**
 * A record is NDJSON, an event a line, plain or compressed with gzip or zstd. The first line that is not blank may be a header,
 * `{"landcover":{"producer":"…","counter":7}}`, which gives the record its identity, or
 * `{"landcover":{"heartbeat":1700000000000}}`. Lines are judged one by one: a bad one never takes others with it.
 * They may end in CRLF. A byte order mark before the first is no part of it (RFC 8259, 8.1, lets a parser ignore it):
 * some editors on Windows write one, and the header behind it must not be lost.
 */
export function decodeRecord(record: LogRecord, slot: Slot, classes: ClassList): DecodedRecord {
  const decoded: DecodedRecord = { origin: null, heartbeatMs: null, events: [], rejections: [] }
  const rejectWhole = (reason: RejectionReason, detail: string): DecodedRecord => {
    decoded.rejections.push({ index: null, reason, detail, bytes: record.data })
    return decoded
  }
  let lines: (string | Buffer)[]
  try {
    lines = linesOf(record.data)
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ERR_BUFFER_TOO_LARGE'
      ? rejectWhole('too-large', `decompresses to more than ${MAX_DECODED_BYTES} bytes or ${MAX_LINES} lines`)
      : rejectWhole('cannot-decompress', 'the compressed data is damaged or cut off')
  }
  let isEmpty = true
  for (let index = 0; index < lines.length; index++) {
    const line = lines[index] as string | Buffer
    const reject = (reason: RejectionReason, detail: string) =>
      decoded.rejections.push({ index, reason, detail, bytes: typeof line === 'string' ? Buffer.from(line) : line })
    if (typeof line !== 'string') {
      isEmpty = false
      reject('not-utf8', 'the line is not UTF-8')
      continue
    }
    if (line.length > MAX_LINE_LENGTH) {
      isEmpty = false
      reject('too-large', `the line has more than ${MAX_LINE_LENGTH} characters`)
      continue
    }
    let value: unknown
    try {
      value = JSON.parse(line)
    } catch {
      if (line.trim() === '') continue
      isEmpty = false
      reject('not-json', 'the line is not JSON')
      continue
    }
    const isFirst = isEmpty
    isEmpty = false
    if (isFirst && isHeader(value)) {
      const header = value.landcover
      if (isOrigin(header)) decoded.origin = { producer: header.producer, counter: header.counter }
      else if (isHeartbeat(header)) decoded.heartbeatMs = header.heartbeat
      else reject('bad-header', 'the header names neither a producer and its counter nor a heartbeat')
      continue
    }
    let event: ImageEvent
    try {
      event = decodeEvent(value, record.arrivalMs)
    } catch (error) {
      if (!(error instanceof InvalidEventError)) throw error
      reject('invalid-event', error.message)
      continue
    }
    if (isKnownClass(classes, event.className, slot)) decoded.events.push({ index, event })
    else reject('unknown-class', 'class_name is not one of the known classes')
  }
  return isEmpty ? rejectWhole('empty', 'the record holds nothing') : decoded
}

/**
 * The lines of a record, decompressed. One that is not UTF-8 stays bytes, so that it can be kept as it came.
 *
 * @throws Error when the record cannot be decompressed; its code is ERR_BUFFER_TOO_LARGE beyond MAX_DECODED_BYTES
 *   or MAX_LINES
 */
export function linesOf(data: Uint8Array): (string | Buffer)[] {
  const bytes = withoutByteOrderMark(decompress(data))
  if (hasTooManyLines(bytes)) throw tooLarge()
  if (isUtf8(bytes)) return oneDocument(bytes.toString('utf8'))
  const lines: (string | Buffer)[] = []
  for (let start = 0; start <= bytes.length; ) {
    const newline = bytes.indexOf(0x0a, start)
    const end = newline === -1 ? bytes.length : newline
    const line = bytes.subarray(start, end)
    lines.push(isUtf8(line) ? line.toString('utf8') : line)
    start = end + 1
  }
  return lines
}

/** NDJSON, or else one JSON document that was written over several lines. */
function oneDocument(text: string): string[] {
  const lines = text.split('\n')
  const beginsWithEvent = lines[0]?.trimEnd().endsWith('}')
  return !beginsWithEvent && text.length <= MAX_LINE_LENGTH && isJson(text) ? [text] : lines
}

function hasTooManyLines(bytes: Buffer): boolean {
  if (bytes.length < MAX_LINES) return false
  let lines = 1
  for (let at = bytes.indexOf(0x0a); at !== -1; at = bytes.indexOf(0x0a, at + 1)) {
    if (++lines > MAX_LINES) return true
  }
  return false
}

/** As Node's own functions do. */
function tooLarge(): Error {
  return Object.assign(new Error('too large'), { code: 'ERR_BUFFER_TOO_LARGE' })
}

function withoutByteOrderMark(bytes: Buffer): Buffer {
  return bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf ? bytes.subarray(3) : bytes
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text)
    return true
  } catch {
    return false
  }
}

const limits = { maxOutputLength: MAX_DECODED_BYTES }

function decompress(data: Uint8Array): Buffer {
  if (data[0] === 0x1f && data[1] === 0x8b) return gunzipSync(data, limits)
  if (data[0] === 0x28 && data[1] === 0xb5 && data[2] === 0x2f && data[3] === 0xfd) {
    return unzstd(data)
  }
  return Buffer.from(data.buffer, data.byteOffset, data.byteLength)
}

/** Zstd data is any number of frames (RFC 8878, 3.); Node ends behind the first and says nothing of the others. */
function unzstd(data: Uint8Array): Buffer {
  const frames: Buffer[] = []
  let length = 0
  for (let start = 0; start < data.length; ) {
    const rest = data.subarray(start)
    // Typed as if `info` were not there.
    const { buffer, engine } = zstdDecompressSync(rest, { ...limits, info: true }) as unknown as {
      buffer: Buffer
      engine: { bytesWritten: number }
    }
    frames.push(buffer)
    length += buffer.length
    if (length > MAX_DECODED_BYTES) throw tooLarge()
    start += engine.bytesWritten
  }
  return Buffer.concat(frames)
}

function isHeader(value: unknown): value is { landcover: unknown } {
  return typeof value === 'object' && value !== null && 'landcover' in value && !('image_id' in value)
}

function isOrigin(header: unknown): header is Origin {
  const { producer, counter } = (header ?? {}) as Partial<Origin>
  return (
    typeof producer === 'string' &&
    /^[\w-]{1,64}$/.test(producer) &&
    Number.isSafeInteger(counter) &&
    (counter as number) > 0
  )
}

function isHeartbeat(header: unknown): header is { heartbeat: number } {
  return Number.isSafeInteger((header as { heartbeat?: unknown } | null)?.heartbeat)
}

/** The bytes of a record of events; the header comes first. */
export function encodeRecord(origin: Origin, events: readonly WireEvent[]): Buffer {
  const lines = [JSON.stringify({ landcover: origin })]
  for (const event of events) lines.push(JSON.stringify(event))
  return Buffer.from(lines.join('\n'), 'utf8')
}

export function encodeHeartbeat(nowMs: number): Buffer {
  return Buffer.from(JSON.stringify({ landcover: { heartbeat: nowMs } }), 'utf8')
}
