import { gzipSync, zstdCompressSync } from 'node:zlib'
import type { Random } from '../../data/random.ts'
import type { WireEvent } from '../../functions/core/event.ts'
import { encodeHeartbeat, type Origin } from '../../functions/core/record.ts'
import { formatTimestamp } from '../../functions/core/time.ts'
import { AROUND_ALL, AROUND_EACH, AROUND_TEXT, aggregated, BASE64, COMPRESSIONS } from '../support/wrappers.ts'

/** Record that a sender put on the log: its bytes, and its expected content. */
export interface SentRecord {
  data: Uint8Array
  /** Null when the sender has no producer id, so each copy on the log is a record of its own. */
  origin: Origin | null
  events: SentEvent[]
  /** Lines that are not events; null for the whole record. */
  badLines: (number | null)[]
  /** True when a redrive sent it, with events that were on the log before. */
  isRedriven: boolean
}

export interface SentEvent {
  line: number
  imageId: string
  className: string
  eventMs: number
  /** In millionths. */
  ndviMean: number
  /** In thousandths; null for "not measured". */
  nir: number | null
  siteId: string | null
}

export const ALWAYS_KNOWN = ['Forest', 'SeaLake', 'River']
/** Class that becomes known in the middle of a history: see History.classes. */
export const NEW_CLASS = 'Wetland'

const NOT_JSON = ['{"image_id":"cut', 'NaN', '[1,2', '{"image_id":"x","class_name":"Forest","ndvi_mean":NaN}']
const NO_EVENT = [
  '[]',
  '7',
  '{"image_id":"x"}',
  '{"image_id":"x","class_name":"Forest","ndvi_mean":57,"timestamp":"2026-01-01T00:00:00Z"}',
]

/** Objects that are not events, as they may be in every wrapper. */
const NO_EVENT_BUT_OBJECT = NO_EVENT.filter(text => text.startsWith('{'))

/** Makes a random record of a few events, sometimes with bad lines between them. */
export function makeRecord(
  random: Random,
  origin: Origin | null,
  nextId: () => number,
  options: { times: () => number; bad: boolean },
): SentRecord {
  if (options.bad && origin === null && random() < 0.2) {
    const cutOff = gzipSync('{"image_id":"x"}').subarray(0, 12)
    const headed = Buffer.from('{"landcover":{"producer":"behind-a-library","counter":1}}\n{"image_id":"x"}')
    const data = random() < 0.5 ? cutOff : aggregated([headed])
    return { data, origin, events: [], badLines: [null], isRedriven: false }
  }
  const lines: string[] = origin ? [JSON.stringify({ landcover: origin })] : []
  const events: SentEvent[] = []
  const badLines: number[] = []
  const isWrapped = random() < 0.15
  const count = 1 + Math.floor(random() * 4)
  for (let index = 0; index < count; index++) {
    const line = lines.length
    if (options.bad && random() < 0.25) {
      const kinds = isWrapped ? NO_EVENT_BUT_OBJECT : random() < 0.5 ? NOT_JSON : NO_EVENT
      lines.push(kinds[Math.floor(random() * kinds.length)] as string)
      badLines.push(line)
      continue
    }
    const event = makeEvent(random, line, nextId(), options.times())
    lines.push(JSON.stringify(toWire(event)))
    events.push(event)
  }
  const data = isWrapped ? wrap(random, origin, lines) : compress(random, lines.join('\n'))
  return { data, origin, events, badLines, isRedriven: false }
}

export function makeHeartbeat(nowMs: number): SentRecord {
  return { data: encodeHeartbeat(nowMs), origin: null, events: [], badLines: [], isRedriven: false }
}

/** Expected content of a record that a redrive has built. */
export function readRedriven(data: Uint8Array, sent: ReadonlyMap<string, SentEvent>): SentRecord {
  const [header, ...lines] = Buffer.from(data)
    .toString()
    .split('\n')
    .map(line => JSON.parse(line))
  const events = lines.map(({ image_id }, index) => ({ ...(sent.get(image_id) as SentEvent), line: 1 + index }))
  return { data, origin: header.landcover, events, badLines: [], isRedriven: true }
}

function makeEvent(random: Random, line: number, id: number, eventMs: number): SentEvent {
  const names = random() < 0.1 ? [NEW_CLASS] : ALWAYS_KNOWN
  return {
    line,
    imageId: `image-${id}`,
    className: names[Math.floor(random() * names.length)] as string,
    eventMs,
    ndviMean: Math.floor(random() * 2_000_001) - 1_000_000,
    nir: random() < 0.3 ? null : Math.floor(random() * 5_000_000),
    // From the id: with or without sites a history is the same.
    siteId: id % 2 === 0 ? null : `site-${id % 5}`,
  }
}

function toWire({ imageId, className, eventMs, ndviMean, nir, siteId }: SentEvent): WireEvent {
  return {
    image_id: imageId,
    class_name: className,
    ndvi_mean: ndviMean / 1e6,
    nir_mean: nir === null ? null : nir / 1e3,
    ...(siteId !== null && { site_id: siteId }),
    timestamp: formatTimestamp(eventMs),
  }
}

/** Puts a wrapper around lines of which each is an object. A header has only wrappers of a whole record around it. */
function wrap(random: Random, origin: Origin | null, lines: readonly string[]): Uint8Array {
  const one = <T>(choices: Record<string, T>): T => {
    const all = Object.values(choices)
    return all[Math.floor(random() * all.length)] as T
  }
  const luck = random()
  if (origin || luck < 0.3) {
    const text = lines.join('\n')
    return luck < 0.1 ? one(AROUND_TEXT)(text) : one({ ...COMPRESSIONS, ...BASE64 })(Buffer.from(text))
  }
  if (luck < 0.6) return Buffer.from(one(AROUND_ALL)(lines))
  if (luck < 0.8) return Buffer.from(lines.map(one(AROUND_EACH)).join('\n'))
  const half = Math.floor(random() * lines.length)
  const parts = [lines.slice(0, half), lines.slice(half)].filter(({ length }) => length > 0)
  return aggregated(parts.map(part => Buffer.from(part.join('\n'))))
}

function compress(random: Random, text: string): Uint8Array {
  const luck = random()
  return luck < 0.05 ? gzipSync(text) : luck < 0.1 ? zstdCompressSync(text) : Buffer.from(text)
}
