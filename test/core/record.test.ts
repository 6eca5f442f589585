import { gzipSync, zstdCompressSync } from 'node:zlib'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { ClassList } from '../../functions/core/classes.ts'
import { decodeEvent } from '../../functions/core/event.ts'
import {
  type DecodedRecord,
  decodeRecord,
  encodeHeartbeat,
  encodeRecord,
  REJECTION_REASONS,
} from '../../functions/core/record.ts'
import { MAX_DECODED_BYTES, MAX_LINE_LENGTH, MAX_LINES } from '../../functions/core/unreadable.ts'
import { wireEvents } from '../support/arbitraries.ts'
import { CLASSES, logRecord, NOON_MS, wireEvent } from '../support/factories.ts'

function decode(data: Uint8Array | string, classes: ClassList = CLASSES): DecodedRecord {
  return decodeRecord(logRecord(data), NOON_MS, classes)
}

const line = (imageId: string, changes = {}) => JSON.stringify(wireEvent({ image_id: imageId, ...changes }))
const header = (landcover: unknown) => JSON.stringify({ landcover })
const ids = ({ events }: DecodedRecord) => events.map(({ event }) => event.imageId)
const reasons = ({ rejections }: DecodedRecord) => rejections.map(({ line, reason }) => [line, reason])
const texts = ({ rejections }: DecodedRecord) => rejections.map(({ bytes }) => Buffer.from(bytes).toString())

const ORIGIN = { producer: 'producer-1', counter: 7 }
const ENCODINGS: [string, (bytes: Uint8Array) => Buffer][] = [
  ['plain', bytes => Buffer.from(bytes)],
  ['gzip', bytes => gzipSync(bytes)],
  ['zstd', bytes => zstdCompressSync(bytes)],
]
const COMPRESSIONS = ENCODINGS.slice(1)

describe.each(ENCODINGS)('a record, %s,', (_, encode) => {
  it('returns the events that our producer packed, and its identity', () => {
    const events = ['a', 'b', 'c'].map(image_id => wireEvent({ image_id }))
    const decoded = decode(encode(encodeRecord(ORIGIN, events)))
    expect(decoded).toMatchObject({ origin: ORIGIN, heartbeatMs: null, rejections: [] })
    expect(decoded.events).toEqual(
      events.map((event, index) => ({ line: index + 1, event: decodeEvent(event, NOON_MS) })),
    )
  })

  it('returns the event of one bare JSON object, which has no identity', () => {
    const decoded = decode(encode(Buffer.from(line('a'))))
    expect(decoded).toMatchObject({ origin: null, heartbeatMs: null, rejections: [] })
    expect(decoded.events.map(({ line }) => line)).toEqual([0])
  })

  it('is a heartbeat when its header says so', () => {
    expect(decode(encode(encodeHeartbeat(NOON_MS)))).toEqual({
      origin: null,
      heartbeatMs: NOON_MS,
      events: [],
      rejections: [],
      unusedValues: 0,
      warnings: [],
    })
  })

  it('is checked line by line: a bad line does not affect the good ones', () => {
    const lines = [
      line('a'),
      '{"image_id":',
      line('b', { ndvi_mean: 2 }),
      '[]',
      line('c'),
      line('d', { class_name: 'Moon' }),
    ]
    const decoded = decode(encode(Buffer.from(lines.join('\n'))))
    expect(decoded.events.map(({ line, event }) => [line, event.imageId])).toEqual([
      [0, 'a'],
      [4, 'c'],
    ])
    expect(reasons(decoded)).toEqual([
      [1, 'not-json'],
      [2, 'invalid-event'],
      [3, 'invalid-event'],
      [5, 'unknown-class'],
    ])
    expect(texts(decoded)).toEqual([lines[1], lines[2], lines[3], lines[5]])
  })

  it('may contain several lines that are not UTF-8, which are kept as their bytes', () => {
    const odd = [
      Buffer.from([0xff, 0xfe, 0x00, 0x22]),
      Buffer.concat([Buffer.from('{"image_id":"'), Buffer.from([0xc3])]),
    ]
    const newline = Buffer.from('\n')
    const bytes = Buffer.concat(
      [line('a'), odd[0], line('ü'), odd[1]].flatMap(part => [Buffer.from(part ?? ''), newline]),
    )
    const decoded = decode(encode(bytes))
    expect(ids(decoded)).toEqual(['a', 'ü'])
    expect(reasons(decoded)).toEqual([
      [1, 'not-utf8'],
      [3, 'not-utf8'],
    ])
    expect(decoded.rejections.map(({ bytes }) => Buffer.from(bytes))).toEqual(odd)
  })

  it('may be one JSON document written over several lines', () => {
    const decoded = decode(encode(Buffer.from(JSON.stringify(wireEvent({ image_id: 'a' }), null, 2))))
    expect(ids(decoded)).toEqual(['a'])
    expect(decoded.rejections).toEqual([])
  })

  it.each([
    ['nothing', ''],
    ['blank lines', '\n \r\n\t\n'],
  ])('is refused as a whole when it contains %s', (_name, text) => {
    const data = encode(Buffer.from(text))
    const decoded = decode(data)
    expect(decoded).toMatchObject({ events: [], origin: null })
    expect(reasons(decoded)).toEqual([[null, 'empty']])
    expect(decoded.rejections[0]?.bytes).toEqual(data)
  })
})

describe('the header of a record', () => {
  it.each([
    ['no counter', { producer: 'p' }],
    ['a counter of 0', { producer: 'p', counter: 0 }],
    ['a negative counter', { producer: 'p', counter: -1 }],
    ['a broken counter', { producer: 'p', counter: 1.5 }],
    ['a counter beyond whole numbers', { producer: 'p', counter: 2 ** 53 }],
    ['a counter in quotes', { producer: 'p', counter: '7' }],
    ['no producer', { counter: 7 }],
    ['an empty producer', { producer: '', counter: 7 }],
    ['an overlong producer', { producer: 'p'.repeat(65), counter: 7 }],
    ['a producer that could be taken for another with its counter', { producer: 'p:1', counter: 7 }],
    ['a heartbeat in quotes', { heartbeat: '1700000000000' }],
    ['null', null],
    ['a number', 7],
    ['a list', ['p', 7]],
  ])('with %s is refused, and the events after it count', (_, landcover) => {
    const decoded = decode([header(landcover), line('a'), line('b')].join('\n'))
    expect(decoded).toMatchObject({ origin: null, heartbeatMs: null })
    expect(reasons(decoded)).toEqual([[0, 'bad-header']])
    expect(texts(decoded)).toEqual([header(landcover)])
    expect(ids(decoded)).toEqual(['a', 'b'])
  })

  it('is recognised on the first line only; elsewhere it is a line that is not an event', () => {
    const decoded = decode([line('a'), header(ORIGIN), line('b')].join('\n'))
    expect(decoded.origin).toBeNull()
    expect(reasons(decoded)).toEqual([[1, 'invalid-event']])
    expect(ids(decoded)).toEqual(['a', 'b'])
  })

  it('is not an event with a field named landcover', () => {
    const decoded = decode(line('a', { landcover: ORIGIN }))
    expect(decoded.origin).toBeNull()
    expect(ids(decoded)).toEqual(['a'])
  })

  it('may be followed by bad lines only, and still identifies the record', () => {
    const decoded = decode([header(ORIGIN), 'nonsense'].join('\n'))
    expect(decoded.origin).toEqual(ORIGIN)
    expect(reasons(decoded)).toEqual([[1, 'not-json']])
  })

  it('may stand alone', () => {
    expect(decode(header(ORIGIN))).toMatchObject({ origin: ORIGIN, heartbeatMs: null, events: [], rejections: [] })
  })
})

describe('lines of a record', () => {
  it('may end in CRLF, and may be followed by blank lines', () => {
    const decoded = decode(`${header(ORIGIN)}\r\n${line('a')}\r\n\r\n${line('b')}\r\n`)
    expect(decoded.origin).toEqual(ORIGIN)
    expect(decoded.events.map(({ line }) => line)).toEqual([1, 3])
    expect(decoded.rejections).toEqual([])
  })

  it.each([
    ['a header', `${header(ORIGIN)}\n${line('a')}\n${line('b')}`],
    ['an event', `${line('a')}\n${line('b')}`],
    ['one document of several lines', JSON.stringify(wireEvent({ image_id: 'a' }), null, 2)],
  ])('may begin with a byte order mark: before %s', (_, text) => {
    const decoded = decode(`\ufeff${text}`)
    expect(decoded).toEqual(decode(text))
    expect(decoded.rejections).toEqual([])
  })

  it('may begin with a byte order mark inside the compressed data', () => {
    const text = Buffer.from(`\ufeff${header(ORIGIN)}\n${line('a')}`)
    for (const compress of [gzipSync, zstdCompressSync]) {
      expect(decode(compress(text))).toMatchObject({ origin: ORIGIN, rejections: [] })
      // Before compressed data it is damage: no editor writes it there.
      const before = decode(Buffer.concat([Buffer.from('\ufeff'), compress(text)]))
      expect(before.origin).toBeNull()
      expect(before.events).toEqual([])
    }
  })

  it('may not begin with a byte order mark after the first line', () => {
    const decoded = decode(`\ufeff${line('a')}\n\ufeff${line('b')}`)
    expect(ids(decoded)).toEqual(['a'])
    expect(reasons(decoded)).toEqual([[1, 'not-json']])
  })

  it('may have up to 1 Mi characters; a longer line is refused without being parsed', () => {
    const padded = (length: number) => line('a', { note: 'x' }).replace('"x"', `"${'x'.repeat(length)}"`)
    const most = MAX_LINE_LENGTH - padded(0).length
    expect(ids(decode(padded(most)))).toEqual(['a'])
    const long = padded(most + 1)
    const decoded = decode(`${line('a')}\n${long}\n${line('b')}`)
    expect(ids(decoded)).toEqual(['a', 'b'])
    expect(reasons(decoded)).toEqual([[1, 'too-large']])
    expect(texts(decoded)).toEqual([long])
  })

  it.each(['"text"', '7', 'null', 'true', '[1]', '{}', '{"__proto__":{}}'])(
    'are not events just because they are JSON: %s',
    text => {
      expect(reasons(decode(text))).toEqual([[0, 'invalid-event']])
    },
  )

  it('are rejected with a message that does not contain their content', () => {
    const decoded = decode(
      ['{"secret":"sesame"', line('a', { ndvi_mean: 'sesame' }), line('b', { class_name: 'sesame' })].join('\n'),
    )
    expect(decoded.rejections).toHaveLength(3)
    for (const { detail } of decoded.rejections) expect(detail).not.toContain('sesame')
  })

  it('may be nested deeper than the stack', () => {
    const deep = '['.repeat(200_000)
    expect(reasons(decode(`${line('a')}\n${deep}\n${deep}${']'.repeat(200_000)}`))).toEqual([
      [1, 'not-json'],
      [2, 'invalid-event'],
    ])
  })

  it('may be many', () => {
    const decoded = decode(Array.from({ length: 5_000 }, (_, index) => line(`image-${index}`)).join('\n'))
    expect(ids(decoded)).toHaveLength(5_000)
  })
})

describe('the class of an event', () => {
  const SLOT_MS = 60_000
  const classes: ClassList = new Map([
    ['Forest', 0],
    ['Glacier', NOON_MS],
    ['__proto__', 0],
  ])
  const decodeIn = (slot: number, className: string) =>
    decodeRecord(logRecord(line('a', { class_name: className })), slot, classes)

  it('is known from the arrival slot that the list states', () => {
    expect(reasons(decodeIn(NOON_MS - SLOT_MS, 'Glacier'))).toEqual([[0, 'unknown-class']])
    expect(ids(decodeIn(NOON_MS, 'Glacier'))).toEqual(['a'])
    expect(ids(decodeIn(NOON_MS + SLOT_MS, 'Glacier'))).toEqual(['a'])
  })

  it.each(['constructor', 'toString', 'hasOwnProperty', 'forest', 'Forest ', ''])('is unknown as %j', name => {
    expect(decodeIn(NOON_MS, name).rejections).toHaveLength(1)
  })

  it('may be called __proto__', () => {
    expect(ids(decodeIn(NOON_MS, '__proto__'))).toEqual(['a'])
  })
})

describe.each(ENCODINGS)('a record of very many lines, %s,', (_, encode) => {
  it('cannot have more lines than the largest record with the shortest events', () => {
    const shortest = { image_id: 'a', class_name: 'b', ndvi_mean: 0, timestamp: '2026-11-22T11:55' }
    expect(MAX_LINES).toBeGreaterThan(MAX_DECODED_BYTES / JSON.stringify(shortest).length)
    const most = encode(Buffer.from('\n'.repeat(MAX_LINES - 2) + line('a')))
    expect(ids(decode(most))).toEqual(['a'])
    const more = encode(Buffer.from('\n'.repeat(MAX_LINES) + line('a')))
    expect(decode(more)).toMatchObject({ events: [], origin: null })
    expect(reasons(decode(more))).toEqual([[null, 'too-large']])
    expect(decode(more).rejections[0]?.bytes).toEqual(more)
  })
})

describe.each(COMPRESSIONS)('%s data', (_, compress) => {
  const whole = compress(encodeRecord(ORIGIN, [wireEvent(), wireEvent({ image_id: 'b' })]))

  it('is refused as a whole, with its bytes, when it is cut off at any place', () => {
    for (let length = 4; length < whole.length; length += 7) {
      const data = whole.subarray(0, length)
      const decoded = decode(data)
      expect(decoded).toMatchObject({ events: [], origin: null })
      expect(reasons(decoded)).toEqual([[null, 'cannot-decompress']])
      expect(decoded.rejections[0]?.bytes).toEqual(data)
    }
  })

  it('is refused as a whole when something else follows it', () => {
    expect(reasons(decode(Buffer.concat([whole, Buffer.from('nonsense')])))).toEqual([[null, 'cannot-decompress']])
  })

  it('may consist of several pieces in a row, which all count', () => {
    const pieces = ['a\u0000', 'b', 'c'].map(id => compress(Buffer.from(`${line(id)}\n`)))
    expect(ids(decode(Buffer.concat(pieces)))).toEqual(['a\u0000', 'b', 'c'])
  })

  it('never makes the decoder fail when bits of it are flipped', () => {
    for (let at = 0; at < whole.length; at++) {
      const damaged = Buffer.from(whole)
      damaged[at] = (damaged[at] as number) ^ 0x55
      const { events, rejections, origin } = decode(damaged)
      expect(events.length + rejections.length > 0 || origin !== null).toBe(true)
    }
  })

  it('may decompress to 16 MiB and no more, in one piece or many', () => {
    const most = Buffer.alloc(MAX_DECODED_BYTES, `${' '.repeat(1_023)}\n`)
    expect(reasons(decode(compress(most)))).toEqual([[null, 'empty']])
    const bomb = compress(Buffer.concat([most, Buffer.from(' ')]))
    expect(bomb.length).toBeLessThan(100_000)
    expect(reasons(decode(bomb))).toEqual([[null, 'too-large']])
    const eighth = compress(Buffer.alloc(MAX_DECODED_BYTES / 8 + 1, ' '))
    const decoded = decode(Buffer.concat(Array.from({ length: 8 }, () => eighth)))
    expect(reasons(decoded)).toEqual([[null, 'too-large']])
  })
})

describe('any record', () => {
  it('is decoded to what was packed', () => {
    const producer = fc.stringMatching(/^[\w-]{1,64}$/)
    const origin = fc.record({ producer, counter: fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER }) })
    fc.assert(
      fc.property(
        origin,
        fc.array(wireEvents, { maxLength: 10 }),
        fc.constantFrom(...ENCODINGS),
        (from, events, [, encode]) => {
          expect(decode(encode(encodeRecord(from, events)))).toEqual({
            origin: from,
            heartbeatMs: null,
            events: events.map((event, index) => ({ line: index + 1, event: decodeEvent(event, NOON_MS) })),
            rejections: [],
            unusedValues: 0,
            warnings: [],
          })
        },
      ),
    )
  })

  it('gives an event or a rejection for each of its lines, for any bytes, and always the same', () => {
    const piece = fc.oneof(
      fc.uint8Array({ maxLength: 40 }),
      fc.jsonValue().map(value => Buffer.from(JSON.stringify(value))),
      wireEvents.map(event => Buffer.from(JSON.stringify(event))),
      fc.constantFrom('\n', '\r\n', '{', '', '\ufeff', header(ORIGIN), header({})).map(text => Buffer.from(text)),
    )
    const records = fc
      .array(piece, { maxLength: 12 })
      .map(pieces => Buffer.concat(pieces.flatMap(each => [each, Buffer.from('\n')])))
    fc.assert(
      fc.property(records, data => {
        const decoded = decode(data)
        expect(decode(data)).toEqual(decoded)
        for (const { reason } of decoded.rejections) expect(REJECTION_REASONS).toContain(reason)
        const places = [...decoded.events, ...decoded.rejections].map(({ line }) => line)
        expect(new Set(places).size).toBe(places.length)
        const { events, rejections, origin, heartbeatMs } = decoded
        expect(events.length + rejections.length > 0 || origin !== null || heartbeatMs !== null).toBe(true)
      }),
      { numRuns: 500 },
    )
  })
})
