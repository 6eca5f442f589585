import { type ClassList, isKnownClass } from './classes.ts'
import { isHeader } from './envelope.ts'
import { decodeEvent, type ImageEvent, InvalidEventError, type UnusedValue, type WireEvent } from './event.ts'
import type { Position } from './lane.ts'
import { type Line, readLines } from './record-lines.ts'
import type { Slot } from './slot.ts'
import { UnreadableError } from './unreadable.ts'

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
  'cannot-unwrap',
  'too-large',
  'bad-header',
  'not-utf8',
  'not-json',
  'invalid-event',
  'unknown-class',
] as const
/** Reason for a rejection. */
export type RejectionReason = (typeof REJECTION_REASONS)[number]

/** Part of a record that is not a valid event. `line` counts from 0; null means the whole record. */
export interface Rejection {
  line: number | null
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
  events: { line: number; event: ImageEvent }[]
  rejections: Rejection[]
  /** Number of optional values that cannot be used. */
  unusedValues: number
  /** The first of them, with their line. */
  warnings: (UnusedValue & { line: number })[]
}

const MAX_WARNINGS = 20

/**
 * Decodes a record: the lines that readLines finds in it. The first line that is not blank may be a header:
 * `{"landcover":{"producer":"…","counter":7}}` gives the record its identity, `{"landcover":{"heartbeat":1700000000000}}`
 * marks a heartbeat. Each line is decoded separately, so an invalid line does not affect others.
 */
export function decodeRecord(record: LogRecord, slot: Slot, classes: ClassList): DecodedRecord {
  try {
    const decoded = decodeLines(readLines(record.data), record, slot, classes, true)
    return isNothing(decoded) ? rejectedWhole(record, 'empty', 'the record holds nothing') : decoded
  } catch (error) {
    if (!(error instanceof UnreadableError)) throw error
    return rejectedWhole(record, error.reason, error.message)
  }
}

/**
 * Decodes the lines of events that are not in a record yet. A header among them is an invalid event.
 *
 * @param arrivalMs time that stands for the arrival of the record, ms
 */
export function decodeEvents(
  lines: Iterable<Line>,
  arrivalMs: number,
  slot: Slot,
  classes: ClassList,
): Omit<DecodedRecord, 'origin' | 'heartbeatMs'> {
  return decodeLines(lines, { arrivalMs }, slot, classes, false)
}

function nothing(): DecodedRecord {
  return { origin: null, heartbeatMs: null, events: [], rejections: [], unusedValues: 0, warnings: [] }
}

function rejectedWhole({ data }: LogRecord, reason: RejectionReason, detail: string): DecodedRecord {
  return { ...nothing(), rejections: [{ line: null, reason, detail, bytes: data }] }
}

function isNothing({ origin, heartbeatMs, events, rejections }: DecodedRecord): boolean {
  return origin === null && heartbeatMs === null && events.length === 0 && rejections.length === 0
}

function decodeLines(
  lines: Iterable<Line>,
  record: Pick<LogRecord, 'arrivalMs'>,
  slot: Slot,
  classes: ClassList,
  mayHaveHeader: boolean,
): DecodedRecord {
  const decoded = nothing()
  let isFirst = mayHaveHeader
  let line = -1
  for (const content of lines) {
    line++
    if (content.kind === 'blank') continue
    const mayBeHeader = isFirst
    isFirst = false
    const { raw } = content
    const reject = (reason: RejectionReason, detail: string) =>
      decoded.rejections.push({ line, reason, detail, bytes: typeof raw === 'string' ? Buffer.from(raw) : raw })
    if (content.kind === 'refused') {
      reject(content.reason, content.detail)
      continue
    }
    const { value } = content
    if (mayBeHeader && isHeader(value)) {
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
    decoded.events.push({ line, event })
    decoded.unusedValues += unused.length
    for (const each of unused) if (decoded.warnings.length < MAX_WARNINGS) decoded.warnings.push({ line, ...each })
  }
  return decoded
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
