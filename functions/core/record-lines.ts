import { isUtf8 } from 'node:buffer'
import { decompress, type Room } from './decompress.ts'
import { contentField, isEventLike, isHeader, isObject } from './envelope.ts'
import { documentsIn, elementsOf, fieldText, isJson, parseJson } from './json-text.ts'
import { userRecordsOf } from './kinesis-aggregation.ts'
import {
  MAX_DECODED_BYTES,
  MAX_LINE_LENGTH,
  MAX_LINES,
  tooLarge,
  UnreadableError,
  type UnreadableReason,
} from './unreadable.ts'

/** Line of a record: its text, or its bytes when they are not UTF-8. */
export type RawLine = string | Buffer

/** Line that is blank, or has a JSON value, or cannot be read. */
export type Line =
  | { kind: 'blank'; raw: RawLine }
  | { kind: 'value'; raw: RawLine; value: unknown }
  | { kind: 'refused'; raw: RawLine; reason: LineRefusal; detail: string }

type LineRefusal = UnreadableReason | 'not-utf8' | 'not-json'

/** Maximum number of wrappers around an event, such as gzip, an array and an envelope. */
const MAX_WRAPPERS = 6

/** Minimum length of a text in base64. */
const LEAST_BASE64_LENGTH = 16

/**
 * Finds the lines of a record, with one event on each. These are its lines of NDJSON. Wrappers that some senders put
 * around events are removed, so that each event within is a separate line:
 *
 * - around the whole record: gzip, zstd, zlib, base64, UTF-16, the 5 bytes of a schema registry before JSON, and the
 *   aggregation of the Kinesis Producer Library
 * - on a line: an array of objects, several objects without a line break, JSON in quotes, base64, and an envelope whose
 *   field `payload`, `data` or `value` holds the events
 *
 * Lines may end in CRLF. A byte order mark at the start is ignored (RFC 8259, 8.1, lets a parser do so): some Windows
 * editors write one, and the header behind it must not be lost. The same bytes always have the same lines.
 *
 * @throws UnreadableError when the record as a whole cannot be read: it is damaged, wrapped in a way that is not clear,
 *   or has more than MAX_DECODED_BYTES bytes or MAX_LINES lines
 */
export function* readLines(data: Uint8Array): Generator<Line> {
  const room: Room = { bytes: MAX_DECODED_BYTES }
  let count = 0
  for (const raw of rawLines(data, MAX_WRAPPERS, room)) {
    const read = readLine(raw, MAX_WRAPPERS, room)
    const lines = Array.isArray(read) ? read : [raw]
    count += lines.length
    if (count > MAX_LINES) throw tooLarge()
    if (!Array.isArray(read)) yield read
    else for (const line of lines) yield unwrapped(line, room)
  }
}

/** Finds the lines of a record as readLines does, without their values. */
export function linesOf(data: Uint8Array): RawLine[] {
  return Array.from(readLines(data), ({ raw }) => raw)
}

/**
 * Joins lines to the bytes of a record. An event that was written over several lines is put on one: between the tokens
 * of JSON, a space is equivalent to a line break.
 */
export function joinLines(lines: readonly (string | Uint8Array)[]): Buffer {
  const lineBreak = Buffer.from('\n')
  const parts = lines.flatMap(line => [lineBreak, onOneLine(line)])
  return Buffer.concat(parts.slice(1))
}

function onOneLine(line: string | Uint8Array): Buffer {
  const bytes = Buffer.from(line as Uint8Array)
  for (let at = bytes.indexOf(0x0a); at !== -1; at = bytes.indexOf(0x0a, at + 1)) bytes[at] = 0x20
  return bytes
}

/** Reads a line that was found in a wrapper. The line is not a wrapper itself, except one that could not be removed. */
function unwrapped(raw: RawLine, room: Room): Line {
  const read = readLine(raw, MAX_WRAPPERS, room)
  return Array.isArray(read) ? refused(raw, 'cannot-unwrap', TOO_DEEP) : read
}

const TOO_DEEP = `there are more than ${MAX_WRAPPERS} wrappers around it`

/** Splits a record into lines, after what is around it as a whole was removed. */
function rawLines(data: Uint8Array, depth: number, room: Room): RawLine[] {
  if (depth < 0) throw new UnreadableError('cannot-unwrap', TOO_DEEP)
  const decompressed = decompress(data, room)
  if (decompressed) return rawLines(decompressed, depth - 1, room)
  const userRecords = userRecordsOf(data)
  if (userRecords) return linesOfAll(userRecords, depth - 1, room)
  const bytes = asUtf8(withoutSchemaId(Buffer.from(data.buffer, data.byteOffset, data.byteLength)))
  if (hasTooManyLines(bytes)) throw tooLarge()
  if (!isUtf8(bytes)) return splitBytes(bytes)
  const text = bytes.toString('utf8')
  const decoded = fromBase64(text)
  return decoded ? rawLines(decoded, depth - 1, room) : splitText(text)
}

/**
 * Puts the lines of aggregated records in a row. A retry may be aggregated with other records, so a header of one of
 * them cannot tell copies of the whole.
 */
function linesOfAll(records: readonly Uint8Array[], depth: number, room: Room): RawLine[] {
  const lines: RawLine[] = []
  for (const record of records) {
    for (const line of rawLines(record, depth, room)) lines.push(line)
    if (lines.length > MAX_LINES) throw tooLarge()
  }
  refuseHeaders(lines, 'aggregated record of the Kinesis Producer Library')
  return lines
}

function refuseHeaders(lines: readonly RawLine[], wrapper: string): void {
  if (!lines.some(isHeaderLine)) return
  throw new UnreadableError('cannot-unwrap', `${wrapper}: a landcover header may only be the first line of a record`)
}

function isHeaderLine(line: RawLine): boolean {
  if (typeof line !== 'string' || line.length > MAX_LINE_LENGTH || !line.includes('landcover')) return false
  return isJson(line) && isHeader(parseJson(line))
}

/** Returns the line with its value, or the lines within it when it is a wrapper. */
function readLine(raw: RawLine, depth: number, room: Room): Line | string[] {
  if (typeof raw !== 'string') return refused(raw, 'not-utf8', 'the line is not UTF-8')
  if (raw.trim() === '') return { kind: 'blank', raw }
  try {
    const elements = elementsIn(raw)
    if (elements) return within(elements, 'array', depth, room)
    if (raw.length > MAX_LINE_LENGTH) {
      return refused(raw, 'too-large', `the line has more than ${MAX_LINE_LENGTH} characters`)
    }
    let value: unknown
    try {
      value = parseJson(raw)
    } catch {
      return partsOf(raw, depth, room) ?? refused(raw, 'not-json', notJson(raw))
    }
    return contentOf(value, raw, depth, room) ?? { kind: 'value', raw, value }
  } catch (error) {
    if (!(error instanceof UnreadableError)) throw error
    return refused(raw, error.reason, error.message)
  }
}

function refused(raw: RawLine, reason: LineRefusal, detail: string): Line {
  return { kind: 'refused', raw, reason, detail }
}

function elementsIn(text: string): string[] | null {
  const elements = elementsOf(text, MAX_LINES)
  return elements?.every(isJson) ? elements : null
}

/** Returns the lines of text that is not JSON: several objects in a row, or base64. */
function partsOf(text: string, depth: number, room: Room): string[] | null {
  const documents = documentsIn(text, MAX_LINES)
  if (documents?.every(isJson)) return within(documents, 'several objects on a line', depth, room)
  const decoded = fromBase64(text)
  return decoded && within(asText(rawLines(decoded, depth - 1, room)), 'base64', depth, room)
}

/** Returns the lines that a JSON value holds as text or as the content of an envelope; null when it is not a wrapper. */
function contentOf(value: unknown, text: string, depth: number, room: Room): string[] | null {
  if (typeof value === 'string') return contentOfText(value, depth, room)
  if (!isObject(value)) return null
  const field = contentField(value)
  if (field === null) return null
  const content = value[field]
  const lines =
    typeof content === 'string'
      ? (contentOfText(content, depth, room) ?? [])
      : within([fieldText(text, field) as string], 'envelope', depth, room)
  if (lines.length > 0 && lines.every(holdsEvent)) return lines
  throw new UnreadableError('cannot-unwrap', `envelope: its field ${field} does not hold events`)
}

function holdsEvent(line: string): boolean {
  return isJson(line) && isEventLike(parseJson(line))
}

function contentOfText(content: string, depth: number, room: Room): string[] | null {
  const text = content.trim()
  if (/^[{[]/.test(text)) return within(splitText(text), 'JSON in quotes', depth, room)
  const decoded = fromBase64(text)
  return decoded && within(asText(rawLines(decoded, depth - 1, room)), 'base64 in quotes', depth, room)
}

/** Removes the wrappers of each part. Of several parts, one whose wrapper cannot be removed stays as it is. */
function within(parts: readonly string[], wrapper: string, depth: number, room: Room): string[] {
  if (depth <= 0) throw new UnreadableError('cannot-unwrap', TOO_DEEP)
  const lines: string[] = []
  for (const part of parts) {
    const read = readLine(part, depth - 1, room)
    if (Array.isArray(read)) for (const line of read) lines.push(line)
    else if (parts.length === 1 && read.kind === 'refused' && read.reason === 'cannot-unwrap') {
      throw new UnreadableError(read.reason, read.detail)
    } else lines.push(part)
    if (lines.length > MAX_LINES) throw tooLarge()
  }
  refuseHeaders(lines, wrapper)
  return lines
}

function asText(lines: readonly RawLine[]): string[] {
  return lines.map(line => {
    if (typeof line === 'string') return line
    throw new UnreadableError('cannot-unwrap', 'base64: its content is not UTF-8')
  })
}

/**
 * Removes the 5 bytes that serializers of a schema registry write before JSON: a zero, and the schema's id (Confluent
 * Platform, "Wire format"). No text begins with a zero.
 */
function withoutSchemaId(bytes: Buffer): Buffer {
  if (bytes.length <= SCHEMA_ID_BYTES || bytes[0] !== 0) return bytes
  const rest = bytes.subarray(SCHEMA_ID_BYTES)
  if (beginsWithJson(rest)) return rest
  throw new UnreadableError(
    'cannot-unwrap',
    'it begins with a zero byte, as records of a schema registry do, and what follows the schema id is not JSON: use a serializer that writes JSON',
  )
}

const SCHEMA_ID_BYTES = 5

/** Removes the byte order mark. UTF-16 with one, which no UTF-8 begins with, becomes UTF-8. */
function asUtf8(bytes: Buffer): Buffer {
  if (bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf) return bytes.subarray(3)
  const isBigEndian = bytes[0] === 0xfe && bytes[1] === 0xff
  if (!isBigEndian && !(bytes[0] === 0xff && bytes[1] === 0xfe)) return bytes
  try {
    const decoder = new TextDecoder(isBigEndian ? 'utf-16be' : 'utf-16le', { fatal: true })
    return Buffer.from(decoder.decode(bytes))
  } catch {
    throw new UnreadableError('cannot-unwrap', 'it begins as UTF-16, and is damaged: send UTF-8')
  }
}

/** Decodes text that is base64 of JSON, of compressed data or of a record with a schema id; null for other text. */
function fromBase64(text: string): Buffer | null {
  const first = text[0] ?? ''
  if (first === '{' || first === '[' || text.length < LEAST_BASE64_LENGTH) return null
  const packed = text.replace(/\s+/g, '')
  if (!/^[\w+/-]+={0,2}$/.test(packed)) return null
  const bytes = Buffer.from(packed, 'base64')
  const isBinary = BINARY_STARTS.some(start => bytes.subarray(0, start.length).equals(Buffer.from(start)))
  return isBinary || beginsWithJson(bytes) ? bytes : null
}

/** First bytes of gzip, zstd, zlib, aggregated records, and of schema ids below 65,536. */
const BINARY_STARTS = [
  [0x1f, 0x8b],
  [0x28, 0xb5, 0x2f, 0xfd],
  [0x78, 0x9c],
  [0xf3, 0x89, 0x9a, 0xc2],
  [0, 0, 0],
]

function beginsWithJson(bytes: Buffer): boolean {
  return /^\s*[{[]/.test(bytes.subarray(0, 100).toString('latin1'))
}

function hasTooManyLines(bytes: Buffer): boolean {
  if (bytes.length < MAX_LINES) return false
  let lines = 1
  for (let at = bytes.indexOf(0x0a); at !== -1; at = bytes.indexOf(0x0a, at + 1)) {
    if (++lines > MAX_LINES) return true
  }
  return false
}

/** Lines that are not UTF-8 stay bytes, so that they can be quarantined unchanged. */
function splitBytes(bytes: Buffer): RawLine[] {
  const lines: RawLine[] = []
  for (let start = 0; start <= bytes.length; ) {
    const newline = bytes.indexOf(0x0a, start)
    const end = newline === -1 ? bytes.length : newline
    const line = bytes.subarray(start, end)
    lines.push(isUtf8(line) ? line.toString('utf8') : line)
    start = end + 1
  }
  return lines
}

/** Splits text into lines, or into JSON documents that are written over several lines. A header comes before either. */
function splitText(text: string): string[] {
  const newline = text.indexOf('\n')
  if (newline === -1) return [text]
  const first = text.slice(0, newline)
  return isHeaderLine(first) ? [first, ...splitBody(text.slice(newline + 1))] : splitBody(text)
}

function splitBody(text: string): string[] {
  const lines = text.split('\n')
  const first = (lines[0] as string).trimEnd()
  if (first.startsWith('{') && first.endsWith('}')) return lines
  const documents = documentsIn(text, MAX_LINES)
  if (!documents?.every(isDocument)) return opensDocument(lines) ? [text] : lines
  return documents.length === 1 || documents.some(each => each.includes('\n')) ? documents : lines
}

/** Returns true for an array or object over several lines. When it is damaged, its lines are not events. */
function opensDocument(lines: readonly string[]): boolean {
  const first = lines.find(line => line.trim() !== '')?.trim() ?? ''
  return first === '{' || (/^\[\s*(\{|$)/.test(first) && !first.endsWith(']'))
}

function isDocument(text: string): boolean {
  return elementsIn(text) !== null || (text.length <= MAX_LINE_LENGTH && isJson(text))
}

/** Returns what is wrong with text that is not JSON, with advice for common mistakes. */
function notJson(text: string): string {
  if (/^\s*[{[]\s*'/.test(text))
    return 'the line is not JSON: names and text need double quotes, as json.dumps writes them'
  if (/\}\\n\s*\{/.test(text)) return 'the line is not JSON: a line break between events is written as \\n in it'
  if (/,\s*[}\]]\s*$/.test(text)) return 'the line is not JSON: it has a comma before its last bracket'
  return 'the line is not JSON'
}
