import { describe, expect, it, onTestFinished } from 'vitest'
import { openSqliteEventLog } from '../../functions/adapters/sqlite/event-log.ts'
import type { WireEvent } from '../../functions/core/event.ts'
import { START } from '../../functions/core/lane.ts'
import { MINUTE_MS } from '../../functions/core/time.ts'
import { publishScene, type SceneEvents } from '../../functions/images/output/publish.ts'
import { kinesisEvent } from '../../functions/lambda/encode-event.ts'
import type { EventLog } from '../../functions/ports/event-log.ts'
import type { ObjectStore } from '../../functions/ports/object-store.ts'
import { virtualTime } from '../ingest/virtual-time.ts'
import { steadyClocks } from '../support/clocks.ts'
import { CLASSES, NOON_MS, wireEvent } from '../support/factories.ts'
import { openPipeline } from '../support/pipeline.ts'

const SLOT_MS = 10 * MINUTE_MS
const LAST_ATTEMPT_MS = 29 * MINUTE_MS

/** A scene with an event of each of these sites. */
function sceneOf(sites: readonly string[], processingVersion: string | null = '05.09'): SceneEvents {
  const identity = 'sentinel-2a_20261122T115500Z_MGRS-29RKH'
  const events = sites.map((site_id): WireEvent => wireEvent({ image_id: `${identity}/${site_id}`, site_id }))
  return { identity, processingVersion, events }
}

/** The speed layer on a real log and store, with a time that the test sets. */
async function openSystem() {
  const virtual = virtualTime()
  const time = { ...virtual, now: () => NOON_MS + virtual.now() }
  const log = openSqliteEventLog({ file: ':memory:', shards: 2, readClocks: steadyClocks(time.now) })
  const pipeline = await openPipeline({
    streamIdentity: log.identity,
    slotMs: SLOT_MS,
    lanes: () => log.lanes(),
    now: time.now,
    classes: new Map(CLASSES),
  })
  onTestFinished(async () => {
    await pipeline.close()
    await log.close()
  })
  const speed = pipeline.speedProcess()
  const { objects } = pipeline
  return {
    log,
    objects,
    pass: (ms: number) => virtual.run(virtual.sleep(ms)),
    publish: (scene: SceneEvents, ports: { log?: EventLog; objects?: ObjectStore; signal?: AbortSignal } = {}) =>
      publishScene({ log, objects, time, ...ports }, scene),
    /** Number of events that the speed layer counts, of everything on the log. */
    async counted(): Promise<number> {
      for (const { name } of await log.lanes()) {
        const records = await log.read(name, START, 100_000)
        if (records.length > 0) await speed(kinesisEvent(log.identity, records))
      }
      return [...(await pipeline.speedTotals()).values()].reduce((sum, { count }) => sum + count, 0)
    },
  }
}

type System = Awaited<ReturnType<typeof openSystem>>

/**
 * Ports of a process that is killed at its n-th write, which is done or not. It does nothing afterwards.
 *
 * @returns the ports, and whether it was killed
 */
function killedAt(write: number, isDone: boolean, { log, objects }: Pick<System, 'log' | 'objects'>) {
  const killed = new AbortController()
  let writes = 0
  const guarded =
    <Arguments extends unknown[], Result>(isWrite: boolean, call: (...all: Arguments) => Promise<Result>) =>
    async (...all: Arguments): Promise<Result> => {
      const isLast = isWrite && ++writes === write
      if (isLast && isDone && !killed.signal.aborted) await call(...all)
      if (isLast) killed.abort()
      if (killed.signal.aborted) throw new Error('the process was killed')
      return call(...all)
    }
  return {
    isKilled: () => killed.signal.aborted,
    ports: {
      signal: killed.signal,
      log: { ...log, append: guarded(true, records => log.append(records)) } satisfies EventLog,
      objects: {
        ...objects,
        get: guarded(false, key => objects.get(key)),
        put: guarded(true, (key, bytes) => objects.put(key, bytes)),
        putIfAbsent: guarded(true, (key, bytes) => objects.putIfAbsent(key, bytes)),
      } satisfies ObjectStore,
    },
  }
}

const MANY = Array.from({ length: 1_200 }, (_, at) => `field-${at}`)

describe('the events of a scene count once', () => {
  it('when it is published twice, even a month later', async () => {
    const system = await openSystem()
    expect(await system.publish(sceneOf(['a', 'b']))).toMatchObject({ published: 2, known: 0 })
    expect(await system.publish(sceneOf(['a', 'b']))).toMatchObject({ published: 0, known: 2 })
    await system.pass(30 * 24 * 60 * MINUTE_MS)
    expect(await system.publish(sceneOf(['a', 'b']))).toMatchObject({ published: 0, known: 2 })
    expect(await system.counted()).toBe(2)
  })

  it.each([false, true])('when a process is killed at each of its writes, which is done: %s', async isDone => {
    for (let write = 1; ; write++) {
      const system = await openSystem()
      const { ports, isKilled } = killedAt(write, isDone, system)
      const first = await system.publish(sceneOf(MANY), ports).catch(() => null)
      if (!isKilled()) {
        // The publication, its claim, three records, and the mark.
        expect(write).toBe(7)
        expect(first).toMatchObject({ published: 1_200 })
        return
      }
      const second = await system.publish(sceneOf(MANY))
      expect(second).toMatchObject({ unacknowledged: 0, uncertain: 0 })
      expect(second.published + second.known).toBe(1_200)
      expect(await system.counted()).toBe(1_200)
    }
  })

  it('when processes publish it at the same time, with sites that overlap', async () => {
    const system = await openSystem()
    const all = await Promise.all(
      [
        ['a', 'b'],
        ['a', 'b'],
        ['b', 'c'],
      ].map(sites => system.publish(sceneOf(sites))),
    )
    expect(all.every(({ unacknowledged, uncertain }) => unacknowledged + uncertain === 0)).toBe(true)
    expect(await system.counted()).toBe(3)
  })

  it('when a site is added', async () => {
    const system = await openSystem()
    await system.publish(sceneOf(['a', 'b']))
    expect(await system.publish(sceneOf(['a', 'b', 'c']))).toMatchObject({ published: 1, known: 2 })
    expect(await system.counted()).toBe(3)
  })

  it('when a newer processing version comes: the first stays, and this is reported', async () => {
    const system = await openSystem()
    const { ports } = killedAt(4, true, system)
    await system.publish(sceneOf(MANY, '05.09'), ports).catch(() => null)
    const newer = await system.publish(sceneOf([...MANY, 'another'], '05.11'))
    expect(newer).toMatchObject({ published: 1_200, otherVersion: { version: '05.09' } })
    expect(await system.publish(sceneOf(MANY, null))).toMatchObject({ known: 1_200, published: 0 })
    expect(await system.counted()).toBe(1_200)
  })

  it('when it is too late to find out whether the log has the events: they are not sent again', async () => {
    const system = await openSystem()
    await system.publish(sceneOf(['a']), killedAt(3, true, system).ports).catch(() => null)
    await system.pass(LAST_ATTEMPT_MS + 1)
    expect(await system.publish(sceneOf(['a', 'b']))).toMatchObject({ published: 1, uncertain: 1 })
    expect(await system.counted()).toBe(2)
  })
})
