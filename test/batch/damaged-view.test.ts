import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { importEvents } from '../../functions/archive/imports.ts'
import {
  type DamagedObjectError,
  decodeView,
  encodeView,
  pruneViews,
  publishView,
  READERS_MS,
  type View,
  viewKey,
} from '../../functions/batch/view.ts'
import { viewReader } from '../../functions/batch/view-reader.ts'
import { decodeEvent } from '../../functions/core/event.ts'
import { DAY_MS, formatTimestamp, HOUR_MS } from '../../functions/core/time.ts'
import type { ObjectStore } from '../../functions/ports/object-store.ts'
import { batchClassStats, batchDays } from '../../functions/serving/batch-answers.ts'
import { health } from '../../functions/serving/health.ts'
import { Health } from '../../functions/serving/schemas.ts'
import { emptyView, NOON_MS, wireEvent } from '../support/factories.ts'
import { type AtRest, openOneLane } from '../support/one-lane.ts'

type Damage = [how: string, damage: (bytes: Buffer) => Buffer | null]

const DAMAGES: Damage[] = [
  ['empty', () => Buffer.alloc(0)],
  ['cut off', bytes => bytes.subarray(0, bytes.length - 1)],
  ['of zeros', bytes => Buffer.alloc(bytes.length)],
  [
    'different in one bit',
    bytes => {
      const changed = Buffer.from(bytes)
      const middle = changed.length >> 1
      changed[middle] = (changed[middle] as number) ^ 1
      return changed
    },
  ],
]
const DELETED: Damage = ['gone', () => null]

async function damage(objects: ObjectStore, key: string, how: Damage[1]): Promise<void> {
  const bytes = how(Buffer.from((await objects.get(key)) as Uint8Array))
  if (bytes) await objects.put(key, bytes)
  else await objects.delete(key)
}

const folder = mkdtempSync(join(tmpdir(), 'landcover-three-views-'))
afterAll(() => rmSync(folder, { recursive: true }))
/** The system below, which the first test that needs it makes for all. */
let threeViews: AtRest | undefined

/** A system with three views, which count 1, 2 and 3 images, each an hour more; a fourth image is in no view. */
async function openThreeViews() {
  threeViews ??= await makeThreeViews()
  const opened = await openOneLane({ slotMs: HOUR_MS, copyOf: threeViews })
  const { pipeline } = opened
  const newest = (await viewReader(pipeline.objects).current()) as View
  expect(newest).toMatchObject({ revision: 3, audit: { images: 3 } })
  /** Readers that have read nothing yet. */
  const fresh = () => ({ ...pipeline.serving, views: viewReader(pipeline.objects) })
  const images = async () => {
    const [joined] = await pipeline.joined()
    return joined?.count
  }
  return { ...opened, run: () => runBatch(opened), newest, fresh, images }
}

async function makeThreeViews(): Promise<AtRest> {
  const opened = await openOneLane({ slotMs: HOUR_MS })
  const { clock, append, speed, archive } = opened
  const arrive = async () => {
    const image = wireEvent({ image_id: `at ${clock.nowMs}`, timestamp: formatTimestamp(clock.nowMs) })
    const records = [append(JSON.stringify(image))]
    await speed(records)
    await archive(records)
  }
  await arrive()
  clock.nowMs += HOUR_MS
  for (let view = 1; view <= 3; view++) {
    await arrive()
    clock.nowMs += HOUR_MS
    expect((await runBatch(opened)).view?.audit.images).toBe(view)
  }
  return opened.copyTo(folder)
}

/** Runs the batch layer after the archive has seen that the lane moves. */
async function runBatch({ heartbeat, speed, archive, pipeline }: Awaited<ReturnType<typeof openOneLane>>) {
  const beat = [heartbeat()]
  await speed(beat)
  await archive(beat)
  return pipeline.runBatch()
}

describe('when the newest view is damaged', () => {
  it.each([
    ...DAMAGES.map(each => ['the view', ...each] as const),
    ...[...DAMAGES, DELETED].map(each => ['its file of all time', ...each] as const),
  ])('(%s: %s), the view before it is used, and the next run continues from there', async (file, _, how) => {
    const { pipeline, clock, run, newest, fresh } = await openThreeViews()
    const key = file === 'the view' ? viewKey(3) : newest.classesKey
    await damage(pipeline.objects, key, how)

    const serving = fresh()
    pipeline.serving.views = serving.views
    expect(await pipeline.joined()).toMatchObject([{ class_name: 'Forest', count: 4 }])
    expect(await batchClassStats(serving)).toMatchObject([{ count: 2 }])
    const said = Health.parse(await health(serving))
    expect(said).toMatchObject({ status: 'degraded', batch: { revision: 2, images: 2 } })
    expect(said.reasons).toEqual([expect.stringContaining(key)])
    expect(said.reasons[0]).toContain('batch view 2')

    clock.nowMs += HOUR_MS
    const { view, published } = await run()
    expect(published).toBe(true)
    expect(view).toMatchObject({ revision: 4, audit: { images: 4, added: 2 } })
    expect(view?.cut).toBe(newest.cut + HOUR_MS)
    for (const reader of [serving, fresh()]) {
      expect(await batchClassStats(reader)).toMatchObject([{ count: 4 }])
      expect(Health.parse(await health(reader))).toMatchObject({ status: 'ok', batch: { revision: 4 } })
    }
  })

  it('a run that has nothing to add finds it', async () => {
    const { pipeline, newest } = await openThreeViews()
    await pipeline.objects.delete(newest.classesKey)
    expect(await pipeline.runBatch()).toMatchObject({ published: true, view: { revision: 4, audit: { images: 3 } } })
    expect(await pipeline.runBatch()).toMatchObject({ published: false, view: { revision: 4 } })
  })

  it('a reader that has read it before loses nothing, and never goes back', async () => {
    const { pipeline, run, clock } = await openThreeViews()
    const { serving } = pipeline
    expect(await batchClassStats(serving)).toMatchObject([{ count: 3 }])
    await damage(pipeline.objects, viewKey(3), () => Buffer.alloc(0))
    expect(await batchClassStats(serving)).toMatchObject([{ count: 3 }])
    clock.nowMs += HOUR_MS
    await run()
    expect(await batchClassStats(serving)).toMatchObject([{ count: 4 }])
  })

  it.each(DAMAGES)(
    '(%s) and the only one is a problem that names it, until the archive is counted again',
    async (_, how) => {
      const { pipeline, clock, append, heartbeat, speed, archive } = await openOneLane({ slotMs: HOUR_MS })
      const rows = ['a', 'b'].map(image_id => decodeEvent(wireEvent({ image_id }), NOON_MS))
      await importEvents(pipeline.objects, HOUR_MS, 'some', [rows], NOON_MS)
      await pipeline.runBatch()
      await damage(pipeline.objects, viewKey(1), how)
      const serving = { ...pipeline.serving, views: viewReader(pipeline.objects) }
      await expect(batchClassStats(serving)).rejects.toThrow(viewKey(1))
      expect((await health(serving)).reasons).toEqual([expect.stringContaining(viewKey(1))])
      const records = [append(JSON.stringify(wireEvent({ image_id: 'c' })))]
      clock.nowMs += 2 * HOUR_MS
      records.push(heartbeat())
      await speed(records)
      await archive(records)
      expect(await pipeline.runBatch()).toMatchObject({ published: true, view: { revision: 2, audit: { images: 3 } } })
      expect(await batchClassStats(serving)).toMatchObject([{ count: 3 }])
      expect((await health(serving)).reasons).toEqual([])
    },
  )
})

describe('a damaged part of a view', () => {
  const DAYS = { from: '2026-11-22', to: '2026-11-22' }
  const daysOf = async (serving: Parameters<typeof batchDays>[0]) => (await batchDays(serving, DAYS)).rows

  it.each([...DAMAGES, DELETED])(
    '(%s): answers that need it use the view before, and the next run continues',
    async (_, how) => {
      const { pipeline, clock, run, newest, fresh } = await openThreeViews()
      const key = Object.values(newest.parts)[0]?.key as string
      await damage(pipeline.objects, key, how)
      const serving = fresh()
      expect(await daysOf(serving)).toMatchObject([{ count: 2 }])
      expect(await batchClassStats(serving)).toMatchObject([{ count: 3 }])
      expect((await health(serving)).reasons).toEqual([expect.stringContaining(key)])
      clock.nowMs += HOUR_MS
      expect(await run()).toMatchObject({ published: true, view: { revision: 4, audit: { images: 4 } } })
      expect(await daysOf(serving)).toMatchObject([{ count: 4 }])
      expect((await health(serving)).reasons).toEqual([])
    },
  )

  it('that is not damaged but belongs to another view is found by its checksum', async () => {
    const { pipeline, newest, fresh } = await openThreeViews()
    const { objects } = pipeline
    const older = decodeView(viewKey(2), (await objects.get(viewKey(2))) as Uint8Array)
    const [key, otherKey] = [newest, older].map(({ parts }) => Object.values(parts)[0]?.key) as [string, string]
    expect(otherKey).not.toBe(key)
    await objects.put(key, (await objects.get(otherKey)) as Uint8Array)
    const serving = fresh()
    expect(await daysOf(serving)).toMatchObject([{ count: 2 }])
    expect((await health(serving)).reasons).toEqual([expect.stringContaining('does not match its checksum')])
  })

  it('is no longer reported after it was restored and read', async () => {
    const { pipeline, newest, fresh } = await openThreeViews()
    const key = Object.values(newest.parts)[0]?.key as string
    const bytes = (await pipeline.objects.get(key)) as Uint8Array
    await pipeline.objects.delete(key)
    const serving = fresh()
    await daysOf(serving)
    await pipeline.objects.put(key, bytes)
    expect(await daysOf(serving)).toMatchObject([{ count: 3 }])
    expect((await health(serving)).reasons).toEqual([])
  })

  it('that every view needs is reported as a problem with its name', async () => {
    const { pipeline } = await openOneLane({ slotMs: HOUR_MS })
    const part = { key: 'history/shared.parquet', firstDay: DAYS.from, lastDay: DAYS.to, images: 1 }
    for (const revision of [1, 2])
      await publishView(pipeline.objects, emptyView({ revision, parts: { '2026-11': part } }))
    await expect(daysOf(pipeline.serving)).rejects.toThrow('history/shared.parquet')
  })

  it('is not replaced by a view whose later arrivals may have expired', async () => {
    for (const [days, count] of [
      [27, 1],
      [27 + 1 / 24, undefined],
    ] as const) {
      const { pipeline } = await openThreeViews()
      const whole = (await viewReader(pipeline.objects).current()) as View
      const publishedAt = formatTimestamp(Date.parse(whole.publishedAt) + days * DAY_MS)
      const lost = { lost: { key: 'history/lost.parquet', firstDay: DAYS.from, lastDay: DAYS.to, images: 1 } }
      await publishView(pipeline.objects, { ...whole, revision: 4, publishedAt, parts: lost })
      const asked = daysOf(pipeline.serving)
      if (count === undefined) await expect(asked).rejects.toThrow('history/lost.parquet')
      else expect(await asked).toHaveLength(1)
    }
  })
})

describe('the files of a view', () => {
  it('stay while a later view uses them, even if a view in between did not', async () => {
    const { pipeline } = await openOneLane({ slotMs: HOUR_MS })
    const { objects } = pipeline
    const part = (key: string) => ({ m: { key, firstDay: '2026-11-22', lastDay: '2026-11-22', images: 0 } })
    const publish = async (revision: number, key: string) => {
      await objects.put(key, Buffer.from('rows'))
      const publishedAt = formatTimestamp(NOON_MS + revision * READERS_MS)
      const view = emptyView({ revision, publishedAt, classesKey: `classes-${revision}`, parts: part(key) })
      await objects.put(view.classesKey, Buffer.from('rows'))
      await publishView(objects, view)
      // A damaged view names no files, and stops nothing.
      if (revision % 45 === 5) await objects.put(viewKey(revision), Buffer.alloc(0))
      await pruneViews(objects, view)
    }
    await publish(1, 'history/a')
    await publish(2, 'history/b')
    await publish(3, 'history/a')
    for (let revision = 4; revision <= 111; revision++) await publish(revision, 'history/c')
    // Ten of the first eleven were deleted.
    expect(await objects.get(viewKey(10))).toBeUndefined()
    expect(await objects.get(viewKey(11))).toBeDefined()
    expect(await objects.get('history/a')).toBeUndefined()
    expect(await objects.get('history/b')).toBeUndefined()
    expect(await objects.get('history/c')).toBeDefined()
    expect(await objects.get('classes-10')).toBeUndefined()
    expect(await objects.get('classes-11')).toBeDefined()
  })
})

describe('a view as bytes', () => {
  const view = emptyView({ revision: 7, cut: NOON_MS })
  const key = viewKey(7)
  const refusal = (bytes: Uint8Array, of = key) => {
    try {
      decodeView(of, bytes)
      return undefined
    } catch (error) {
      return (error as DamagedObjectError).key
    }
  }

  it('contains what was written', () => {
    expect(decodeView(key, encodeView(view))).toEqual(view)
  })

  it('is refused when any single character was changed', () => {
    const bytes = Buffer.from(encodeView(view))
    const taken: number[] = []
    for (let at = 0; at < bytes.length; at++) {
      const changed = Buffer.from(bytes)
      changed[at] = changed[at] === 0x33 ? 0x34 : 0x33
      if (refusal(changed) === undefined) taken.push(at)
    }
    // Except for white space between values, which has no meaning.
    expect(taken.filter(at => /\S/.test(String.fromCharCode(bytes[at] as number)))).toEqual([])
  })

  it('is refused under the revision number of another view', () => {
    expect(refusal(encodeView(view), viewKey(8))).toBe(viewKey(8))
  })

  it('without a checksum, from an older version, is accepted, but not with a renamed field', () => {
    const bytes = Buffer.from(JSON.stringify(view))
    expect(decodeView(key, bytes)).toEqual(view)
    expect(refusal(Buffer.from(bytes.toString().replace('"watched"', '"wbtched"')))).toBe(key)
    expect(refusal(Buffer.from('null'))).toBe(key)
    expect(refusal(Buffer.from(JSON.stringify({ ...view, chedksum: 'x' })))).toBe(key)
  })
})
