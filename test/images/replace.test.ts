import { describe, expect, it, onTestFinished } from 'vitest'
import { openSqliteEventLog } from '../../functions/adapters/sqlite/event-log.ts'
import { importEvents, readImports, withdrawImport } from '../../functions/archive/imports.ts'
import type { WireEvent } from '../../functions/core/event.ts'
import { type Lane, type Position, START } from '../../functions/core/lane.ts'
import { encodeHeartbeat } from '../../functions/core/record.ts'
import { HOUR_MS, MINUTE_MS } from '../../functions/core/time.ts'
import { publishScene, type SceneEvents } from '../../functions/images/output/publish.ts'
import { kinesisEvent } from '../../functions/lambda/encode-event.ts'
import type { EventLog } from '../../functions/ports/event-log.ts'
import type { ObjectStore } from '../../functions/ports/object-store.ts'
import { virtualTime } from '../ingest/virtual-time.ts'
import { steadyClocks } from '../support/clocks.ts'
import { NOON_MS, wireEvent } from '../support/factories.ts'
import { openPipeline } from '../support/pipeline.ts'

const SLOT_MS = 10 * MINUTE_MS
const IDENTITY = 'sentinel-2a_20261122T115500Z_MGRS-29RKH'

/** Events of the scene at these sites, all with one NDVI. */
function sceneOf(
  processingVersion: string | null,
  ndvi: number,
  sites: readonly string[],
  className = 'Forest',
): SceneEvents {
  const events = sites.map(
    (site_id): WireEvent =>
      wireEvent({ image_id: `${IDENTITY}/${site_id}`, site_id, class_name: className, ndvi_mean: ndvi }),
  )
  return { identity: IDENTITY, processingVersion, events }
}

/** Log, speed layer, archive and batch layer, with a time that the test sets. */
async function openSystem() {
  const virtual = virtualTime()
  const time = { ...virtual, now: () => NOON_MS + virtual.now() }
  const log = openSqliteEventLog({ file: ':memory:', shards: 1, readClocks: steadyClocks(time.now) })
  const pipeline = await openPipeline({
    streamIdentity: log.identity,
    slotMs: SLOT_MS,
    lanes: () => log.lanes(),
    now: time.now,
  })
  onTestFinished(async () => {
    await pipeline.close()
    await log.close()
  })
  const [speed, archive] = [pipeline.speedProcess(), pipeline.archiveProcess()]
  let position: Position = START
  const deliver = async () => {
    const [{ name }] = (await log.lanes()) as [Lane]
    const records = await log.read(name, position, 100_000)
    if (records.length === 0) return
    position = (records.at(-1) as (typeof records)[number]).position
    for (const layer of [speed, archive]) {
      expect((await layer(kinesisEvent(log.identity, records))).batchItemFailures).toEqual([])
    }
  }
  return {
    pipeline,
    log,
    time,
    publish: (scene: SceneEvents, isReplacing = true, ports: { objects?: ObjectStore; log?: EventLog } = {}) =>
      publishScene({ log, objects: pipeline.objects, time, ...ports }, scene, {
        ...(isReplacing && { replace: { slotMs: SLOT_MS, importEvents } }),
      }),
    /** Lets time pass, with a heartbeat at its end, and runs the batch layer. */
    async passTo(ms: number) {
      await deliver()
      await virtual.run(virtual.sleep(ms))
      const [{ name }] = (await log.lanes()) as [Lane]
      await log.append([{ lane: name, data: encodeHeartbeat(time.now()) }])
      await deliver()
      await pipeline.runBatch()
    },
    /** What the API counts, view and speed rows joined: images and mean NDVI by class. */
    async counted() {
      await deliver()
      return (await pipeline.joined()).map(row => [row.class_name, row.count, row.ndvi_avg])
    },
  }
}

const HOURS_3 = 3 * HOUR_MS

describe('a newer processing version that replaces a scene', () => {
  it('counts from the next view on, and never beside the first', async () => {
    const system = await openSystem()
    await system.publish(sceneOf('05.09', 0.2, ['a', 'b']))
    expect(await system.publish(sceneOf('05.11', 0.6, ['a', 'b']))).toMatchObject({ replaced: 2, known: 2 })
    // No view counts the first version yet: it stays, alone.
    for (const minutes of [1, 12, 12, 12]) {
      const before = await system.counted()
      expect(before).toSatisfy((rows: unknown[]) =>
        [0.2, 0.6].some(ndvi => JSON.stringify(rows) === JSON.stringify([['Forest', 2, ndvi]])),
      )
      await system.passTo(minutes * MINUTE_MS)
    }
    await system.passTo(HOURS_3)
    await system.passTo(SLOT_MS)
    expect(await system.counted()).toEqual([['Forest', 2, 0.6]])
  })

  it('leaves other images of its day and sites that it does not have', async () => {
    const system = await openSystem()
    await system.publish(sceneOf('05.09', 0.2, ['a', 'b']))
    const other = { ...sceneOf('05.09', 0.4, ['z']), identity: 'another' }
    await system.publish({ ...other, events: other.events.map(event => ({ ...event, image_id: 'another/z' })) })
    await system.passTo(HOURS_3)
    await system.publish(sceneOf('05.11', 0.6, ['b', 'c']))
    await system.passTo(HOURS_3)
    await system.passTo(SLOT_MS)
    // a of the first, b and c of the newer version, and the other scene.
    expect(await system.counted()).toEqual([['Forest', 4, 0.45]])
  })

  it('counts a site in its new class only', async () => {
    const system = await openSystem()
    await system.publish(sceneOf('05.09', 0.2, ['a']))
    await system.passTo(HOURS_3)
    await system.publish(sceneOf('05.11', 0.6, ['a'], 'Pasture'))
    await system.passTo(HOURS_3)
    await system.passTo(SLOT_MS)
    expect(await system.counted()).toEqual([['Pasture', 1, 0.6]])
  })

  it('is published once, and the version before it is told that another stays', async () => {
    const system = await openSystem()
    await system.publish(sceneOf('05.09', 0.2, ['a']))
    await system.passTo(HOURS_3)
    await system.publish(sceneOf('05.11', 0.6, ['a']))
    expect(await system.publish(sceneOf('05.11', 0.6, ['a']))).toMatchObject({ replaced: 0, otherVersion: null })
    const stays = { replaced: 0, published: 0, otherVersion: { version: '05.11' } }
    expect(await system.publish(sceneOf('05.09', 0.2, ['a']))).toMatchObject(stays)
    expect(await system.publish(sceneOf(null, 0.2, ['a']))).toMatchObject(stays)
    expect(await readImports(system.pipeline.objects)).toHaveLength(1)
    // Of two versions that replace, the latest counts. A site that is added to it goes to the log.
    expect(await system.publish(sceneOf('05.20', 0.8, ['a']))).toMatchObject({ replaced: 1 })
    expect(await system.publish(sceneOf('05.20', 0.8, ['a', 'b']), false)).toMatchObject({ published: 1 })
    await system.passTo(HOURS_3)
    await system.passTo(SLOT_MS)
    expect(await system.counted()).toEqual([['Forest', 2, 0.8]])
  })

  it('counts once if the process is killed at any of its writes', async () => {
    for (let write = 1; ; write++) {
      const system = await openSystem()
      await system.publish(sceneOf('05.09', 0.2, ['a']))
      await system.passTo(HOURS_3)
      const { objects } = system.pipeline
      let writes = 0
      const guarded =
        <Result>(call: (key: string, bytes: Uint8Array) => Promise<Result>) =>
        async (key: string, bytes: Uint8Array) => {
          if (++writes >= write) throw new Error('the process was killed')
          return call(key, bytes)
        }
      const ports = { objects: { ...objects, put: guarded(objects.put), putIfAbsent: guarded(objects.putIfAbsent) } }
      const isWhole = await system.publish(sceneOf('05.11', 0.6, ['a']), true, ports).then(
        () => true,
        () => false,
      )
      await system.publish(sceneOf('05.11', 0.6, ['a']))
      await system.passTo(HOURS_3)
      await system.passTo(SLOT_MS)
      expect(await system.counted(), `killed at write ${write}`).toEqual([['Forest', 1, 0.6]])
      if (!isWhole) continue
      // The publication, the file of the import, its mark, and the publication's mark.
      expect(write).toBe(5)
      return
    }
  })

  it('can be undone: then the first version counts again', async () => {
    const system = await openSystem()
    await system.publish(sceneOf('05.09', 0.2, ['a']))
    await system.passTo(HOURS_3)
    await system.publish(sceneOf('05.11', 0.6, ['a']))
    await system.passTo(SLOT_MS)
    await system.passTo(SLOT_MS)
    expect(await system.counted()).toEqual([['Forest', 1, 0.6]])
    const { objects } = system.pipeline
    const [record] = await readImports(objects)
    const remove = await withdrawImport(objects, SLOT_MS, record?.lane as string)
    await system.pipeline.runBatch()
    await remove()
    expect(await system.counted()).toEqual([['Forest', 1, 0.2]])
  })
})
