import { gzipSync } from 'node:zlib'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type DecodedRecord, decodeRecord } from '../../functions/core/record.ts'
import { linesOf } from '../../functions/core/record-lines.ts'
import { MAX_DECODED_BYTES, MAX_LINE_LENGTH } from '../../functions/core/unreadable.ts'
import { wireEvents } from '../support/arbitraries.ts'
import { CLASSES, logRecord, NOON_MS, wireEvent } from '../support/factories.ts'
import { AROUND_ALL, AROUND_EACH, AROUND_TEXT, aggregated, BASE64, COMPRESSIONS } from '../support/wrappers.ts'

const decode = (data: Uint8Array | string) => decodeRecord(logRecord(data), NOON_MS, CLASSES)
const eventsIn = ({ events }: DecodedRecord) => events.map(({ event }) => event)
const ids = (decoded: DecodedRecord) => eventsIn(decoded).map(({ imageId }) => imageId)
const line = (imageId: string, changes = {}) => JSON.stringify(wireEvent({ image_id: imageId, ...changes }))
const HEADER = '{"landcover":{"producer":"p","counter":1}}'

/** Events as lines of JSON, in any wrapper around each, all, the text and the bytes of the record. */
const eventLines = fc.array(
  wireEvents.map(event => JSON.stringify(event)),
  { minLength: 1, maxLength: 5 },
)
const oneOf = <T>(choices: Record<string, T>) => fc.constantFrom(...Object.values(choices))
const wrappedTexts = (events: readonly string[]): fc.Arbitrary<string> =>
  fc.oneof(
    oneOf(AROUND_ALL).map(wrap => wrap(events)),
    fc
      .tuple(oneOf(AROUND_EACH), fc.constantFrom('\n', '\r\n', '\n\n'))
      .map(([wrap, between]) => events.map(wrap).join(between)),
    fc
      .constantFrom('', '\n', ' ')
      .map(between => events.map(event => JSON.stringify(JSON.parse(event), null, 1)).join(between)),
    fc.constant(events.join('')),
  )
const beginsWithJson = (text: string) => /^\s*[{[]/.test(text)

/** Wraps bytes in compressions, and in base64 when that begins with JSON or compressed data. */
const aroundBytes: fc.Arbitrary<(data: Uint8Array) => Uint8Array> = fc
  .tuple(fc.array(oneOf(COMPRESSIONS), { maxLength: 2 }), fc.option(oneOf(BASE64)))
  .map(([compressions, base64]) => data => {
    const compressed = compressions.reduce((inner, compress) => compress(inner), data)
    const isReadable = compressions.length > 0 || beginsWithJson(Buffer.from(data).toString())
    return base64 && isReadable ? base64(compressed) : compressed
  })

describe('events in any wrapper', () => {
  it('are those of the same record as NDJSON', () => {
    const records = eventLines.chain(events =>
      fc.tuple(fc.constant(events.join('\n')), wrappedTexts(events), fc.option(oneOf(AROUND_TEXT)), aroundBytes),
    )
    fc.assert(
      fc.property(records, ([plain, text, aroundText, wrap]) => {
        const decoded = decode(wrap(aroundText && beginsWithJson(text) ? aroundText(text) : Buffer.from(text)))
        expect(decoded.rejections).toEqual([])
        expect(eventsIn(decoded)).toEqual(eventsIn(decode(plain)))
      }),
      { numRuns: 500 },
    )
  })

  it('are those of all records, in order, that the Kinesis Producer Library has aggregated', () => {
    const parts = fc.array(
      eventLines.chain(events => fc.tuple(fc.constant(events), wrappedTexts(events), aroundBytes)),
      { minLength: 1, maxLength: 4 },
    )
    fc.assert(
      fc.property(parts, records => {
        const plain = records.flatMap(([events]) => events).join('\n')
        const decoded = decode(aggregated(records.map(([, text, wrap]) => wrap(Buffer.from(text)))))
        expect(decoded.rejections).toEqual([])
        expect(eventsIn(decoded)).toEqual(eventsIn(decode(plain)))
      }),
    )
  })

  it('keep the identity of the record, when the wrapper is around the whole record', () => {
    const records = eventLines.chain(events => fc.tuple(wrappedTexts(events), aroundBytes))
    fc.assert(
      fc.property(records, ([text, wrap]) => {
        const decoded = decode(wrap(Buffer.from(`${HEADER}\n${text}`)))
        expect(decoded.origin).toEqual({ producer: 'p', counter: 1 })
        expect(eventsIn(decoded)).toEqual(eventsIn(decode(text)))
      }),
    )
  })

  it('have lines that are read in the same way when they stand alone', () => {
    const records = eventLines.chain(wrappedTexts)
    fc.assert(
      fc.property(records, text => {
        const lines = linesOf(Buffer.from(text)).map(raw => raw.toString().replaceAll('\n', ' '))
        expect(eventsIn(decode(lines.join('\n')))).toEqual(eventsIn(decode(text)))
      }),
    )
  })
})

describe('a damaged wrapper', () => {
  /** Wrappers that show whether they are whole. */
  const closed = eventLines.chain(events => oneOf(AROUND_ALL).map(wrap => wrap(events)))
  const expectWholeOrNothing = (data: Uint8Array, undamaged: Uint8Array) => {
    const decoded = decode(data)
    if (decoded.rejections.length === 0) expect(eventsIn(decoded)).toEqual(eventsIn(decode(undamaged)))
    else expect([decoded.events, decoded.rejections.length, decoded.origin]).toEqual([[], 1, null])
  }

  it('that is cut off anywhere leaves all events or one rejection', () => {
    const wraps = fc.option(oneOf({ ...AROUND_TEXT, aggregated: (text: string) => aggregated([Buffer.from(text)]) }))
    fc.assert(
      fc.property(
        closed,
        wraps,
        aroundBytes,
        fc.double({ min: 0, max: 1, noNaN: true }),
        (text, wrap, wrapBytes, share) => {
          const whole = wrapBytes(wrap && beginsWithJson(text) ? wrap(text) : Buffer.from(text))
          expectWholeOrNothing(whole.subarray(0, Math.floor(share * whole.length)), whole)
        },
      ),
      { numRuns: 500 },
    )
  })

  it('with a checksum, of which a byte is changed, leaves all events or one rejection', () => {
    const { gzip, zlib } = COMPRESSIONS
    const checked = fc.constantFrom(gzip, zlib, (data: Uint8Array) => aggregated([data])) as fc.Arbitrary<
      (data: Uint8Array) => Uint8Array
    >
    fc.assert(
      fc.property(closed, checked, fc.nat(), fc.integer({ min: 1, max: 255 }), (text, wrap, at, change) => {
        const whole = wrap(Buffer.from(text))
        const damaged = Buffer.from(whole)
        damaged[at % damaged.length] = (damaged[at % damaged.length] as number) ^ change
        // Without its first bytes it is not a wrapper, but lines of bytes.
        if (at % damaged.length > 4) expectWholeOrNothing(damaged, whole)
      }),
      { numRuns: 500 },
    )
  })
})

describe('a record is read as people send it:', () => {
  const message = (fields: object) => JSON.stringify(fields)
  const base64 = (text: string) => Buffer.from(text).toString('base64')
  it.each([
    ['NaN for an optional value', `{"ndvi_std":NaN,${line('a').slice(1)}`, ['a']],
    ['-Infinity for an optional value', `{"ndvi_max":-Infinity,${line('a').slice(1)}`, ['a']],
    ['NaN inside of text', line('NaN, "NaN" \\ NaN'), ['NaN, "NaN" \\ NaN']],
    ['an id that is a number', line('a').replace('"a"', '4711'), ['4711']],
    ['an id that is text with brackets', `${line('}{')}${line('"]}')}`, ['}{', '"]}']],
    ['further fields of fluentd', line('a', { '@timestamp': '2026', tag: 'x', data: 'y' }), ['a']],
    ['an event with a field that envelopes have', line('a', { payload: JSON.parse(line('b')) }), ['a']],
    ['a content field that is there twice', `{"payload":{"x":1},"payload":${line('a')}}`, ['a']],
    ['nothing in quotes', '""', []],
    [
      'a message of SNS',
      message({ Type: 'Notification', TopicArn: 'arn:a', Subject: '{}', Message: line('a') }),
      ['a'],
    ],
    ['a message of SQS', message({ messageId: 'm', receiptHandle: 'r', body: line('a'), attributes: {} }), ['a']],
    [
      'a message of SNS in one of SQS',
      message({ receiptHandle: 'r', body: message({ Type: 'Notification', TopicArn: 'arn:a', Message: line('a') }) }),
      ['a'],
    ],
    ['a message of EventBridge', `{"detail-type":"NDVI","source":"s","detail":${line('a')}}`, ['a']],
    [
      'a push of Pub/Sub',
      message({ subscription: 's', message: { data: base64(line('a')), attributes: { data: 'x' }, messageId: '1' } }),
      ['a'],
    ],
    ['an event with the fields of a message', line('a', { receiptHandle: 'r', body: line('b') }), ['a']],
  ])('%s', (_, text, expected) => {
    expect(ids(decode(text))).toEqual(expected)
  })

  it('a required value that is NaN refuses its row only', () => {
    const decoded = decode(`[${line('a')},${line('b', { ndvi_mean: '!' }).replace('"!"', 'NaN')}]`)
    expect(ids(decoded)).toEqual(['a'])
    expect(decoded.rejections).toMatchObject([
      { line: 1, reason: 'invalid-event', detail: 'ndvi_mean must be a number' },
    ])
  })

  it('an optional value that is NaN is reported', () => {
    expect(decode(`{"ndvi_std":NaN,${line('a').slice(1)}`)).toMatchObject({
      unusedValues: 1,
      warnings: [{ line: 0, field: 'ndvi_std' }],
    })
  })

  it('an array may be larger than a line', () => {
    const count = Math.ceil(MAX_LINE_LENGTH / line('a').length) + 1
    const decoded = decode(`[${Array.from({ length: count }, () => line('a')).join()}]`)
    expect([decoded.events.length, decoded.rejections]).toEqual([count, []])
  })
})

describe('a wrapper that cannot be removed is refused once, with its name:', () => {
  const avro = Buffer.from([0, 0, 0, 0, 7, 2, 0x61])
  const headed = Buffer.from(`${HEADER}\n${line('a')}`)
  const otherSum = Buffer.from(aggregated([Buffer.from(line('a'))]))
  otherSum[otherSum.length - 1] = (otherSum.at(-1) as number) ^ 1
  const nested = (count: number) => {
    let text = line('a')
    for (let depth = 0; depth < count; depth++) text = `{"payload":${text}}`
    return text
  }
  it.each<[string, Uint8Array | string, number | null, RegExp]>([
    ['Avro of a schema registry', avro, null, /schema registry/],
    ['aggregated records with headers', aggregated([headed, headed]), null, /Kinesis Producer Library.*header/],
    ['one aggregated record with a header', aggregated([headed]), null, /Kinesis Producer Library.*header/],
    ['an aggregated record with a wrong checksum', otherSum, null, /Kinesis Producer Library.*checksum/],
    ['an array with a header', `[${HEADER},${line('a')}]`, 0, /array.*header/],
    ['quotes with a header', JSON.stringify(headed.toString()), 0, /quotes.*header/],
    ['events with a header on the same line', `${HEADER}${line('a')}`, 0, /several objects.*header/],
    ['a changed row of Debezium', `{"schema":{},"payload":{"op":"u","after":${line('a')}}}`, 0, /Debezium/],
    ['two fields with events', `{"data":${line('a')},"value":${line('b')}}`, 0, /both data and value/],
    ['a field of another name', `{"image":${line('a')}}`, 0, /another name/],
    ['a field with something else', '{"data":[{"interval":{"from":"2026"}}]}', 0, /field data does not hold events/],
    [
      'a message of SNS without an event',
      '{"Type":"Notification","TopicArn":"t","Message":"hello"}',
      0,
      /field Message/,
    ],
    ['more wrappers than allowed', nested(8), 0, /more than 6 wrappers/],
    ['damaged UTF-16', Buffer.from([0xff, 0xfe, 0x7b]), null, /UTF-16/],
  ])('%s', (_, data, at, detail) => {
    const { events, origin, rejections } = decode(data)
    expect([events, origin]).toEqual([[], null])
    expect(rejections).toMatchObject([{ line: at, reason: 'cannot-unwrap', detail: expect.stringMatching(detail) }])
    expect(rejections[0]?.bytes).toEqual(Buffer.from(data))
  })

  it('but up to six wrappers around each other are removed, and the events count', () => {
    expect(ids(decode(nested(6)))).toEqual(['a'])
  })

  it('on one line of many, it does not affect the others', () => {
    const decoded = decode([line('a'), `{"image":${line('b')}}`, `[${line('c')},${line('d')}]`, line('e')].join('\n'))
    expect(decoded.events.map(({ line, event }) => [line, event.imageId])).toEqual([
      [0, 'a'],
      [2, 'c'],
      [3, 'd'],
      [4, 'e'],
    ])
    expect(decoded.rejections).toMatchObject([{ line: 1, reason: 'cannot-unwrap' }])
  })
})

describe('text that is not JSON is refused with advice:', () => {
  it.each([
    ['single quotes', line('a').replaceAll('"', "'"), /json\.dumps/],
    ['a line break that is written out', `${line('a')}\\n${line('b')}`, /line break/],
    ['one comma too many', line('a').replace('}', ',}'), /comma/],
  ])('%s', (_, text, detail) => {
    expect(decode(text).rejections).toMatchObject([{ reason: 'not-json', detail: expect.stringMatching(detail) }])
  })
})

describe('wrappers within wrappers cannot use more memory than one:', () => {
  const bomb = gzipSync(Buffer.alloc(MAX_DECODED_BYTES - 100, `${' '.repeat(1_023)}\n`))
  it.each<[string, Uint8Array | string]>([
    ['aggregated bombs', aggregated([bomb, bomb])],
    ['a bomb in a bomb', gzipSync(gzipSync(Buffer.alloc(MAX_DECODED_BYTES + 1, ' ')))],
    ['aggregated bombs of lines', aggregated(Array(40).fill(gzipSync('\n'.repeat(10_000))))],
  ])('%s', (_, data) => {
    expect(decode(data).rejections).toMatchObject([{ line: null, reason: 'too-large' }])
  })

  it('bombs on lines', () => {
    const decoded = decode(`${bomb.toString('base64')}\n${bomb.toString('base64')}x\n${line('a')}`)
    expect(decoded.rejections.map(({ reason }) => reason)).not.toContain('empty')
    expect(ids(decoded)).toEqual(['a'])
  })
})
