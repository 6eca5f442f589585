import { describe, expect, it, onTestFinished } from 'vitest'
import { openSqliteEventLog } from '../../functions/adapters/sqlite/event-log.ts'
import { START } from '../../functions/core/lane.ts'
import { decodeRecord } from '../../functions/core/record.ts'
import { ANSWERED_WITHIN_MS, IDS, MOST_UNDER_WAY, requestStore } from '../../functions/ingest/request-store.ts'
import type { EventLog } from '../../functions/ports/event-log.ts'
import { CLASSES, NOON_MS, wireEvent } from '../support/factories.ts'
import { virtualTime } from './virtual-time.ts'

const LINES = Buffer.from(JSON.stringify(wireEvent()))
const SECOND_MS = 1_000

function openStore(appendOf: (log: EventLog, time: ReturnType<typeof virtualTime>) => EventLog['append']) {
  const log = openSqliteEventLog({ file: ':memory:' })
  onTestFinished(() => log.close())
  const time = virtualTime()
  let inFlight = 0
  let mostInFlight = 0
  const through = appendOf(log, time)
  const append: EventLog['append'] = async records => {
    mostInFlight = Math.max(mostInFlight, ++inFlight)
    try {
      return await through(records)
    } finally {
      inFlight--
    }
  }
  const requests = requestStore(
    { ...log, append },
    time,
    () => {},
    async key => log.destinationOf(key),
  )
  return {
    time,
    mostInFlight: () => mostInFlight,
    /** Stores a request that arrives now. @returns its outcome, and the time until then */
    async store(producer?: string) {
      const arrivedMs = time.now()
      const { kind } = await requests.store(LINES, producer, arrivedMs)
      return { kind, afterMs: time.now() - arrivedMs }
    },
    outcome: () => requests.store(LINES, 'key', time.now()),
    async origins() {
      const lanes = await log.lanes()
      const records = await Promise.all(lanes.map(({ name }) => log.read(name, START, 1_000)))
      return records.flat().map(record => decodeRecord({ ...record, arrivalMs: NOON_MS }, NOON_MS, CLASSES).origin)
    },
  }
}

const times = <T>(count: number, make: (index: number) => T) => Array.from({ length: count }, (_, index) => make(index))

describe('a log that never answers', () => {
  const never = () => new Promise<never>(() => {})

  it('costs each request its own time limit, whether the request has a key or waits for others', async () => {
    const { time, store } = openStore(() => never)
    const keyed = times(3, index => store(`key-${index}`))
    const waited = times(2 * IDS, () => store())
    const answers = await time.run(Promise.all([...keyed, ...waited]))
    expect(answers.map(({ afterMs }) => afterMs)).toEqual(answers.map(() => ANSWERED_WITHIN_MS))
    const kinds = answers.map(({ kind }) => kind)
    expect(kinds).toEqual([...times(3 + IDS, () => 'unknown'), ...times(IDS, () => 'not-sent')])
  })

  it('lets a limited number of requests wait, and refuses the next at once', async () => {
    const { time, store, mostInFlight } = openStore(() => never)
    const waiting = times(MOST_UNDER_WAY, index => store(index % 2 === 0 ? `key-${index}` : undefined))
    for (const key of [undefined, 'one-more']) {
      expect(await time.run(store(key))).toEqual({ kind: 'not-sent', afterMs: 0 })
    }
    await time.run(Promise.all(waiting))
    // The state of requests that were sent is unknown; waiting ones were dropped.
    const sent = MOST_UNDER_WAY / 2 + IDS
    expect(mostInFlight()).toBe(sent)
    const more = times(MOST_UNDER_WAY - sent, index => store(`more-${index}`))
    expect(await time.run(store('too-many'))).toEqual({ kind: 'not-sent', afterMs: 0 })
    await time.run(Promise.all(more))
    expect(mostInFlight()).toBe(MOST_UNDER_WAY)
  })
})

describe('a log that is slow', () => {
  it('gets requests without a key from a few producers, each with one record in flight', async () => {
    const { time, store, mostInFlight, origins } = openStore((log, time) => async records => {
      await time.sleep(SECOND_MS)
      return log.append(records)
    })
    const answers = await time.run(Promise.all(times(3 * IDS, () => store())))
    expect(answers).toEqual(times(3 * IDS, at => ({ kind: 'stored', afterMs: (1 + Math.floor(at / IDS)) * SECOND_MS })))
    expect(mostInFlight()).toBe(IDS)
    const byProducer = Map.groupBy(await origins(), origin => origin?.producer)
    expect(Array.from(byProducer.values(), each => each.map(origin => origin?.counter))).toEqual(
      times(IDS, () => [1, 2, 3]),
    )
  })

  it('stores what it can in time, and the other requests are told that they were not sent', async () => {
    const { time, store, origins } = openStore((log, time) => async records => {
      await time.sleep(ANSWERED_WITHIN_MS / 2 - 1)
      return log.append(records)
    })
    const answers = await time.run(Promise.all(times(3 * IDS, () => store())))
    const kinds = answers.map(({ kind }) => kind)
    expect(kinds).toEqual([...times(2 * IDS, () => 'stored'), ...times(IDS, () => 'unknown')])
    expect(Math.max(...answers.map(({ afterMs }) => afterMs))).toBe(ANSWERED_WITHIN_MS)
    expect(await origins()).toHaveLength(2 * IDS)
  })

  it('is quoted when it gave a reason for refusing until the time was over', async () => {
    const { time, outcome } = openStore(() => async records => records.map(() => ({ error: 'no room on its disk' })))
    expect(await time.run(outcome())).toEqual({
      kind: 'unknown',
      error: 'the log has not answered within 20 s; its last error: no room on its disk',
    })
  })

  it('gets no second attempt after the request was answered', async () => {
    let attempts = 0
    const { time, store } = openStore((_log, time) => async records => {
      attempts++
      await time.sleep(ANSWERED_WITHIN_MS + 1)
      return records.map(() => ({ error: 'busy' }))
    })
    expect(await time.run(store())).toEqual({ kind: 'unknown', afterMs: ANSWERED_WITHIN_MS })
    await time.run(time.sleep(60 * SECOND_MS))
    expect(attempts).toBe(1)
  })
})

it('a disk that refuses writes is reported at once, with a key and without, and the next request is stored', async () => {
  let isFull = true
  let attempts = 0
  const error = 'no room on its disk'
  const { time, store, outcome, origins } = openStore(log => async records => {
    attempts++
    return isFull ? records.map(() => ({ error, unwritable: true })) : log.append(records)
  })
  for (const key of [undefined, 'key']) {
    expect(await time.run(store(key))).toEqual({ kind: 'unwritable', afterMs: 0 })
  }
  expect(await time.run(outcome())).toEqual({ kind: 'unwritable', error })
  expect(attempts).toBe(3)
  isFull = false
  expect(await time.run(store())).toMatchObject({ kind: 'stored' })
  expect(await origins()).toHaveLength(1)
})

it('a request that may be missing is not confused with the next one, which has another producer', async () => {
  let isLost = true
  const { time, store, origins } = openStore(log => async records => {
    const outcomes = await log.append(records)
    if (!isLost) return outcomes
    return new Promise<never>(() => {})
  })
  expect(await time.run(store())).toMatchObject({ kind: 'unknown' })
  isLost = false
  expect(await time.run(store())).toMatchObject({ kind: 'stored' })
  expect(await time.run(store())).toMatchObject({ kind: 'stored' })
  const found = await origins()
  expect(found.map(origin => origin?.counter).sort()).toEqual([1, 1, 2])
  expect(new Set(found.map(origin => origin?.producer)).size).toBe(2)
})

it('a request that is too large for the log is not sent, and the next one continues its producer', async () => {
  const log = openSqliteEventLog({ file: ':memory:' })
  onTestFinished(() => log.close())
  const counters: unknown[] = []
  const append: EventLog['append'] = async records => {
    for (const { data } of records) counters.push(JSON.parse(Buffer.from(data).toString().split('\n')[0] as string))
    return log.append(records)
  }
  const time = virtualTime()
  const requests = requestStore(
    { ...log, append, maxRecordBytes: LINES.byteLength + 200 },
    time,
    () => {},
    async key => log.destinationOf(key),
  )
  const store = (lines: Buffer) => time.run(requests.store(lines, undefined, time.now()))
  const tooLarge = Buffer.concat([LINES, Buffer.alloc(300, ' ')])
  for (const lines of [LINES, tooLarge, LINES]) await store(lines)
  const limit = LINES.byteLength + 200
  expect(await store(tooLarge)).toMatchObject({
    kind: 'too-large',
    bytes: expect.toSatisfy(bytes => bytes > limit),
    limit,
  })
  const [first] = counters as [{ landcover: { producer: string } }]
  const { producer } = first.landcover
  expect(counters).toEqual([{ landcover: { producer, counter: 1 } }, { landcover: { producer, counter: 2 } }])
  // No such request stays under way.
  for (let request = 0; request <= MOST_UNDER_WAY; request++) await store(tooLarge)
  expect(await store(LINES)).toEqual({ kind: 'stored' })
})

it('a log that fails before it is called does not use up what later requests need', async () => {
  const log = openSqliteEventLog({ file: ':memory:' })
  onTestFinished(() => log.close())
  let isBroken = true
  const destinationOf: EventLog['destinationOf'] = key => {
    if (isBroken) throw new Error('no lane')
    return log.destinationOf(key)
  }
  const time = virtualTime()
  const requests = requestStore(
    { ...log, destinationOf },
    time,
    () => {},
    async key => destinationOf(key),
  )
  for (const key of [undefined, 'key']) {
    for (let request = 0; request <= MOST_UNDER_WAY; request++) {
      await expect(requests.store(LINES, key, time.now())).rejects.toThrow('no lane')
    }
  }
  isBroken = false
  expect(await time.run(requests.store(LINES, undefined, time.now()))).toEqual({ kind: 'stored' })
})
