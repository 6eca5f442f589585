import { describe, expect, it, onTestFinished } from 'vitest'
import { importEvents } from '../../functions/batch/imports.ts'
import { decodeEvent, type ImageEvent } from '../../functions/core/event.ts'
import { HOUR_MS } from '../../functions/core/time.ts'
import type { ObjectStore } from '../../functions/ports/object-store.ts'
import { someEvents } from '../support/events-csv.ts'
import { NOON_MS } from '../support/factories.ts'
import { openPipeline, perClass, withoutLateness } from '../support/pipeline.ts'
import { byClass, recount } from '../support/recount.ts'

const EVENTS = someEvents(40)
const ROWS = EVENTS.map(event => decodeEvent(event, NOON_MS))

async function open() {
  const pipeline = await openPipeline({
    streamIdentity: 'stream',
    slotMs: HOUR_MS,
    lanes: async () => [],
    now: () => NOON_MS,
  })
  onTestFinished(() => pipeline.close())
  return {
    pipeline,
    put: (rows: Iterable<ImageEvent | null>, objects: ObjectStore = pipeline.objects) =>
      importEvents(objects, HOUR_MS, 'some', rows, NOON_MS),
    async counted() {
      await pipeline.runBatch()
      return withoutLateness(perClass(await pipeline.batchTotals()))
    },
  }
}

describe('an import', () => {
  it('is counted once, and left as it is when it comes again', async () => {
    const { put, counted } = await open()
    expect(await put(ROWS)).toBe(40)
    expect(await put(ROWS)).toBe(null)
    expect(await counted()).toEqual(recount(EVENTS, byClass))
    expect(await put(ROWS)).toBe(null)
    expect(await counted()).toEqual(recount(EVENTS, byClass))
  })

  it('is not there before it is whole; done again, other rows may be good by then', async () => {
    const { pipeline, put, counted } = await open()
    const failing = { ...pipeline.objects, putIfAbsent: () => Promise.reject(new Error('the disk is full')) }
    const fewer = ROWS.map((row, index) => (index % 3 === 0 ? null : row))
    await expect(put(fewer, failing)).rejects.toThrow('the disk is full')
    expect(await counted()).toEqual(new Map())
    expect(await put(ROWS)).toBe(40)
    expect(await counted()).toEqual(recount(EVENTS, byClass))
  })

  it('leaves no trace where no row is good', async () => {
    const { pipeline, put, counted } = await open()
    expect(await put([null, null])).toBe(0)
    expect(await Array.fromAsync(pipeline.objects.list(''))).toEqual([])
    expect(await put(ROWS)).toBe(40)
    expect(await counted()).toEqual(recount(EVENTS, byClass))
  })

  it('is given up when another process has finished the same meanwhile', async () => {
    const { pipeline, put, counted } = await open()
    async function* slowly() {
      yield* ROWS.slice(0, 20)
      expect(await put(ROWS)).toBe(40)
      yield* ROWS.slice(20)
    }
    expect(await importEvents(pipeline.objects, HOUR_MS, 'some', slowly(), NOON_MS)).toBe(null)
    expect(await counted()).toEqual(recount(EVENTS, byClass))
  })
})
