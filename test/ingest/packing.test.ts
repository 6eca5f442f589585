import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { generateImages, toWireEvent } from '../../data/generator.ts'
import { decodeEvent } from '../../functions/core/event.ts'
import { decodeRecord } from '../../functions/core/record.ts'
import {
  countForRecord,
  EventTooLargeError,
  lineOf,
  type Packing,
  packRecord,
  RECORD_BYTES_LIMIT,
} from '../../functions/ingest/packing.ts'
import { wireEvents } from '../support/arbitraries.ts'
import { CLASSES, logRecord, NOON_MS, wireEvent } from '../support/factories.ts'

const PACKING: Packing = { maxEvents: 500, maxBytes: RECORD_BYTES_LIMIT, lingerMs: 0 }
const ORIGIN = { producer: 'a-producer', counter: 7 }

describe('a packed record', () => {
  test('is decoded to its origin and its events', () => {
    fc.assert(
      fc.property(fc.array(wireEvents, { minLength: 1, maxLength: 60 }), events => {
        const data = packRecord(
          ORIGIN,
          events.map(event => lineOf(event, PACKING)),
        )
        const decoded = decodeRecord(logRecord(data), NOON_MS, CLASSES)
        expect(decoded.origin).toEqual(ORIGIN)
        expect(decoded.rejections).toEqual([])
        expect(decoded.events.map(({ event }) => event)).toEqual(events.map(event => decodeEvent(event, NOON_MS)))
      }),
    )
  })

  test('has the same bytes for the same events', () => {
    const lines = realisticLines(500)
    expect(packRecord(ORIGIN, lines).equals(packRecord(ORIGIN, lines))).toBe(true)
  })

  test('of 500 realistic events has less than a quarter of their bytes', () => {
    const lines = realisticLines(500)
    const bytes = lines.reduce((sum, line) => sum + line.bytes, 0)
    expect(packRecord(ORIGIN, lines).byteLength).toBeLessThan(bytes / 4)
  })

  test('is not compressed when it is small, or when compression makes it larger', () => {
    const small = packRecord(ORIGIN, [lineOf(wireEvent(), PACKING)])
    expect(small.toString()).toBe(`{"landcover":{"producer":"a-producer","counter":7}}\n${JSON.stringify(wireEvent())}`)
  })

  test('is never larger than the limit, for any events, and as full as possible', () => {
    const texts = fc.string({ unit: 'binary', minLength: 1, maxLength: 300 })
    fc.assert(
      fc.property(
        fc.array(texts, { minLength: 1, maxLength: 40 }),
        fc.integer({ min: 4_000, max: 9_000 }),
        fc.integer({ min: 1, max: 50 }),
        (imageIds, maxBytes, maxEvents) => {
          const packing = { maxBytes, maxEvents, lingerMs: 0 }
          const lines = imageIds.map(image_id => lineOf(wireEvent({ image_id }), packing))
          const count = countForRecord(lines, packing)
          const packed = packRecord(
            { producer: 'p'.repeat(64), counter: Number.MAX_SAFE_INTEGER },
            lines.slice(0, count),
          )
          expect(packed.byteLength).toBeLessThanOrEqual(maxBytes)
          expect(count).toBeGreaterThan(0)
          expect(count).toBeLessThanOrEqual(maxEvents)
          if (count < Math.min(lines.length, maxEvents)) {
            const oneMore = lines.slice(0, count + 1).reduce((sum, line) => sum + line.bytes, 128)
            expect(oneMore).toBeGreaterThan(maxBytes)
          }
        },
      ),
    )
  })
})

test('a record may have exactly the limit of bytes, and one event more than fits begins the next', () => {
  const line = lineOf(wireEvent(), PACKING)
  const maxBytes = 128 + 2 * line.bytes
  expect(countForRecord([line, line, line], { ...PACKING, maxBytes })).toBe(2)
  expect(countForRecord([line, line], { ...PACKING, maxBytes: maxBytes - 1 })).toBe(1)
  expect(countForRecord([line], { ...PACKING, maxBytes: 128 + line.bytes })).toBe(1)
})

describe('an event that is too large', () => {
  test('is refused with both sizes', () => {
    const event = wireEvent({ image_id: 'ä'.repeat(1000) })
    expect(() => lineOf(event, { ...PACKING, maxBytes: 2000 })).toThrow(EventTooLargeError)
    expect(() => lineOf(event, { ...PACKING, maxBytes: 2000 })).toThrow(
      /has 20\d\d bytes as JSON; a record can contain 1872/,
    )
  })

  test('is one byte above the limit, but not at the limit', () => {
    const { bytes } = lineOf(wireEvent(), PACKING)
    const atLimit = bytes + 128
    expect(lineOf(wireEvent(), { ...PACKING, maxBytes: atLimit }).bytes).toBe(bytes)
    expect(() => lineOf(wireEvent(), { ...PACKING, maxBytes: atLimit - 1 })).toThrow(EventTooLargeError)
  })
})

test("the limit leaves a quarter of Kinesis's megabyte free, for data that cannot be compressed", () => {
  expect(RECORD_BYTES_LIMIT).toBeLessThanOrEqual(0.75 * 1024 * 1024)
})

function realisticLines(count: number) {
  const images = generateImages({ seed: 1, untilMs: NOON_MS })
  return Iterator.from(images)
    .take(count)
    .map(image => lineOf(toWireEvent(image), PACKING))
    .toArray()
}
