import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import type { APIGatewayProxyEvent } from 'aws-lambda'
import { describe, expect, it, onTestFinished } from 'vitest'
import { openFolderObjectStore } from '../../functions/adapters/files/object-store.ts'
import { openSqliteEventLog } from '../../functions/adapters/sqlite/event-log.ts'
import { START } from '../../functions/core/lane.ts'
import { decodeRecord } from '../../functions/core/record.ts'
import { HOUR_MS } from '../../functions/core/time.ts'
import { MAX_DECODED_BYTES, MAX_LINE_LENGTH } from '../../functions/core/unreadable.ts'
import { ingestHandler } from '../../functions/ingest/handler.ts'
import { keyRoute } from '../../functions/ingest/key-route.ts'
import { HEADER_BYTES } from '../../functions/ingest/packing.ts'
import { systemTime } from '../../functions/ingest/retry.ts'
import type { EventLog } from '../../functions/ports/event-log.ts'
import { CLASSES, collectingLogger, NOON_MS, wireEvent } from '../support/factories.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'

interface Sent {
  key?: string
  sender?: string
  type?: string
}

function openIngest(through: (log: EventLog) => EventLog = log => log, classes = async () => CLASSES) {
  const log = openSqliteEventLog({ file: join(temporaryFolder(), 'log.sqlite') })
  onTestFinished(() => log.close())
  /** Makes retries give up at once. */
  const time = { passed: false }
  const now = systemTime()
  const reached = through(log)
  const objects = openFolderObjectStore(temporaryFolder())
  const handler = ingestHandler({
    log: reached,
    routeOf: keyRoute(reached, objects),
    classes,
    slotMs: HOUR_MS,
    time: { ...now, random: () => (time.passed ? Number.POSITIVE_INFINITY : now.random()) },
    now: () => NOON_MS,
    logger: collectingLogger(),
  })
  return {
    time,
    async send(body: string | Buffer, { key, sender = 'arn:aws:iam::1:user/a', type = 'application/json' }: Sent = {}) {
      const answer = await handler({
        body: Buffer.from(body).toString('base64'),
        isBase64Encoded: true,
        headers: { 'Content-type': type, ...(key !== undefined && { 'idempotency-KEY': key }) },
        requestContext: { identity: { userArn: sender } },
      } as unknown as APIGatewayProxyEvent)
      return { status: answer.statusCode, headers: answer.headers, body: JSON.parse(answer.body) }
    },
    /** Decoded content of the log. */
    async records() {
      const lanes = await log.lanes()
      const records = await Promise.all(lanes.map(({ name }) => log.read(name, START, 1_000)))
      return records.flat().map(record => decodeRecord({ ...record, arrivalMs: NOON_MS }, NOON_MS, CLASSES))
    },
  }
}

const EVENTS = ['a', 'b', 'c'].map(name => wireEvent({ image_id: name }))
const LINES = EVENTS.map(event => JSON.stringify(event))

it.each([
  ['an event', LINES[0] as string, 1],
  ['an event a line', LINES.join('\n'), 3],
  ['an array', JSON.stringify(EVENTS), 3],
  ['an event over several lines', JSON.stringify(EVENTS[0], null, 2), 1],
  ['an array over several lines', `\n${JSON.stringify(EVENTS, null, 2)}\n`, 3],
  ['an array behind a byte order mark', `\uFEFF${JSON.stringify(EVENTS)}`, 3],
  ['an event a line behind a byte order mark', `\uFEFF${LINES.join('\n')}`, 3],
  ['events without line breaks', LINES.join(''), 3],
  ['compressed events', gzipSync(LINES.join('\n')), 3],
  ['a CloudEvent', JSON.stringify({ specversion: '1.0', type: 't', source: 's', id: '1', data: EVENTS[0] }), 1],
  ["records of Kafka's REST proxy", JSON.stringify({ records: EVENTS.map(value => ({ value })) }), 3],
  ['GeoJSON', JSON.stringify({ type: 'Feature', geometry: null, properties: EVENTS[0] }), 1],
])('puts %s on the log as one record', async (_, body, count) => {
  const { send, records } = openIngest()
  expect(await send(body)).toMatchObject({ status: 202, body: { accepted: count } })
  const [record, ...others] = await records()
  expect(others).toEqual([])
  expect(record?.events.map(({ event }) => event.imageId)).toEqual(['a', 'b', 'c'].slice(0, count))
  expect(record?.origin).toMatchObject({ counter: 1 })
})

it('gives the same body the same identity again for the same key of the same sender, and only then', async () => {
  const { send, records } = openIngest()
  const body = LINES[0] as string
  await send(body, { key: 'k' })
  await send(body, { key: 'k' })
  await send(body, { key: 'other' })
  await send(LINES[1] as string, { key: 'k' })
  await send(body, { key: 'k', sender: 'arn:aws:iam::1:user/b' })
  const producers = (await records()).map(({ origin }) => origin?.producer)
  expect(producers).toHaveLength(5)
  expect(new Set(producers).size).toBe(4)
})

it('recognises a role in another of its sessions, and no other role', async () => {
  const { send, records } = openIngest()
  const body = LINES[0] as string
  const session = (role: string, name: string) => ({ key: 'k', sender: `arn:aws:sts::1:assumed-role/${role}/${name}` })
  await send(body, session('sender', 'task-1'))
  await send(body, session('sender', 'task-2'))
  await send(body, session('other', 'task-1'))
  const producers = (await records()).map(({ origin }) => origin?.producer)
  expect(producers).toHaveLength(3)
  expect(new Set(producers).size).toBe(2)
})

it('sends requests without a key as records of a few producers, and as a new producer after a record that may be missing', async () => {
  let isDown = false
  const { send, records, time } = openIngest(log => ({
    ...log,
    append: async records => (isDown ? records.map(() => ({ error: 'down' })) : log.append(records)),
  }))
  for (let request = 0; request < 3; request++) await send(LINES[0] as string)
  isDown = true
  time.passed = true
  expect(await send(LINES[0] as string)).toMatchObject({ status: 503, headers: { 'Retry-After': '5' } })
  isDown = false
  await send(LINES[0] as string)
  const sent = Map.groupBy(await records(), ({ origin }) => origin?.producer)
  const counters = Array.from(sent.values(), each => each.map(({ origin }) => origin?.counter))
  expect(counters.sort((a, b) => b.length - a.length)).toEqual([[1, 2, 3], [1]])
})

it('reports optional values that cannot be used, with line and field, and counts the events without them', async () => {
  const { send, records } = openIngest()
  const second = JSON.stringify(wireEvent({ red_mean: -0.0012, ndvi_std: 'nan' } as object))
  const answer = await send(`${JSON.stringify(wireEvent({ ndvi_max: 0.9 }))}\n${second}`)
  expect(answer).toMatchObject({ status: 202 })
  expect(answer.body).toEqual({
    accepted: 2,
    unused_values: 2,
    warnings: [
      { line: 2, field: 'ndvi_std', detail: 'ndvi_std must be a number: not measured' },
      { line: 2, field: 'red_mean', detail: 'red_mean must lie between 0 and 1000000: not measured' },
    ],
  })
  expect((await records())[0]?.events.map(({ event }) => event.red)).toEqual([null, null])
  const many = Array.from({ length: 21 }, () => second).join('\n')
  const { unused_values, warnings } = (await send(many)).body as { unused_values: number; warnings: unknown[] }
  expect([unused_values, warnings.length]).toEqual([42, 20])
})

it('sends a key to the lane where its copies must go', async () => {
  const sent: unknown[] = []
  const { send } = openIngest(log => ({
    ...log,
    destinationOf: () => ({ lane: 'the-lane' }),
    append: async records => {
      sent.push(...records)
      return records.map(() => ({ lane: 'the-lane', position: '1' }))
    },
  }))
  await send(LINES[0] as string, { key: 'k' })
  await send(LINES[0] as string)
  expect(sent).toMatchObject([{ lane: 'the-lane' }, { lane: 'the-lane' }])
})

it('sends a key to the same lane after lanes were added, and requests without a key to all current lanes', async () => {
  const asked: (number | undefined)[] = []
  let lanes = 2
  const { send } = openIngest(log => ({
    ...log,
    lanes: async () => Array.from({ length: lanes }, (_, index) => ({ name: `${index}`, parents: [], closed: false })),
    destinationOf: (_, among) => {
      asked.push(among)
      return { lane: 'the-lane' }
    },
    append: async records => records.map(() => ({ lane: 'the-lane', position: '1' })),
  }))
  await send(LINES[0] as string, { key: 'k' })
  lanes = 5
  await send(LINES[0] as string, { key: 'k' })
  expect(asked.filter(among => among !== undefined)).toEqual([2, 2])
  asked.length = 0
  await send(LINES[0] as string)
  expect(asked).toEqual([undefined])
})

it('answers as if the log were unavailable when the lane of a key cannot be found, and appends nothing', async () => {
  const { send, records } = openIngest(log => ({
    ...log,
    destinationOf: () => ({ lane: 'the-lane' }),
    lanes: async () => Promise.reject(new Error('no broker')),
  }))
  expect(await send(LINES[0] as string, { key: 'k' })).toMatchObject({ status: 503, headers: { 'Retry-After': '5' } })
  expect(await records()).toEqual([])
})

it('refuses bytes that are not UTF-8', async () => {
  const { send, records } = openIngest()
  const bytes = Buffer.from((LINES[0] as string).replace('a', '\u00e4'), 'latin1')
  expect(await send(bytes)).toMatchObject({ status: 400 })
  expect(await records()).toEqual([])
})

it('accepts all events or none, and names each line that is wrong', async () => {
  const { send, records } = openIngest()
  const bad = [LINES[0], '{"class_name":"Forest"}', 'no json', JSON.stringify(wireEvent({ class_name: 'Moon' }))]
  const answer = await send(bad.join('\n'))
  expect(answer).toMatchObject({
    status: 400,
    headers: { 'Content-Type': 'application/problem+json' },
    body: {
      detail: '3 of them; none was taken',
      errors: [
        { line: 2, reason: 'invalid-event' },
        { line: 3, reason: 'not-json' },
        { line: 4, reason: 'unknown-class' },
      ],
    },
  })
  expect(JSON.stringify(answer.body)).not.toContain('Moon')
  expect(await records()).toEqual([])
})

it.each([
  ['nothing', ''],
  ['blank lines', '\n \n'],
  ['a broken array', '[{'],
  ['an empty array', '[]'],
])('refuses %s', async (_, body) => {
  const { send, records } = openIngest()
  expect(await send(body)).toMatchObject({ status: 400 })
  expect(await records()).toEqual([])
})

it('refuses a record header in the body: only the key gives an identity', async () => {
  const { send, records } = openIngest()
  const forged = JSON.stringify({ landcover: { producer: 'somebody', counter: 7 } })
  expect(await send(`${forged}\n${LINES[0]}`)).toMatchObject({ status: 400, body: { errors: [{ line: 1 }] } })
  expect(await records()).toEqual([])
})

it.each(['', 'a b', 'ä', 'x'.repeat(201)])('refuses the key %j', async key => {
  const { send } = openIngest()
  expect(await send(LINES[0] as string, { key })).toMatchObject({ status: 400 })
})

it.each(['', 'text/plain', 'application/x-www-form-urlencoded', 'application/jsonp'])(
  'refuses a body of the type %j, which any page could send',
  async type => {
    const { send, records } = openIngest()
    expect(await send(LINES[0] as string, { type })).toMatchObject({ status: 415 })
    expect(await records()).toEqual([])
  },
)

it('says when a request is too large', async () => {
  const { send, records } = openIngest()
  // Random text, so that it cannot be compressed below the limit.
  const many = Array.from({ length: 40_000 }, () => JSON.stringify(wireEvent({ image_id: crypto.randomUUID() })))
  expect(await send(many.join('\n'))).toMatchObject({ status: 413 })
  expect(await records()).toEqual([])
})

it('names the line in the content of a compressed body', async () => {
  const { send, records } = openIngest()
  const body = gzipSync(JSON.stringify([EVENTS[0], wireEvent({ ndvi_mean: 2 })]))
  expect(await send(body)).toMatchObject({ status: 400, body: { errors: [{ line: 2, reason: 'invalid-event' }] } })
  expect(await records()).toEqual([])
})

it('takes a body that is as large as a record can be with its header, and refuses a larger one: no reader could read it', async () => {
  const { send, records } = openIngest()
  const line = (LINES[0] as string).padEnd(MAX_LINE_LENGTH)
  const lines = Array.from({ length: MAX_DECODED_BYTES / MAX_LINE_LENGTH }, () => line)
  const bodyOf = (bytes: number) => gzipSync(lines.join('\n').slice(0, bytes))
  expect(await send(bodyOf(MAX_DECODED_BYTES))).toMatchObject({
    status: 400,
    body: { detail: expect.stringContaining('decompresses to more than') },
  })
  expect(await records()).toEqual([])
  expect(await send(bodyOf(MAX_DECODED_BYTES - HEADER_BYTES))).toMatchObject({ status: 202 })
  expect((await records()).map(({ events }) => events.length)).toEqual([lines.length])
})

it('says why a body as a whole cannot be read', async () => {
  const { send, records } = openIngest()
  const cutOff = gzipSync(LINES.join('\n')).subarray(0, -9)
  expect(await send(cutOff)).toMatchObject({ status: 400, body: { detail: expect.stringContaining('damaged') } })
  expect(await records()).toEqual([])
})

it.each(['application/x-ndjson', 'application/jsonlines', 'application/geo+json; charset=utf-8'])(
  'takes a body of the type %s',
  async type => {
    const { send } = openIngest()
    expect(await send(LINES.join('\n'), { type })).toMatchObject({ status: 202, body: { accepted: 3 } })
  },
)

it('tries again until the log has stored it', async () => {
  let failures = 3
  const { send, records } = openIngest(log => ({
    ...log,
    append: async records => (failures-- > 0 ? records.map(() => ({ error: 'throttled' })) : log.append(records)),
  }))
  expect(await send(LINES[0] as string, { key: 'k' })).toMatchObject({ status: 202 })
  expect(await records()).toHaveLength(1)
})

describe('an event that is too large for the log', () => {
  const event = JSON.stringify(wireEvent({ image_id: 'x'.repeat(200) }))
  const sizes: number[] = []
  const counting = (log: EventLog): EventLog => ({
    ...log,
    append: async records => {
      sizes.push(...records.map(({ data }) => data.byteLength))
      return log.append(records)
    },
  })

  it('is refused before it is sent, with the limit of the log', async () => {
    const whole = openIngest(counting)
    expect(await whole.send(event, { key: 'k' })).toMatchObject({ status: 202 })
    const bytes = sizes.at(-1) as number
    const exact = openIngest(log => ({ ...log, maxRecordBytes: bytes }))
    expect(await exact.send(event, { key: 'k' })).toMatchObject({ status: 202 })
    const small = openIngest(log => ({ ...log, maxRecordBytes: bytes - 1 }))
    const answer = await small.send(event, { key: 'k' })
    expect(answer).toMatchObject({ status: 413, body: { title: 'The event is too large' } })
    expect(answer.body.detail).toContain(`at most ${bytes - 1}`)
    expect(await small.records()).toEqual([])
  })

  it.each([undefined, 'k'])(
    'is refused at once when the log finds out, and must not be sent again (key %s)',
    async key => {
      let asked = 0
      const { send } = openIngest(log => ({
        ...log,
        append: async records => {
          asked++
          return records.map(() => ({ error: 'MESSAGE_TOO_LARGE', tooLarge: true as const }))
        },
      }))
      const answer = await send(LINES.join('\n'), { ...(key !== undefined && { key }) })
      expect(answer).toMatchObject({ status: 413, body: { title: 'Too many events at once' } })
      expect(answer.headers).not.toHaveProperty('Retry-After')
      expect(answer.body.detail).not.toMatch(/again/)
      expect(asked).toBe(1)
    },
  )
})

it('says that the class list cannot be read, and accepts nothing', async () => {
  const { send, records } = openIngest(undefined, () => Promise.reject(new Error('EISDIR: reference/classes.csv')))
  expect(await send(LINES[0] as string)).toMatchObject({
    status: 503,
    headers: { 'Content-Type': 'application/problem+json', 'Retry-After': '5' },
    body: { title: 'The class list cannot be read' },
  })
  expect(await records()).toEqual([])
})

it('answers other failures with a problem', async () => {
  const { send } = openIngest(log => ({
    ...log,
    destinationOf: () => {
      throw new Error('no lane')
    },
  }))
  expect(await send(LINES[0] as string, { key: 'k' })).toMatchObject({ status: 500, body: { status: 500 } })
})
