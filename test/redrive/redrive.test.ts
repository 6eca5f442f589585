import { describe, expect, it } from 'vitest'
import { openSqliteEventLog } from '../../functions/adapters/sqlite/event-log.ts'
import { START, toPosition } from '../../functions/core/lane.ts'
import { HOUR_MS, MINUTE_MS } from '../../functions/core/time.ts'
import { windowOf } from '../../functions/core/window.ts'
import { kinesisEvent } from '../../functions/lambda/encode-event.ts'
import type { EventLog } from '../../functions/ports/event-log.ts'
import type { SpeedStore } from '../../functions/ports/speed-store.ts'
import { steadyClocks } from '../support/clocks.ts'
import { NOON_MS, wireEvent } from '../support/factories.ts'

import { LAST_ATTEMPT_MS, openSystem, SLOT_MS, standings, TAKEN, wetland } from './system.ts'

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
  ] as const)(
    'continues within the retry limit where another redrive was cut off: %s',
    async ([, port, method, isDone]) => {
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
    },
  )

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
