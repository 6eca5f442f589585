import { describe, expect, it, onTestFinished } from 'vitest'
import { openDuckDbBatchQuery } from '../../functions/adapters/sql/duckdb-batch-query.ts'
import { importEvents } from '../../functions/archive/imports.ts'
import { ARCHIVE_TABLE_COLUMNS } from '../../functions/archive/table.ts'
import { runBackfill, runBatch } from '../../functions/batch/run.ts'
import { DAY_MS, HOUR_MS } from '../../functions/core/time.ts'
import type { ObjectStore } from '../../functions/ports/object-store.ts'
import { imageEvent, NOON_MS, wireEvent } from '../support/factories.ts'
import { openOneLane } from '../support/one-lane.ts'
import { BATCH_SQL } from '../support/pipeline.ts'

async function openSystem() {
  const opened = await openOneLane({ slotMs: HOUR_MS })
  const { pipeline, clock, append, archive, speed, heartbeat } = opened
  const { objects, folder, store } = pipeline
  const query = await openDuckDbBatchQuery(`${folder}/objects/archive`, ARCHIVE_TABLE_COLUMNS)
  onTestFinished(() => query.close())
  const listed: string[] = []
  const noting: ObjectStore = {
    ...objects,
    list: (prefix, after) => {
      if (prefix === 'archive/') listed.push(after ?? '')
      return objects.list(prefix, after)
    },
  }
  const lanes = pipeline.serving.lanes
  const base = { objects: noting, query, store, lanes, slotMs: HOUR_MS, sql: BATCH_SQL, now: () => clock.nowMs }
  const image = (image_id: string, timestamp = new Date(clock.nowMs).toISOString()) =>
    append(JSON.stringify(wireEvent({ image_id, timestamp, site_id: 'field-7' })))
  return {
    ...opened,
    layer: { ...base, arrivalNeverGoesBack: true as const },
    /** A log whose clock may go back. */
    ofWallClock: base,
    listed,
    image,
    async deliver(...records: ReturnType<typeof image>[]) {
      for (const to of [speed, archive]) expect((await to(records)).batchItemFailures).toEqual([])
    },
    async beat(hours: number) {
      clock.nowMs += hours * HOUR_MS
      await this.deliver(heartbeat())
    },
  }
}

describe('a backfill', () => {
  it('does nothing before the first view', async () => {
    const { layer } = await openSystem()
    expect(await runBackfill(layer, '2026-11-22', '2026-11-22')).toEqual({
      view: undefined,
      published: false,
      behind: [],
    })
  })

  it('counts its days again with files that came late, and leaves other days and imports as they are', async () => {
    const system = await openSystem()
    const { layer, clock, image, archive, pipeline, listed } = system
    await importEvents(pipeline.objects, HOUR_MS, 'some', [[imageEvent({ imageId: 'imported', siteId: 'a' })]], NOON_MS)
    const ofDays: ReturnType<typeof image>[] = []
    for (const day of [1, 2, 3]) {
      const record = image(`of day ${day}`)
      ofDays.push(record)
      await system.deliver(record)
      clock.nowMs += DAY_MS
    }
    await system.beat(2)
    const first = await runBatch(layer)
    expect(first.view?.audit).toMatchObject({ images: 4, added: 4 })
    expect(Object.keys(first.view?.parts ?? {})).toEqual(['import-2026-11', '2026-11'])
    const late = ofDays.map((record, index) => ({
      ...image(`late ${index + 1}`, new Date(record.arrivalMs).toISOString()),
      arrivalMs: record.arrivalMs,
    }))
    await archive(late)

    listed.length = 0
    const { view, published } = await runBackfill(layer, '2026-11-23', '2026-11-23')
    expect(published).toBe(true)
    expect(view?.audit).toMatchObject({ kind: 'backfill', images: 5, added: 1, slots: 1, files: 2 })
    expect(view?.cut).toBe(first.view?.cut)
    expect(view?.imports).toEqual(first.view?.imports)
    // Copies of the day's records may lie two hours before it.
    expect(listed[0]).toBe('archive/arrival_slot=2026-11-22T22-00/')
    const days = view ? await pipeline.serving.views.days(view, '0000', '9999') : []
    const counts = days.map(({ arrivalDay, history }) => `${arrivalDay}: ${history.totals.count}`)
    expect(counts.sort()).toEqual(['2025-01-01: 1', '2026-11-22: 1', '2026-11-23: 2', '2026-11-24: 1'])
    const looks = Object.values(view?.sites ?? {}).reduce((sum, part) => sum + part.looks, 0)
    expect(looks).toBe(5)
    expect((await runBackfill(layer, '2026-11-22', '2026-11-24')).view?.audit).toMatchObject({ images: 7, added: 2 })
  })
})

describe('a batch run', () => {
  it('tells how many events came after their slot was counted, until a backfill counts them', async () => {
    const system = await openSystem()
    const { layer, clock, image, archive } = system
    await system.deliver(image('a'))
    await system.beat(2)
    await runBatch(layer)
    await archive([{ ...image('late', '2026-11-22T12:00:00Z'), arrivalMs: NOON_MS }])
    const lanes = async () => {
      clock.nowMs += 1_500
      return layer.lanes()
    }
    const noticed = await runBatch({ ...layer, lanes })
    expect(noticed.view?.audit).toMatchObject({ images: 1, added: 0, missed: 1, seconds: 1.5 })
    expect((await runBatch(layer)).published).toBe(false)
    expect((await runBackfill(layer, '2026-11-22', '2026-11-22')).view?.audit).toMatchObject({ images: 2, missed: 0 })
  })

  it('counts no slot that begins two slots or more after now, where the clock of the log can be wrong', async () => {
    const { ofWallClock, clock, image, deliver } = await openSystem()
    for (const hour of [0, 1, 2, 3]) await deliver({ ...image(`${hour}`), arrivalMs: NOON_MS + hour * HOUR_MS })
    expect((await runBatch(ofWallClock)).view?.cut).toBe(NOON_MS)
    clock.nowMs += HOUR_MS - 1
    expect((await runBatch(ofWallClock)).view?.cut).toBe(NOON_MS)
    clock.nowMs += 1
    expect((await runBatch(ofWallClock)).view?.cut).toBe(NOON_MS + HOUR_MS)
  })

  it('is refused when the archive changes between the count of looks and the looks', async () => {
    const system = await openSystem()
    const { layer, image } = system
    await system.deliver(image('a'))
    await system.beat(2)
    const changing: typeof layer.query = {
      ...layer.query,
      query: async (...asked) => {
        const answer = await layer.query.query(...asked)
        const isOfLooks = asked[0].includes('image_id,') && !asked[0].includes('look_count')
        return isOfLooks ? { ...answer, rows: answer.rows.slice(1) } : answer
      },
    }
    await expect(runBatch({ ...layer, query: changing })).rejects.toThrow('0 looks were read of 1 that were counted')
    expect((await runBatch(layer)).view?.audit.images).toBe(1)
  })
})
