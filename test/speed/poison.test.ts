import { createHash } from 'node:crypto'
import { gzipSync, zstdCompressSync } from 'node:zlib'
import { describe, expect, it } from 'vitest'
import { FUTURE_TOLERANCE_MS } from '../../functions/core/event.ts'
import { decodeRecord, encodeRecord, type RejectionReason } from '../../functions/core/record.ts'
import { MINUTE_MS } from '../../functions/core/time.ts'
import { MAX_DECODED_BYTES, MAX_LINE_LENGTH, MAX_LINES } from '../../functions/core/unreadable.ts'
import type { QuarantineEntry } from '../../functions/ports/speed-store.ts'
import { CLASSES, logRecord, NOON_MS, wireEvent } from '../support/factories.ts'
import { openOneLane } from '../support/one-lane.ts'

const SLOT_MS = MINUTE_MS
const MIB = 1024 * 1024

/** Text in every poisonous input that has space for it. It must never appear in logs or messages. */
const SECRET = 'SESAME'

const bytesOf = (...codes: number[]) => Buffer.from(codes)
const event = (changes = {}) => JSON.stringify(wireEvent({ image_id: SECRET, ...changes }))
/** An event whose JSON has `literal` instead of a field's value. */
const literally = (field: string, literal: string) =>
  JSON.stringify(wireEvent({ image_id: SECRET, [field]: '!' } as object)).replace('"!"', literal)
const nested = (depth: number) => '['.repeat(depth) + ']'.repeat(depth)

interface Rejected {
  /** Line of the record; null for the whole record. */
  line: number | null
  reason: RejectionReason
  bytes: Uint8Array | string
}

/** Delivers a record between two good ones to both layers, and compares the results with the expected ones. */
async function expectPoison(data: Uint8Array | string, rejected: Rejected[], goodBeside: number): Promise<void> {
  const { pipeline, lane, clock, append, heartbeat, speed, archive } = await openOneLane({ slotMs: SLOT_MS })
  const good = (counter: number) => encodeRecord({ producer: 'good', counter }, [wireEvent()])
  const records = [append(good(1)), append(data), append(good(2))]
  clock.nowMs += 5 * SLOT_MS
  const later = [append(good(3)), heartbeat()]

  for (const delivered of [records, later]) {
    expect(await speed(delivered)).toEqual({ batchItemFailures: [] })
    expect(await archive(delivered)).toEqual({ batchItemFailures: [] })
  }
  expect((await pipeline.store.readCursor(lane))?.lastPosition).toBe(later.at(-1)?.position)

  const entries = await pipeline.quarantined()
  expect(entries.map(({ line, reason, position, bytes }) => [line, reason, position, digest(bytes)])).toEqual(
    rejected.map(({ line, reason, bytes }) => [line, reason, records[1]?.position, digest(Buffer.from(bytes))]),
  )
  expect((await pipeline.store.readCursor(lane))?.quarantined).toBe(rejected.length)

  clock.nowMs += 3 * SLOT_MS
  await archive([heartbeat()])
  expect((await pipeline.runBatch()).published).toBe(true)
  const totals = await pipeline.batchTotals()
  expect(totals).toEqual(await pipeline.speedTotals())
  expect(totals.values().reduce((sum, { count }) => sum + count, 0)).toBe(goodBeside + 3)

  const readAlong = [pipeline.logger.lines, pipeline.metrics.measured, entries.map(({ detail }) => detail)]
  expect(JSON.stringify(readAlong)).not.toContain(SECRET)
  expect(pipeline.logger.lines).toEqual([])
}

function digest(bytes: Uint8Array): string {
  return `${bytes.length} bytes, sha256 ${createHash('sha256').update(bytes).digest('hex')}`
}

describe('a line is refused with its reason and its bytes, and the good events of the record count:', () => {
  const lines: [string, RejectionReason, string | Uint8Array][] = [
    ['a class that nobody knows', 'unknown-class', event({ class_name: SECRET })],
    ['a class with the name of a prototype', 'unknown-class', event({ class_name: '__proto__' })],
    ['a class with the name of a method', 'unknown-class', event({ class_name: 'constructor' })],
    ['NaN', 'invalid-event', literally('ndvi_mean', 'NaN')],
    ['Infinity', 'invalid-event', literally('ndvi_mean', '-Infinity')],
    ['NaN in quotes', 'invalid-event', event({ ndvi_mean: 'NaN' })],
    ['a number beyond all numbers', 'invalid-event', literally('ndvi_mean', '1e999')],
    ['a number of a thousand digits', 'invalid-event', literally('ndvi_mean', '9'.repeat(1_000))],
    ['a mean above its highest pixel', 'invalid-event', event({ ndvi_mean: 0.5, ndvi_max: 0.4 })],
    ['an NDVI above 1', 'invalid-event', event({ ndvi_mean: 1.0000001 })],
    [
      'a moment too far in the future',
      'invalid-event',
      event({ timestamp: new Date(NOON_MS + FUTURE_TOLERANCE_MS + 1).toISOString() }),
    ],
    ['the year 9999', 'invalid-event', event({ timestamp: '9999-12-31T23:59:59Z' })],
    ['a time before all times', 'invalid-event', event({ timestamp: '1969-12-31T23:59:59Z' })],
    ['a number where text belongs', 'invalid-event', event({ class_name: 7.5, note: SECRET })],
    ['text where a number belongs', 'invalid-event', event({ ndvi_mean: SECRET })],
    ['a list where a number belongs', 'invalid-event', event({ ndvi_mean: [0.5] })],
    ['an object where text belongs', 'invalid-event', event({ image_id: { toString: SECRET } })],
    ['true where a number belongs', 'invalid-event', event({ ndvi_mean: true })],
    ['seconds where a time belongs', 'invalid-event', event({ timestamp: NOON_MS / 1000 })],
    ['an event beside others in a list', 'invalid-event', `[${event()},7]`],
    ['an event inside of __proto__', 'cannot-unwrap', `{"__proto__":${event()}}`],
    ['an event inside of a field of any name', 'cannot-unwrap', `{"${SECRET}":${event()}}`],
    ['an event in two fields', 'cannot-unwrap', `{"payload":${event()},"value":${event()}}`],
    ['a row that Debezium says was changed', 'cannot-unwrap', `{"op":"u","before":${event()},"after":${event()}}`],
    ['a header in an envelope', 'cannot-unwrap', '{"payload":{"landcover":{"producer":"p","counter":99}}}'],
    ['two events and a cut one on one line', 'not-json', event() + event() + event().slice(0, -1)],
    ['half an event', 'not-json', event().slice(0, 30)],
    ['lists in lists that never close', 'not-json', '['.repeat(500_000)],
    ['lists in lists', 'invalid-event', nested(500_000)],
    ['lists in lists where a number belongs', 'invalid-event', literally('ndvi_mean', nested(100_000))],
    ['objects in objects', 'invalid-event', `${'{"a":'.repeat(100_000)}1${'}'.repeat(100_000)}`],
    ['half a surrogate pair, escaped', 'invalid-event', literally('image_id', `"${SECRET}\\ud800"`)],
    [
      'half a surrogate pair, as bytes',
      'not-utf8',
      Buffer.concat([Buffer.from(`{"image_id":"${SECRET}`), bytesOf(0xed, 0xa0, 0x80), Buffer.from('"}')]),
    ],
    ['bytes that are not UTF-8', 'not-utf8', Buffer.concat([Buffer.from(SECRET), bytesOf(0xc3, 0x28, 0xff)])],
    ['Latin-1', 'not-utf8', Buffer.from(event({ image_id: `${SECRET} é` }), 'latin1')],
    ['a NUL byte', 'not-json', `${SECRET}\u0000`],
    ['a header on another line', 'invalid-event', '{"landcover":{"producer":"p","counter":99}}'],
    ['a byte order mark on another line', 'not-json', `\ufeff${event()}`],
    ['a name of a megabyte', 'invalid-event', event({ image_id: SECRET.padEnd(1_000_000, 'x') })],
    ['more than may be one line', 'too-large', event({ note: 'x'.repeat(MAX_LINE_LENGTH) })],
  ]
  it.each(lines)('%s', async (_, reason, line) => {
    const newline = Buffer.from('\n')
    const origin = Buffer.from('{"landcover":{"producer":"p","counter":1}}')
    const parts = [origin, Buffer.from(event()), Buffer.from(line), Buffer.from(event())]
    const data = Buffer.concat(parts.flatMap(part => [part, newline]))
    await expectPoison(data, [{ line: 2, reason, bytes: line }], 2)
  })

  it.each([
    ['a counter beyond whole numbers', '{"landcover":{"producer":"p","counter":1e300}}'],
    ['a counter of no size', '{"landcover":{"producer":"p","counter":1e999}}'],
    ['a producer of a megabyte', `{"landcover":{"producer":"${SECRET.padEnd(1_000_000, 'x')}","counter":1}}`],
    ['a prototype', '{"landcover":{"__proto__":{"producer":"p","counter":1}}}'],
    ['lists in lists', `{"landcover":${nested(100_000)}}`],
  ])('a header with %s', async (_, header) => {
    await expectPoison(`${header}\n${event()}`, [{ line: 0, reason: 'bad-header', bytes: header }], 1)
  })
})

describe('a record is refused as a whole, with its reason and its bytes, and the records around it count:', () => {
  const many = Buffer.from(Array.from({ length: 100 }, () => event()).join('\n'))
  const spaces = (length: number) => Buffer.alloc(length, `${' '.repeat(1_023)}\n`)
  const flipped = (bytes: Buffer, at: number) => {
    bytes[at] = (bytes[at] as number) ^ 0xff
    return bytes
  }
  const records: [string, RejectionReason, Uint8Array | string][] = [
    ['nothing at all', 'empty', ''],
    ['blank lines', 'empty', ' \r\n\n\t'],
    ['gzip, cut off', 'cannot-decompress', gzipSync(many).subarray(0, -9)],
    ['zstd, cut off', 'cannot-decompress', zstdCompressSync(many).subarray(0, -9)],
    ['gzip, its first bytes only', 'cannot-decompress', bytesOf(0x1f, 0x8b)],
    ['zstd, its first bytes only', 'cannot-decompress', bytesOf(0x28, 0xb5, 0x2f, 0xfd)],
    ['gzip with a wrong checksum', 'cannot-decompress', flipped(gzipSync(many), gzipSync(many).length - 6)],
    ['gzip, damaged in the middle', 'cannot-decompress', flipped(gzipSync(many), 40)],
    ['gzip with events behind it', 'cannot-decompress', Buffer.concat([gzipSync(many), many])],
    ['a gzip bomb', 'too-large', gzipSync(spaces(30 * MAX_DECODED_BYTES))],
    ['a zstd bomb', 'too-large', zstdCompressSync(spaces(30 * MAX_DECODED_BYTES))],
    ['a zstd bomb of many frames', 'too-large', Buffer.concat(Array(40).fill(zstdCompressSync(spaces(MIB))))],
    ['a bomb of one byte more', 'too-large', gzipSync(spaces(MAX_DECODED_BYTES + 1))],
    ['a bomb of lines', 'too-large', gzipSync(Buffer.alloc(MAX_DECODED_BYTES, '1\n'))],
    ['a bomb of empty lines', 'too-large', gzipSync(Buffer.alloc(2 * MAX_LINES, '\n'))],
  ]
  it.each(records)('%s', async (_, reason, data) => {
    await expectPoison(data, [{ line: null, reason, bytes: data }], 0)
  })
})

describe('a record at the limit of the log', () => {
  /** Kinesis accepts 10 MiB when a stream allows it (Kinesis Data Streams Developer Guide, "Handle large records"). */
  const KINESIS_LIMIT = 10 * MIB

  it('of one line is refused with its bytes, without being parsed', async () => {
    const deep = '['.repeat(KINESIS_LIMIT)
    await expectPoison(deep, [{ line: 0, reason: 'too-large', bytes: deep }], 0)
  })

  it('of good events counts completely, except its bad line', async () => {
    const text = event()
    const count = Math.floor((KINESIS_LIMIT - 10) / (text.length + 1))
    const data = `${`${text}\n`.repeat(count)}${SECRET}`
    await expectPoison(data, [{ line: count, reason: 'not-json', bytes: SECRET }], count)
  })

  it('of good events, compressed, may hold 16 MiB of events', async () => {
    const text = event()
    const count = Math.floor(MAX_DECODED_BYTES / (text.length + 1))
    await expectPoison(zstdCompressSync(`${text}\n`.repeat(count)), [], count)
  })

  it('with binary data is refused line by line', async () => {
    const words = new Uint32Array(MIB / 4).map((_, line) => Math.imul(line + 1, 2_654_435_761))
    const noise = Buffer.from(words.buffer)
    const { rejections } = decodeRecord(logRecord(noise), NOON_MS, CLASSES)
    expect(rejections.length).toBeGreaterThan(1_000)
    expect(rejections.reduce((sum, { bytes }) => sum + bytes.length, 0)).toBeGreaterThan(0.99 * MIB)
    await expectPoison(noise, rejections, 0)
  })
})

describe('input that is unusual but not poison counts:', () => {
  it.each([
    ['lines that end in CRLF', `${event()}\r\n${event()}\r\n`, 2],
    ['a byte order mark at the start', `\ufeff${event()}\n${event()}`, 2],
    ['a moment within the tolerance', event({ timestamp: new Date(NOON_MS + FUTURE_TOLERANCE_MS).toISOString() }), 1],
    ['a field called __proto__', literally('note', '{"a":1}').replace('"note"', '"__proto__"'), 1],
    ['an unknown field with nested lists', literally('note', nested(100_000)), 1],
    ['a number of a thousand digits', literally('ndvi_mean', `0.${'3'.repeat(1_000)}`), 1],
    ['a number next to nothing', literally('ndvi_mean', '1e-999'), 1],
    ['a whole surrogate pair', literally('image_id', '"\\ud83c\\udf32"'), 1],
    ['a field that is there twice', `{"ndvi_mean":9,${event().slice(1)}`, 1],
    ['an event over several lines', JSON.stringify(wireEvent(), null, 2), 1],
  ])('%s', async (_, data, count) => {
    await expectPoison(data, [], count)
  })
})

it('a delivery with very many results is written in parts, each once', async () => {
  const { pipeline, lane, append, speed } = await openOneLane({ slotMs: SLOT_MS })
  const lines = 3_000
  const records = Array.from({ length: 10 }, () => append('?\n'.repeat(lines)))
  const sizes: number[] = []
  const failing = {
    ...pipeline.store,
    quarantine: async (entries: readonly QuarantineEntry[]) => {
      sizes.push(entries.length)
      if (sizes.length === 2) throw new Error('the store is down')
      return pipeline.store.quarantine(entries)
    },
  }
  expect((await speed(records, failing)).batchItemFailures).toHaveLength(1)
  expect((await pipeline.store.readCursor(lane))?.lastPosition).toBe(records[3]?.position)
  expect(await speed(records, failing)).toEqual({ batchItemFailures: [] })
  expect(sizes).toEqual([12_000, 12_000, 12_000, 6_000])
  expect(await pipeline.store.readCursor(lane)).toMatchObject({
    lastPosition: records.at(-1)?.position,
    quarantined: records.length * lines,
  })
  expect(await pipeline.quarantined()).toHaveLength(records.length * lines)
})

it('a delivery that is given back is reported without any of its content', async () => {
  const { pipeline, append, speed } = await openOneLane({ slotMs: SLOT_MS })
  const refused = { ...pipeline.store, quarantine: () => Promise.reject(new Error('the store is down')) }
  await speed([append(event({ class_name: SECRET }))], refused)
  expect(pipeline.logger.lines).toHaveLength(1)
  expect(JSON.stringify([pipeline.logger.lines, pipeline.metrics.measured])).not.toContain(SECRET)
})
