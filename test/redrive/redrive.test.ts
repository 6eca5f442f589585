import { createHash } from 'node:crypto'
import { gzipSync } from 'node:zlib'
import { describe, expect, it, onTestFinished } from 'vitest'
import { openSqliteEventLog } from '../../functions/adapters/sqlite/event-log.ts'
import type { WireEvent } from '../../functions/core/event.ts'
import { START, toPosition } from '../../functions/core/lane.ts'
import { encodeRecord } from '../../functions/core/record.ts'
import type { Slot } from '../../functions/core/slot.ts'
import { HOUR_MS, MINUTE_MS } from '../../functions/core/time.ts'
import { windowOf } from '../../functions/core/window.ts'
import { RECORD_BYTES_LIMIT } from '../../functions/ingest/packing.ts'
import { createProducer } from '../../functions/ingest/producer.ts'
import { kinesisEvent } from '../../functions/lambda/encode-event.ts'
import type { EventLog } from '../../functions/ports/event-log.ts'
import type { QuarantineEntry, SpeedStore } from '../../functions/ports/speed-store.ts'
import { detailedEntries, listQuarantine } from '../../functions/redrive/list.ts'
import { type RedriveOptions, redriveQuarantine } from '../../functions/redrive/redrive.ts'
import type { Redrive, Standing } from '../../functions/redrive/standing.ts'
import { virtualTime } from '../ingest/virtual-time.ts'
import { steadyClocks } from '../support/clocks.ts'
import { CLASSES, NOON_MS, wireEvent } from '../support/factories.ts'
import { openPipeline } from '../support/pipeline.ts'

const SLOT_MS = 10 * MINUTE_MS
const LAST_ATTEMPT_MS = 29 * MINUTE_MS
const TAKEN = '2026-11-22T11:55:00Z'

const wetland = (image_id: string): WireEvent => wireEvent({ image_id, class_name: 'Wetland', timestamp: TAKEN })

/** The speed and batch layers on a real log and store, at a time that the test sets, with redrives. */
async function openSystem() {
  const virtual = virtualTime()
  const time = { ...virtual, now: () => NOON_MS + virtual.now() }
  const log = openSqliteEventLog({ file: ':memory:', shards: 1, readClocks: steadyClocks(time.now) })
  const classes = new Map<string, Slot>(CLASSES)
  const pipeline = await openPipeline({
    streamIdentity: log.identity,
    slotMs: SLOT_MS,
    lanes: () => log.lanes(),
    now: time.now,
    classes,
  })
  onTestFinished(async () => {
    await pipeline.close()
    await log.close()
  })
  const { store } = pipeline
  const [speed, archive] = [pipeline.speedProcess(), pipeline.archiveProcess()]

  /** Delivers the whole log to both consumers; each skips what it has applied. */
  async function settle(): Promise<void> {
    for (const { name } of await log.lanes()) {
      const records = await log.read(name, START, 100_000)
      if (records.length === 0) continue
      for (const handler of [speed, archive]) {
        expect(await handler(kinesisEvent(log.identity, records))).toEqual({ batchItemFailures: [] })
      }
    }
  }

  return {
    log,
    store,
    time,
    pipeline,
    settle,
    pass: (ms: number) => virtual.run(virtual.sleep(ms)),
    async send(...events: WireEvent[]): Promise<void> {
      await virtual.run(createProducer(log, { time }).send(events))
      await settle()
    },
    /** Makes a class known from the next slot onwards, and starts that slot. */
    async learn(className: string): Promise<void> {
      classes.set(className, Math.floor(time.now() / SLOT_MS + 1) * SLOT_MS)
      await virtual.run(virtual.sleep(SLOT_MS))
    },
    redrive(options: RedriveOptions = {}, other: { log?: EventLog; store?: SpeedStore } = {}) {
      const redrive: Redrive = { log, store, classes: async () => classes, slotMs: SLOT_MS, time, ...other }
      return virtual.run(redriveQuarantine(redrive, options))
    },
    detailed: () =>
      Array.fromAsync(detailedEntries({ log, store, classes: async () => classes, slotMs: SLOT_MS, time })),
    list: () => listQuarantine({ log, store, classes: async () => classes, slotMs: SLOT_MS, time }),
    /** Number of images of a class in the rows of the speed layer. */
    async counted(className = 'Wetland'): Promise<number> {
      const totals = await pipeline.speedTotals()
      return [...totals].reduce((sum, [key, { count }]) => sum + (key.endsWith(className) ? count : 0), 0)
    },
    records: async () => (await log.read((await log.lanes())[0]?.name as string, START, 100_000)).length,
  }
}

type System = Awaited<ReturnType<typeof openSystem>>

async function standings(system: System): Promise<Record<Standing, number> | undefined> {
  return (await system.list()).get('unknown-class')?.standings
}

/** A log or a store whose named call fails once, with or without having done its work. */
function failingOnce<Port extends object>(port: Port, method: keyof Port, isDone: boolean): Port {
  let failed = false
  const call = port[method] as (...all: unknown[]) => Promise<unknown>
  return {
    ...port,
    async [method](...all: unknown[]) {
      if (failed) return call(...all)
      failed = true
      if (isDone) await call(...all)
      throw new Error('the process was cut off')
    },
  }
}

const NEVER_AGAIN = { aborted: true } as AbortSignal

describe('a redrive', () => {
  it('counts an event of a class that has become known once, in its own window, and keeps its entry', async () => {
    const system = await openSystem()
    await system.send(wireEvent({ image_id: 'known' }), wetland('a'), wetland('b'))
    const before = await system.pipeline.quarantined()
    expect(await standings(system)).toEqual({ bad: 2, ready: 0, redriven: 0, uncertain: 0 })
    await system.learn('Wetland')
    expect(await standings(system)).toEqual({ bad: 0, ready: 2, redriven: 0, uncertain: 0 })

    expect(await system.redrive()).toMatchObject({ redriven: 2, events: 2, unacknowledged: 0, stoppedBy: null })
    await system.settle()
    expect(await system.counted()).toBe(2)
    const rows = await system.store.readRows((await system.log.lanes())[0]?.name as string, {
      from: 0,
      until: Number.MAX_SAFE_INTEGER,
    })
    const row = rows.find(({ totals }) => totals.has('Wetland'))
    expect(row?.windowStart).toBe(windowOf(Date.parse(TAKEN)))
    expect(row?.totals.get('Wetland')?.lateCount).toBe(2)
    expect(await system.pipeline.quarantined()).toEqual(before)
    expect(await standings(system)).toEqual({ bad: 0, ready: 0, redriven: 2, uncertain: 0 })
  })

  it('gives the same counts in the batch layer and in the speed layer', async () => {
    const system = await openSystem()
    await system.send(wetland('a'))
    await system.learn('Wetland')
    await system.redrive()
    await system.pass(3 * SLOT_MS)
    await system.send(wireEvent())
    await system.pipeline.runBatch()
    expect((await system.pipeline.batchTotals()).get('2026-11-22 Wetland')?.count).toBe(1)
  })

  it('does nothing when it is run again, immediately or much later', async () => {
    const system = await openSystem()
    await system.send(wetland('a'))
    await system.learn('Wetland')
    await system.redrive()
    for (const ms of [0, HOUR_MS, 24 * HOUR_MS]) {
      await system.pass(ms)
      expect(await system.redrive()).toMatchObject({ redriven: 0, redrivenBefore: 1 })
      await system.settle()
      expect(await system.counted()).toBe(1)
    }
    expect(await system.records()).toBe(2)
  })

  it('may be run by several processes at once', async () => {
    const system = await openSystem()
    await system.send(...Array.from({ length: 50 }, (_, index) => wetland(`image-${index}`)))
    await system.learn('Wetland')
    await Promise.all([system.redrive(), system.redrive(), system.redrive()])
    await system.settle()
    expect(await system.counted()).toBe(50)
    expect(await standings(system)).toEqual({ bad: 0, ready: 0, redriven: 50, uncertain: 0 })
  })

  it.for([
    ['when it had claimed', 'store', 'claimRedrive', true],
    ['before it appended', 'log', 'append', false],
    ['when it had appended', 'log', 'append', true],
    ['before it marked', 'store', 'markRedriven', false],
    ['when it had marked', 'store', 'markRedriven', true],
  ] as const)('goes on within the retry limit where another was cut off: %s', async ([, port, method, isDone]) => {
    const system = await openSystem()
    await system.send(wetland('a'))
    await system.learn('Wetland')
    const cutOff =
      port === 'log'
        ? system.redrive({ signal: NEVER_AGAIN }, { log: failingOnce(system.log, 'append', isDone) })
        : system.redrive({}, { store: failingOnce(system.store, method as 'claimRedrive' | 'markRedriven', isDone) })
    const summary = await cutOff.catch((error: Error) => error.message)
    if (port === 'log') expect(summary).toMatchObject({ redriven: 0, unacknowledged: 1, stoppedBy: 'signal' })
    else expect(summary).toBe('the process was cut off')

    await system.pass(LAST_ATTEMPT_MS)
    await system.redrive()
    await system.settle()
    expect(await system.counted()).toBe(1)
    expect(await standings(system)).toEqual({ bad: 0, ready: 0, redriven: 1, uncertain: 0 })
  })

  it('does not touch what was started too long ago, and says that the result is unknown', async () => {
    const system = await openSystem()
    await system.send(wetland('a'))
    await system.learn('Wetland')
    await system.redrive({}, { store: failingOnce(system.store, 'markRedriven', false) }).catch(() => {})
    await system.pass(LAST_ATTEMPT_MS + 1)
    for (const ms of [0, 24 * HOUR_MS]) {
      await system.pass(ms)
      expect(await system.redrive()).toMatchObject({ redriven: 0, uncertain: 1 })
    }
    await system.settle()
    expect(await system.counted()).toBe(1)
    expect(await standings(system)).toEqual({ bad: 0, ready: 0, redriven: 0, uncertain: 1 })
  })

  it('appends nothing when the process was suspended for too long after its own claim', async () => {
    const system = await openSystem()
    await system.send(wetland('a'))
    await system.learn('Wetland')
    const store: SpeedStore = {
      ...system.store,
      async claimRedrive(claim) {
        const claimed = await system.store.claimRedrive(claim)
        await system.time.sleep(LAST_ATTEMPT_MS + 1)
        return claimed
      },
    }
    expect(await system.redrive({}, { store })).toMatchObject({ redriven: 0, uncertain: 1 })
    expect(await system.records()).toBe(1)
  })

  it('ends its retries when the time since the claim is over, also for a claim of another run', async () => {
    const system = await openSystem()
    await system.send(wetland('a'))
    await system.learn('Wetland')
    const attemptsMs: number[] = []
    const log: EventLog = {
      ...system.log,
      async append() {
        attemptsMs.push(system.time.now())
        throw new Error('the log is down')
      },
    }
    const startMs = system.time.now()
    await system.redrive({ signal: NEVER_AGAIN }, { log })
    await system.pass(20 * MINUTE_MS)
    expect(await system.redrive({}, { log })).toMatchObject({ unacknowledged: 1, stoppedBy: 'unacknowledged' })
    expect(attemptsMs.length).toBeGreaterThan(10)
    expect(Math.max(...attemptsMs)).toBeLessThanOrEqual(startMs + LAST_ATTEMPT_MS)
  })

  it('continues at the destination of the claim, even if its key belongs to another lane now', async () => {
    const system = await openSystem()
    await system.send(wetland('a'))
    await system.learn('Wetland')
    const destinations: unknown[] = []
    const partition = (lane: string): EventLog => ({
      ...system.log,
      destinationOf: () => ({ lane }),
      async append([record]) {
        destinations.push(record && 'lane' in record ? record.lane : record)
        throw new Error('the log is down')
      },
    })
    await system.redrive({ signal: NEVER_AGAIN }, { log: partition('topic.0') })
    await system.redrive({ signal: NEVER_AGAIN }, { log: partition('topic.1') })
    expect(destinations).toEqual(['topic.0', 'topic.0'])
  })

  it('does not continue on a log that was created again', async () => {
    const system = await openSystem()
    await system.send(wetland('a'))
    await system.learn('Wetland')
    const cutOff = { ...system.log, identity: 'the log before', append: async () => [{ error: 'refused' }] }
    await system.redrive({ signal: NEVER_AGAIN }, { log: cutOff })
    expect(await system.redrive()).toMatchObject({ redriven: 0, uncertain: 1 })
  })

  it('does not touch what is still bad, and says why', async () => {
    const system = await openSystem()
    const tooEarly = wireEvent({ timestamp: '2026-11-22T18:00:00Z' })
    await system.send(wetland('a'), tooEarly, wireEvent({ ndvi_mean: 7 }), wireEvent({ class_name: 'Bog' }))
    await system.learn('Wetland')
    // This includes the event from the future after that time has come: its clock was still wrong.
    await system.pass(12 * HOUR_MS)
    const { redriven, bad } = await system.redrive()
    expect(redriven).toBe(1)
    expect(bad).toEqual(
      new Map([
        ['invalid-event', 2],
        ['unknown-class', 1],
      ]),
    )
  })

  it('takes only entries with the requested reason, and at most the requested number', async () => {
    const system = await openSystem()
    await system.send(...Array.from({ length: 50 }, (_, index) => wetland(`image-${index}`)))
    await system.learn('Wetland')
    expect(await system.redrive({ reason: 'not-json' })).toMatchObject({ redriven: 0 })
    expect(await system.redrive({ limit: 30 })).toMatchObject({ redriven: 30, stoppedBy: 'limit' })
    expect(await system.redrive({ limit: 20 })).toMatchObject({ redriven: 20, stoppedBy: null })
    await system.settle()
    expect(await system.counted()).toBe(50)
  })

  it('ends before a lane has more producers than its cursor can hold', async () => {
    const system = await openSystem()
    await system.send(...Array.from({ length: 5 }, (_, index) => wetland(`image-${index}`)))
    await system.learn('Wetland')
    const [cursor] = await system.store.readCursors()
    if (!cursor) throw new Error('there is no cursor')
    const seen = [{ counter: 1, slot: NOON_MS }]
    const producers = new Map(Array.from({ length: 4_998 }, (_, index) => [`redrive-${index}`, seen] as const))
    await system.store.moveCursor({ ...cursor, producers }, cursor.lastPosition)
    expect(await system.redrive()).toMatchObject({ redriven: 2, stoppedBy: 'full-lane' })
  })

  it('is quarantined again, and may be redriven again, when the log gives it an earlier arrival', async () => {
    const system = await openSystem()
    await system.send(wetland('a'))
    await system.learn('Wetland')
    const earlier = { ...system.time, now: () => system.time.now() - SLOT_MS }
    const early = openSqliteEventLog({ file: ':memory:', shards: 1, readClocks: steadyClocks(earlier.now) })
    await system.redrive({}, { log: { ...early, identity: system.log.identity } })
    const [record] = await early.read((await early.lanes())[0]?.name as string, START, 1)
    await early.close()
    if (!record) throw new Error('nothing was appended')
    const lane = (await system.log.lanes())[0]?.name as string
    const placed = { ...record, lane, position: toPosition(1_000) }
    await system.pipeline.speedProcess()(kinesisEvent(system.log.identity, [placed]))
    expect(await system.counted()).toBe(0)
    expect(await standings(system)).toEqual({ bad: 0, ready: 1, redriven: 1, uncertain: 0 })
  })
})

describe('a redrive of a whole record whose decoder was corrected', () => {
  const origin = { producer: 'somebody', counter: 7 }
  const entry = (sequence: number, data: Uint8Array): QuarantineEntry => ({
    lane: 'lane',
    position: toPosition(sequence),
    index: null,
    arrivalMs: NOON_MS,
    reason: 'cannot-decompress',
    detail: 'the compressed data is damaged or cut off',
    bytes: data,
  })
  const zipped = (...lines: string[]) => gzipSync([encodeRecord(origin, []).toString(), ...lines].join('\n'))
  const line = (image_id: string) => JSON.stringify(wireEvent({ image_id }))

  async function systemWith(...entries: QuarantineEntry[]): Promise<System> {
    const system = await openSystem()
    const [lane] = await system.log.lanes()
    await system.send(wireEvent({ class_name: 'River' }))
    await system.store.quarantine(entries.map(each => ({ ...each, lane: lane?.name as string })))
    return system
  }

  it('appends all of its events as one record, with its bad lines, which are then refused one by one', async () => {
    const system = await systemWith(entry(90, zipped(line('a'), 'nonsense', '', line('b'))))
    expect(await system.redrive()).toMatchObject({ redriven: 1, events: 2 })
    await system.settle()
    expect(await system.counted('Forest')).toBe(2)
    expect(await system.records()).toBe(2)
    const entries = await system.pipeline.quarantined()
    expect(entries.map(({ reason }) => reason).sort()).toEqual(['cannot-decompress', 'not-json'])
  })

  it('counts its copies once, although each has its own place', async () => {
    const data = zipped(line('a'))
    const system = await systemWith(entry(90, data), entry(91, data))
    await system.redrive()
    await system.settle()
    await system.pass(24 * HOUR_MS)
    expect(await system.redrive()).toMatchObject({ redriven: 0, redrivenBefore: 2 })
    expect(await system.counted('Forest')).toBe(1)
  })

  it('does not touch a record that is too large for the log', async () => {
    const noise = (index: number) => createHash('sha512').update(String(index)).digest('base64')
    const lines = Array.from({ length: 20_000 }, (_, index) => line(noise(index)))
    const data = zipped(...lines)
    expect(data.length).toBeGreaterThan(RECORD_BYTES_LIMIT)
    const system = await systemWith(entry(90, data))
    const { redriven, bad } = await system.redrive()
    expect({ redriven, bad }).toEqual({ redriven: 0, bad: new Map([['too-large', 1]]) })
  })
})

it('a redrive does not touch an entry whose record is larger than the log accepts now, and takes it once it fits', async () => {
  const system = await openSystem()
  await system.send(wetland('a'))
  await system.learn('Wetland')
  let bytes = 0
  const measuring: EventLog = {
    ...system.log,
    append: async ([record]) => {
      bytes = record?.data.byteLength as number
      return [{ error: 'the record has too many bytes', tooLarge: true }]
    },
  }
  expect(await system.redrive({}, { log: measuring })).toMatchObject({ unacknowledged: 1 })
  const narrow = { ...system.log, maxRecordBytes: bytes - 1 }
  expect(await system.redrive({}, { log: narrow })).toMatchObject({ redriven: 0, bad: new Map([['too-large', 1]]) })
  const justRight = { ...system.log, maxRecordBytes: bytes }
  expect(await system.redrive({}, { log: justRight })).toMatchObject({ redriven: 1, bad: new Map() })
})

it('a redrive takes an event that was written over several lines', async () => {
  const system = await openSystem()
  const [lane] = await system.log.lanes()
  const data = Buffer.from(JSON.stringify(wetland('a'), null, 2))
  await system.log.append([{ lane: lane?.name as string, data }])
  await system.settle()
  await system.learn('Wetland')
  expect(await system.redrive()).toMatchObject({ redriven: 1, events: 1 })
  await system.settle()
  expect(await system.counted()).toBe(1)
})

it('a list of the quarantine shows the number of entries, the first and last time, and a place for each reason', async () => {
  const system = await openSystem()
  await system.send(wetland('a'), wireEvent({ ndvi_mean: 7 }))
  await system.pass(HOUR_MS)
  await system.send(wetland('b'))
  const lane = (await system.log.lanes())[0]?.name as string
  const none = { bad: 0, ready: 0, redriven: 0, uncertain: 0 }
  expect(await system.list()).toEqual(
    new Map([
      [
        'unknown-class',
        {
          standings: { ...none, bad: 2 },
          firstArrivalMs: NOON_MS,
          lastArrivalMs: NOON_MS + HOUR_MS,
          example: { lane, position: toPosition(1), index: 1 },
        },
      ],
      [
        'invalid-event',
        {
          standings: { ...none, bad: 1 },
          firstArrivalMs: NOON_MS,
          lastArrivalMs: NOON_MS,
          example: { lane, position: toPosition(1), index: 2 },
        },
      ],
    ]),
  )
})

it('a detailed list of the quarantine shows the place, the reason and the beginning of each entry as safe text', async () => {
  const system = await openSystem()
  const lane = (await system.log.lanes())[0]?.name as string
  const data = Buffer.concat([Buffer.from('\u001b[31mred\u202e\r'), Buffer.from([0xff]), Buffer.alloc(500, 'x')])
  await system.log.append([{ lane, data }])
  await system.settle()
  const [entry, ...others] = await system.detailed()
  expect(others).toEqual([])
  expect(entry).toMatchObject({
    lane,
    position: toPosition(1),
    index: 0,
    reason: 'not-utf8',
    standing: 'bad',
    length: 513,
  })
  expect(entry?.beginning).toBe(`\\x1b[31mred\\xe2\\x80\\xae\\x0d\\xff${'x'.repeat(107)}`)
})
