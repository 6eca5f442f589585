import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { copyToParquet } from '../support/events-parquet.ts'
import { csv, HEADER, read, readPath } from '../support/read-files.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'

const DAY = 'Forest 2024-06-11T00:00 0.42'
const EVENT = { image_id: 'a', class_name: 'Forest', timestamp: '2024-06-11', ndvi_mean: 0.42 }
const JSON_EVENT = JSON.stringify(EVENT)

describe('an export of a log, a queue or a database', () => {
  it.each<[string, unknown]>([
    ['of Kafka Connect', { schema: { type: 'struct' }, payload: EVENT }],
    ['of kcat', { topic: 't', partition: 0, offset: 1, ts: 1_718_064_000_000, key: null, payload: JSON_EVENT }],
    ['of Kinesis, as Lambda gets it', { Records: [{ kinesis: { data: Buffer.from(JSON_EVENT).toString('base64') } }] }],
    ['of Debezium', { before: null, after: EVENT, op: 'c', ts_ms: 1_718_064_000_000 }],
    ['of Elasticsearch', { hits: { total: 1, hits: [{ _id: '1', _source: EVENT }] } }],
    [
      'of DynamoDB',
      {
        Items: [
          {
            image_id: { S: 'a' },
            class_name: { S: 'Forest' },
            timestamp: { S: '2024-06-11' },
            ndvi_mean: { N: '0.42' },
          },
        ],
      },
    ],
    ['of MongoDB', [{ ...EVENT, timestamp: { $date: '2024-06-11T00:00:00Z' } }]],
    ['of a table with numbers as text', { ...EVENT, ndvi_mean: '0.42' }],
  ])('%s is read, as a document and as a line', async (_, document) => {
    for (const name of ['a.json', 'a.ndjson']) {
      const { events, problems, errors } = await read({ [name]: `${JSON.stringify(document)}\n` })
      expect({ events, problems, errors }).toEqual({ events: [DAY], problems: [], errors: [] })
    }
  })

  it.each([
    [{ error: { code: 403, message: 'Forbidden' } }, 'Forbidden'],
    [{ message: 'Service unavailable', status: 503 }, 'Service unavailable'],
    [{ detail: 'Not found' }, 'Not found'],
  ])('that is the message of an error is named: %j', async (document, said) => {
    const { errors } = await read({ 'a.json': JSON.stringify(document) })
    expect(errors).toEqual([expect.stringContaining(`is the message of an error, and no data: "${said}"`)])
  })
})

describe('JSON of other forms', () => {
  it.each<[string, string]>([
    [
      'a single line with objects in it',
      '{"id":"a","properties":{"class_name":"Forest","date":"2024-06-11"},"stats":{"ndvi":{"mean":0.42}}}\n',
    ],
    ['a list on each line', '["image_id","class_name","date","NDVI"]\n["a","Forest","2024-06-11",0.42]\n'],
    ['a sequence with marks', `\x1e${JSON_EVENT}\n`],
  ])('%s is read', async (_, content) => {
    const { events, problems, errors } = await read({ 'a.ndjson': content })
    expect({ events, problems, errors }).toEqual({ events: [DAY], problems: [], errors: [] })
  })

  it('rows without names are refused', async () => {
    const { errors } = await read({ 'a.json': '[["a","Forest",1718064000000,0.42]]' })
    expect(errors).toEqual([expect.stringContaining('its first row must name the columns')])
  })

  it('an id that is a number of too many digits is refused: ids would become the same', async () => {
    const { events, problems } = await read({ 'a.json': `[${JSON_EVENT.replace('"a"', '12345678901234567890')}]` })
    expect(events).toEqual([])
    expect(problems).toMatchObject([{ column: 'image_id', message: expect.stringContaining('write it as text') }])
  })
})

describe('a file that is not a table is refused with its kind', () => {
  it.each<[string, string | Uint8Array, RegExp]>([
    ['a web page behind spaces', '\n  <!doctype html>\n<html>', /is a web page/],
    ['a table of a web page', '<table border="1">', /is a web page/],
    ['the answer of S3', '<Error><Code>AccessDenied</Code></Error>', /is an XML document/],
    ['an Arrow stream', Buffer.from([255, 255, 255, 255, 8, 0, 0, 0]), /is an Arrow stream/],
    ['a pickle', Buffer.from([0x80, 0x05, 0x95, 0, 0, 0]), /is a Python pickle/],
  ])('%s', async (_, content, message) => {
    expect((await read({ 'a.csv': content })).errors).toEqual([expect.stringMatching(message)])
  })
})

describe('times as programs write them', () => {
  it.each([
    ['2024-06-11 08:00 PM', '2024-06-11T20:00'],
    ['2024-06-11 12:30:00 AM', '2024-06-11T00:30'],
    ['2024.06.11', '2024-06-11T00:00'],
    ['2024-06-11T10:00:00+02:00[Europe/Berlin]', '2024-06-11T08:00'],
    ['Tue Jun 11 2024 10:00:00 GMT+0200 (Central European Summer Time)', '2024-06-11T08:00'],
    ['Tue Jun 11 08:00:00 2024', '2024-06-11T08:00'],
    ['Tue, 11 Jun 2024 10:00:00 +0200', '2024-06-11T08:00'],
    ['2024-W24-2', '2024-06-11T00:00'],
    ['2020W537', '2021-01-03T00:00'],
  ])('%s', async (time, expected) => {
    const { events, problems } = await read({ 'a.csv': csv(HEADER, `a,Forest,${JSON.stringify(time)},0.42`) })
    expect(problems).toEqual([])
    expect(events).toEqual([`Forest ${expected} 0.42`])
  })

  it.each([
    ['2024-06-11 08:00:00 CEST', 'abbreviations of zones'],
    ['11. Juni 2024', 'names of months are read in English'],
    ['2024-W24', 'a week is not a day'],
    ['2021-W53-1', 'must be a date'],
    ['2024-06-11 13:00 PM', 'must be a date'],
    ['08:00:00', 'a time of day needs a date'],
  ])('%s is refused with advice', async (time, advice) => {
    const { events, problems } = await read({ 'a.csv': csv(HEADER, `a,Forest,${JSON.stringify(time)},0.42`) })
    expect(events).toEqual([])
    expect(problems).toMatchObject([{ message: expect.stringContaining(advice) }])
  })

  it('a number beside a date is not a time of another year', async () => {
    const content = csv('image_id,class_name,date,time,ndvi_mean', 'a,Forest,2024-06-11,600000000,0.42')
    const { events, problems } = await read({ 'a.csv': content })
    expect(events).toEqual([])
    expect(problems).toMatchObject([{ message: expect.stringContaining('which hold "2024-06-11" and "600000000"') }])
  })
})

describe('columns of Parquet', () => {
  async function query(select: string) {
    const events: string[] = []
    const said: string[] = []
    const path = await copyToParquet(
      `SELECT 'a' AS image_id, 'Forest' AS class_name, ${select}`,
      join(temporaryFolder(), 'a.parquet'),
    )
    try {
      for await (const row of readPath(path, { now: () => Date.UTC(2026, 0, 1) })) {
        if ('problem' in row) said.push(row.problem.message)
        if (!('event' in row)) continue
        const { timestamp, ndvi_mean, ndvi_std } = row.event()
        events.push(`${timestamp} ${ndvi_mean} ${ndvi_std}`)
      }
    } catch (error) {
      said.push((error as Error).message)
    }
    return { events, said }
  }

  it.each(["TIME '08:00:00.5'", "TIME '00:10:00'"])('a date and a %s are a time', async time => {
    const clock = time.includes('08') ? '08:00:00.500Z' : '00:10:00.000Z'
    expect(await query(`0.42 AS ndvi_mean, DATE '2024-06-11' AS date, ${time} AS time`)).toEqual({
      events: [`2024-06-11T${clock} 0.42 null`],
      said: [],
    })
  })

  it('a time of day without a date is refused', async () => {
    const { events, said } = await query("0.42 AS ndvi_mean, TIME '00:10:00' AS time")
    expect(events).toEqual([])
    expect(said).toEqual([expect.stringContaining('a time of day needs a date')])
  })

  it('the fields of a structure are columns', async () => {
    expect(
      await query("{mean: 0.42, std: 0.1, 'more': {n: [1]}} AS ndvi, TIMESTAMP '2024-06-11 08:00:00' AS timestamp"),
    ).toEqual({ events: ['2024-06-11T08:00:00.000Z 0.42 0.1'], said: [] })
  })

  it.each(['updated_at', 'created', 'processing_time'])('the only time is not taken when it is %s', async name => {
    const { events, said } = await query(`0.42 AS ndvi_mean, TIMESTAMP '2024-06-11 08:00:00' AS ${name}`)
    expect(events).toEqual([])
    expect(said).toEqual([expect.stringContaining(`"${name}" looks like one`)])
  })
})
