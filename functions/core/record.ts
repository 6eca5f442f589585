import { isUtf8 } from 'node:buffer'
import { gunzipSync, zstdDecompressSync } from 'node:zlib'
import { type ClassList, isKnownClass } from './classes.ts'
import { decodeEvent, type ImageEvent, InvalidEventError, type UnusedValue, type WireEvent } from './event.ts'
import type { Position } from './lane.ts'
import type { Slot } from './slot.ts'

/** Record as the log delivers it. */
export interface LogRecord {
  lane: string
  position: Position
  /** Arrival time that the log stamped, ms. */
  arrivalMs: number
  data: Uint8Array
}

/**
 * Producer id and record counter. A producer has one record in flight and retries the same bytes, so a record whose
 * counter is not above the last one is a copy.
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
/** Reason for a rejection. */
export type RejectionReason = (typeof REJECTION_REASONS)[number]

/** Part of a record that is no valid event. `index` is the line, or null when the whole record is meant. */
export interface Rejection {
  index: number | null
  reason: RejectionReason
  /** Explanation for people: the field and what it must be, never its value. */
  detail: string
  bytes: Uint8Array
}

/** Content of a record, valid or not. */
export interface DecodedRecord {
  /** Null for records from other producers than ours. */
  origin: Origin | null
  /** Time when this heartbeat was sent, ms; null for records of events. */
  heartbeatMs: number | null
  /** Valid events, each with its line. */
  events: { index: number; event: ImageEvent }[]
  rejections: Rejection[]
  /** Number of optional values that cannot be used. */
  unusedValues: number
  /** The first of them, with their line. */
  warnings: (UnusedValue & { index: number })[]
}

const MAX_WARNINGS = 20

/**
 * Maximum size of a decompressed record, bytes. A record that would grow larger is refused before it uses the memory.
 */
export const MAX_DECODED_BYTES = 16 * 1024 * 1024

/**
 * Maximum number of lines in a record. MAX_DECODED_BYTES bytes cannot hold more of the shortest events. Without the
 * limit, a few kilobytes could decompress to millions of invalid lines, and each would be quarantined separately.
 */
export const MAX_LINES = MAX_DECODED_BYTES / 64

/** Maximum length of a line, in characters. Parsed JSON can use eighty times the memory of its text. */
export const MAX_LINE_LENGTH = 1024 * 1024

/**
 * Decodes a record: NDJSON with one event on each line, plain or compressed with gzip or zstd. The first line that is
 * not blank may be a header: `{"landcover":{"producer":"…","counter":7}}` gives the record its identity,
 * `{"landcover":{"heartbeat":1700000000000}}` marks a heartbeat. Each line is decoded separately, so an invalid line
 * does not affect others. Lines may end in CRLF. A byte order mark at the start is ignored (RFC 8259, 8.1, lets a
 * parser do so): some Windows editors write one, and the header behind it must not be lost.
 */
export function decodeRecord(record: LogRecord, slot: Slot, classes: ClassList): DecodedRecord {
  const decoded: DecodedRecord = {
    origin: null,
    heartbeatMs: null,
    events: [],
    rejections: [],
    unusedValues: 0,
    warnings: [],
  }
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
    const unused: UnusedValue[] = []
    try {
      event = decodeEvent(value, record.arrivalMs, each => unused.push(each))
    } catch (error) {
      if (!(error instanceof InvalidEventError)) throw error
      reject('invalid-event', error.message)
      continue
    }
    if (!isKnownClass(classes, event.className, slot)) {
      reject('unknown-class', 'class_name is not one of the known classes')
      continue
    }
    decoded.events.push({ index, event })
    decoded.unusedValues += unused.length
    for (const each of unused) if (decoded.warnings.length < MAX_WARNINGS) decoded.warnings.push({ index, ...each })
  }
  return isEmpty ? rejectWhole('empty', 'the record holds nothing') : decoded
}

/**
 * Decompresses a record and splits it into lines. A line that is not UTF-8 stays bytes, so that it can be quarantined
 * unchanged.
 *
 * @throws Error when the record cannot be decompressed. Its code is ERR_BUFFER_TOO_LARGE when the record has more than
 *   MAX_DECODED_BYTES bytes or MAX_LINES lines
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

/** Returns the lines of NDJSON, or the whole text when it is one JSON document over several lines. */
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

/**
 * Decompresses zstd. Zstd data may consist of several frames (RFC 8878, section 3). Node stops after the first frame
 * without an error, so each frame is decompressed here.
 */
function unzstd(data: Uint8Array): Buffer {
  const frames: Buffer[] = []
  let length = 0
  for (let start = 0; start < data.length; ) {
    const rest = data.subarray(start)
    // The type definitions do not know the option `info`.
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

/** Encodes events as a record. The header comes first. */
export function encodeRecord(origin: Origin, events: readonly WireEvent[]): Buffer {
  const lines = [JSON.stringify({ landcover: origin })]
  for (const event of events) lines.push(JSON.stringify(event))
  return Buffer.from(lines.join('\n'), 'utf8')
}

/** Bytes of a heartbeat that is sent at a time. */
export function encodeHeartbeat(nowMs: number): Buffer {
  return Buffer.from(JSON.stringify({ landcover: { heartbeat: nowMs } }), 'utf8')
}
