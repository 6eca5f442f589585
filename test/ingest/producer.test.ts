import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { openSqliteEventLog } from '../../functions/adapters/sqlite/event-log.ts'
import type { WireEvent } from '../../functions/core/event.ts'
import { RETRY_LIMIT_MS } from '../../functions/core/slot.ts'
import { MINUTE_MS } from '../../functions/core/time.ts'
import { EventTooLargeError } from '../../functions/ingest/packing.ts'
import { createProducer, NotAcknowledgedError, type ProducerOptions } from '../../functions/ingest/producer.ts'
import type { RetryTime } from '../../functions/ingest/retry.ts'
import type { Destination, EventLog } from '../../functions/ports/event-log.ts'
import { steadyClocks } from '../support/clocks.ts'
import { NOON_MS, wireEvent } from '../support/factories.ts'
import { type Attempt, countedEvents, type Fault, faultyLog, NO_FAULT } from './faulty-log.ts'
import { type VirtualTime, virtualTime } from './virtual-time.ts'

let time: VirtualTime
let inner: EventLog
beforeEach(() => {
  time = virtualTime()
  inner = openMemoryLog(time)
})
afterEach(() => inner.close())

function openMemoryLog(clock: VirtualTime): EventLog {
  return openSqliteEventLog({ file: ':memory:', shards: 3, readClocks: steadyClocks(() => NOON_MS + clock.now()) })
}

/** Events with the image ids `first`, `first + 1`, … */
function someEvents(count: number, first = 0): WireEvent[] {
  return Array.from({ length: count }, (_, index) => wireEvent({ image_id: String(first + index) }))
}

function ids(count: number, first = 0): string[] {
  return someEvents(count, first).map(event => event.image_id)
}

/** Creates a producer on a log with the given faults in order. The last fault repeats. */
function setUp(faults: Fault[] = [NO_FAULT], options: ProducerOptions = {}) {
  const left = [...faults]
  const next = () => (left.length > 1 ? (left.shift() as Fault) : (left[0] as Fault))
  const { log, attempts } = faultyLog(inner, time, next)
  let made = 0
  const producer = createProducer(log, { time, newId: () => `id-${++made}`, ...options })
  return { producer, attempts }
}

const REFUSED: Fault = { ...NO_FAULT, kind: 'refused' }

describe('packing', () => {
  test('an event that is sent alone becomes a record at once', async () => {
    const { producer, attempts } = setUp()
    await producer.send(someEvents(1))
    expect(attempts.map(({ events }) => events)).toEqual([['0']])
    expect(await countedEvents(inner)).toEqual(['0'])
  })

  test('events share a record up to the maximum number, in the order in which they came', async () => {
    const { producer, attempts } = setUp([NO_FAULT], { maxEvents: 4 })
    await time.run(producer.send(someEvents(10)))
    expect(attempts.map(({ events }) => events)).toEqual([ids(4), ids(4, 4), ids(2, 8)])
  })

  test('events that are sent while a record is under way form the next record', async () => {
    const { producer, attempts } = setUp([{ ...NO_FAULT, thereMs: 10 }])
    await time.run(Promise.all(someEvents(20).map(event => producer.send([event]))))
    expect(attempts.map(({ events }) => events.length)).toEqual([1, 19])
  })

  test('an event waits for others for the linger time, and no longer', async () => {
    const { producer, attempts } = setUp([NO_FAULT], { lingerMs: 100 })
    const first = producer.send(someEvents(1))
    await time.run(time.sleep(60))
    const second = producer.send(someEvents(1, 1))
    expect(attempts).toEqual([])
    await time.run(Promise.all([first, second]))
    expect(time.now()).toBe(100)
    expect(attempts.map(({ events }) => events)).toEqual([['0', '1']])
  })

  test('a full record does not wait for the linger time', async () => {
    const { producer, attempts } = setUp([NO_FAULT], { lingerMs: 1000, maxEvents: 3 })
    await producer.send(someEvents(3))
    expect(time.now()).toBe(0)
    expect(attempts).toHaveLength(1)
  })

  test('flush and close send the waiting events', async () => {
    const { producer, attempts } = setUp([NO_FAULT], { lingerMs: 1000 })
    await producer.add(wireEvent({ image_id: 'flushed' }))
    await producer.flush()
    await producer.add(wireEvent({ image_id: 'closed' }))
    await producer.close()
    expect(time.now()).toBe(0)
    expect(attempts.map(({ events }) => events)).toEqual([['flushed'], ['closed']])
    await expect(producer.send(someEvents(1))).rejects.toThrow('closed')
    await expect(producer.add(wireEvent())).rejects.toThrow('closed')
  })

  test('close waits for records that send has started', async () => {
    const { producer } = setUp([{ ...NO_FAULT, thereMs: 500 }], { lingerMs: 1000, maxEvents: 2 })
    const sent = producer.send(someEvents(5))
    await time.run(producer.close())
    expect(producer.summary()).toMatchObject({ acknowledged: 5, pending: 0 })
    await sent
  })

  test('an event that is too large for a record is refused, and nothing of its call is sent', async () => {
    const { producer, attempts } = setUp([NO_FAULT], { maxBytes: 1024 })
    const tooLarge = wireEvent({ image_id: 'x'.repeat(1024) })
    await expect(producer.send([...someEvents(1), tooLarge])).rejects.toThrow(EventTooLargeError)
    await expect(producer.add(tooLarge)).rejects.toThrow(EventTooLargeError)
    await producer.close()
    expect(attempts).toEqual([])
    expect(producer.summary()).toMatchObject({ acknowledged: 0, unacknowledged: 0, pending: 0 })
  })
})

describe('sending again', () => {
  test('sends the same bytes to the same destination, with the same counter', async () => {
    const faults: Fault['kind'][] = ['answer-lost', 'refused', 'failed', 'answer-wrong', 'none']
    const { producer, attempts } = setUp(faults.map(kind => ({ ...NO_FAULT, kind })))
    await time.run(producer.send(someEvents(3)))
    expect(attempts).toHaveLength(5)
    expect(new Set(attempts.map(identityOf)).size).toBe(1)
    expect(await countedEvents(inner)).toEqual(ids(3))
    expect(producer.summary()).toEqual({ acknowledged: 3, unacknowledged: 0, pending: 0, records: 1, retries: 4 })
  })

  test('waits for a random time up to a limit that doubles to ten seconds', async () => {
    const waits: number[] = []
    const watched: RetryTime = {
      ...time,
      random: () => 1,
      sleep(ms) {
        waits.push(ms)
        return time.sleep(ms)
      },
    }
    const { producer } = setUp([...Array(10).fill(REFUSED), NO_FAULT], { time: watched })
    await time.run(producer.send(someEvents(1)))
    expect(waits).toEqual([50, 100, 200, 400, 800, 1600, 3200, 6400, 10_000, 10_000])
  })

  test('uses the lane of the first attempt, even if the key belongs to another lane now', async () => {
    const lanes = (await inner.lanes()).map(({ name }) => name)
    let partitions = 1
    const growing: EventLog = {
      ...inner,
      destinationOf: (): Destination => ({ lane: lanes[partitions - 1] as string }),
    }
    const { log, attempts } = faultyLog(growing, time, () => {
      partitions = Math.min(partitions + 1, lanes.length)
      return attempts.length === 1 ? { ...NO_FAULT, kind: 'answer-lost' } : NO_FAULT
    })
    const producer = createProducer(log, { time })
    await time.run(producer.send(someEvents(1)))
    await time.run(producer.send(someEvents(1, 1)))
    expect(attempts.map(({ destination }) => destination)).toEqual([lanes[0], lanes[0], lanes[2]])
    expect((await countedEvents(inner)).sort()).toEqual(['0', '1'])
  })

  test('ends before the retry limit, and says how many events were not acknowledged', async () => {
    const { producer, attempts } = setUp([REFUSED])
    const error = await time.run(producer.send(someEvents(7)).catch(thrown => thrown))
    expect(error).toBeInstanceOf(NotAcknowledgedError)
    expect(error).toMatchObject({ events: 7, message: '7 events were not acknowledged: refused' })
    expect(time.now()).toBeGreaterThan(RETRY_LIMIT_MS - 2 * MINUTE_MS)
    expect(time.now()).toBeLessThanOrEqual(RETRY_LIMIT_MS - MINUTE_MS)
    expect(attempts.length).toBeGreaterThan(100)
    expect(producer.summary()).toMatchObject({ acknowledged: 0, unacknowledged: 7, pending: 0 })
  })

  test('cannot help a record that the log says is too large: it is given up at once, and others continue', async () => {
    const { producer, attempts } = setUp([{ ...NO_FAULT, kind: 'too-large' }, NO_FAULT])
    const error = await time.run(producer.send(someEvents(2)).catch(thrown => thrown))
    expect(error).toMatchObject({ events: 2, message: '2 events were not acknowledged: the record has too many bytes' })
    expect(attempts).toHaveLength(1)
    await time.run(producer.send(someEvents(1, 2)))
    expect(producer.summary()).toMatchObject({ acknowledged: 1, unacknowledged: 2, retries: 0 })
  })

  test('does not start when time has leapt beyond the limit, for example while the machine was suspended', async () => {
    let leapMs = 0
    const leaping = { ...time, now: () => time.now() + leapMs }
    const { log, attempts } = faultyLog(inner, time, () => {
      leapMs = RETRY_LIMIT_MS
      return { ...NO_FAULT, kind: 'answer-lost' }
    })
    const producer = createProducer(log, { time: leaping })
    await expect(time.run(producer.send(someEvents(1)))).rejects.toThrow(NotAcknowledgedError)
    expect(attempts).toHaveLength(1)
  })

  test('ends when the producer is told to stop', async () => {
    const stopping = new AbortController()
    const { producer, attempts } = setUp([REFUSED], { signal: stopping.signal, maxEvents: 2 })
    const sent = producer.send(someEvents(5)).catch(thrown => thrown)
    await time.run(time.sleep(500))
    const before = attempts.length
    stopping.abort()
    expect(await sent).toMatchObject({ events: 5 })
    expect(attempts).toHaveLength(before)
    await expect(producer.send(someEvents(1))).rejects.toThrow('stopped')
  })
})

describe('giving up', () => {
  test('continues with a new id and a counter from 1', async () => {
    const outage = Array<Fault>(400).fill(REFUSED)
    const { producer, attempts } = setUp([NO_FAULT, ...outage, NO_FAULT], { ids: 1 })
    await producer.send(someEvents(1))
    await expect(time.run(producer.send(someEvents(1, 1)))).rejects.toThrow(NotAcknowledgedError)
    await time.run(producer.send(someEvents(1, 2)))
    const used = new Set(attempts.map(({ producer: id, counter, events }) => `${id} ${counter}: ${events}`))
    expect([...used]).toEqual(['id-1 1: 0', 'id-1 2: 1', 'id-2 1: 2'])
    expect((await countedEvents(inner)).sort()).toEqual(['0', '2'])
  })

  test('for one id does not affect the others', async () => {
    const { log } = faultyLog(inner, time, () => NO_FAULT)
    const broken: EventLog = {
      ...log,
      append: async records => {
        const [record] = records
        return record && 'key' in record && record.key === 'id-1' ? [{ error: 'refused' }] : log.append(records)
      },
    }
    let made = 0
    const producer = createProducer(broken, { time, newId: () => `id-${++made}`, ids: 3, maxEvents: 2 })
    await expect(time.run(producer.send(someEvents(6)))).rejects.toThrow('2 events were not acknowledged')
    expect(producer.summary()).toMatchObject({ acknowledged: 4, unacknowledged: 2 })
    await producer.send(someEvents(1, 6))
    expect((await countedEvents(inner)).sort()).toEqual(['2', '3', '4', '5', '6'])
  })

  test('is reported by the next add, and by flush until flush has reported it', async () => {
    const { producer } = setUp([...Array<Fault>(400).fill(REFUSED), NO_FAULT], { maxEvents: 1 })
    await time.run(producer.add(wireEvent({ image_id: 'lost' })))
    await time.run(time.sleep(RETRY_LIMIT_MS))
    await expect(producer.add(wireEvent())).rejects.toThrow('1 event was not acknowledged')
    await expect(producer.flush()).rejects.toThrow(NotAcknowledgedError)
    await time.run(producer.add(wireEvent({ image_id: 'found' })))
    await time.run(producer.close())
    expect(producer.summary()).toMatchObject({ acknowledged: 1, unacknowledged: 1, pending: 0 })
  })
})

test('add makes its caller wait while all ids are busy and the same number of records is waiting', async () => {
  const { producer, attempts } = setUp([{ ...NO_FAULT, thereMs: 100 }], { ids: 2, maxEvents: 10 })
  let most = 0
  async function addAll(): Promise<void> {
    for (const event of someEvents(500)) {
      await producer.add(event)
      most = Math.max(most, producer.summary().pending)
    }
    await producer.close()
  }
  await time.run(addAll())
  expect(most).toBeLessThanOrEqual(2 * 10 + 2 * 10)
  expect(attempts.filter(({ acknowledged }) => acknowledged).flatMap(({ events }) => events)).toHaveLength(500)
})

/** Faults come in groups: a log with a fault keeps it for a while, sometimes longer than any producer retries. */
const faultRuns = fc.array(
  fc.record({
    fault: fc.record({
      kind: fc.constantFrom<Fault['kind']>(
        'none',
        'none',
        'none',
        'refused',
        'failed',
        'answer-wrong',
        'answer-lost',
        'late',
      ),
      thereMs: fc.nat(20_000),
      backMs: fc.nat(20_000),
    }),
    times: fc.oneof({ weight: 6, arbitrary: fc.integer({ min: 1, max: 4 }) }, { weight: 1, arbitrary: fc.nat(600) }),
  }),
  { maxLength: 30 },
)

const work = fc.array(
  fc.oneof(
    fc.record({ do: fc.constant('add' as const), count: fc.nat(12) }),
    fc.record({ do: fc.constant('send' as const), count: fc.nat(12) }),
    fc.record({ do: fc.constant('pause' as const), count: fc.nat(3_600_000) }),
    fc.record({ do: fc.constant('flush' as const), count: fc.constant(0) }),
  ),
  { maxLength: 25 },
)

const packing = fc.record({
  ids: fc.integer({ min: 1, max: 4 }),
  maxEvents: fc.integer({ min: 1, max: 6 }),
  maxBytes: fc.constantFrom(400, 1000, 100_000),
  lingerMs: fc.constantFrom(0, 0, 5, 60_000),
})

describe('with any faults', () => {
  test('acknowledged events are counted exactly once, others at most once, because each id has one record in flight', async () => {
    await fc.assert(fc.asyncProperty(faultRuns, work, packing, fc.constantFrom(0, 0.3, 0.99), runOne), { numRuns: 300 })
  })
})

/** Checks all rules on one history. @param random source of all its random numbers */
async function runOne(
  runs: { fault: Fault; times: number }[],
  steps: { do: 'add' | 'send' | 'pause' | 'flush'; count: number }[],
  options: ProducerOptions,
  random: number,
): Promise<void> {
  const clock = virtualTime(() => random)
  const plain = openMemoryLog(clock)
  const faults = runs.flatMap(({ fault, times }) => Array<Fault>(times).fill(fault))
  const { log, attempts, arrived } = faultyLog(plain, clock, () => faults.shift() ?? NO_FAULT)
  const producer = createProducer(log, { ...options, time: clock })
  let taken = 0
  let told = 0
  const note = (error: unknown) => {
    if (!(error instanceof NotAcknowledgedError)) throw error
    told += error.events
  }
  async function all(): Promise<void> {
    const sends: Promise<void>[] = []
    for (const step of steps) {
      if (step.do === 'pause') await clock.sleep(step.count)
      else if (step.do === 'flush') await producer.flush().catch(note)
      else if (step.do === 'send') {
        sends.push(producer.send(someEvents(step.count, taken)).catch(note))
        taken += step.count
      } else {
        for (const event of someEvents(step.count, taken)) {
          try {
            await producer.add(event)
          } catch (error) {
            // Events that add refuses were not accepted; flush reports the others.
            if (!(error instanceof NotAcknowledgedError)) throw error
            await producer.flush().catch(note)
            await producer.add(event)
          }
        }
        taken += step.count
      }
    }
    await producer.close().catch(note)
    await Promise.all(sends)
    await arrived()
  }
  await clock.run(all())

  const acknowledged = attempts.filter(attempt => attempt.acknowledged).flatMap(({ events }) => events)
  const counted = await countedEvents(plain)
  await plain.close()
  expect(new Set(counted).size).toBe(counted.length)
  expect(acknowledged.filter(id => !counted.includes(id))).toEqual([])
  expect(new Set([...attempts.flatMap(({ events }) => events)]).size).toBe(taken)
  expect(producer.summary()).toMatchObject({
    acknowledged: acknowledged.length,
    unacknowledged: taken - acknowledged.length,
    pending: 0,
  })
  expect(told).toBe(taken - acknowledged.length)
  for (const ofId of Map.groupBy(attempts, attempt => attempt.producer).values()) expectOneInFlight(ofId)
}

/** Attempts of one id, in order: each repeats the one before it, or follows its acknowledgement. */
function expectOneInFlight(attempts: readonly Attempt[]): void {
  let before: Attempt | undefined
  for (const attempt of attempts) {
    if (attempt.counter === before?.counter) {
      expect(before.acknowledged).toBe(false)
      expect(identityOf(attempt)).toBe(identityOf(before))
    } else {
      expect(attempt.counter).toBe((before?.counter ?? 0) + 1)
      if (before) expect(before.acknowledged).toBe(true)
    }
    before = attempt
  }
}

function identityOf({ producer, counter, destination, bytes }: Attempt): string {
  return `${producer} ${counter} ${destination} ${bytes}`
}
