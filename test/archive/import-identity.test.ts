import { describe, expect, it } from 'vitest'
import { importEvents, laneOfImport, readImports, withdrawImport } from '../../functions/archive/imports.ts'
import { decodeEvent, type WireEvent } from '../../functions/core/event.ts'
import { HOUR_MS, MINUTE_MS } from '../../functions/core/time.ts'
import { someEvents } from '../support/events-csv.ts'
import { NOON_MS } from '../support/factories.ts'
import { openImportPipeline } from '../support/imported.ts'
import { byClass, recount } from '../support/recount.ts'

const EVENTS = someEvents(60)

async function open() {
  const { pipeline, counted } = await openImportPipeline()
  let imports = 0
  return {
    pipeline,
    /** Imports events, a minute after the import before. */
    put: (name: string, events: readonly WireEvent[], isReplacing = false) => {
      const rows = events.map(event => decodeEvent(event, NOON_MS))
      const importedMs = NOON_MS + imports++ * MINUTE_MS
      return importEvents(pipeline.objects, HOUR_MS, name, [rows], importedMs, { isReplacing, source: `${name}.csv` })
    },
    async undo(name: string) {
      const remove = await withdrawImport(pipeline.objects, HOUR_MS, laneOfImport(name))
      await pipeline.runBatch()
      await remove()
    },
    counted,
  }
}

const counts = (events: readonly WireEvent[]) => recount(events, byClass)

/** The same images with other values. */
const corrected = (events: readonly WireEvent[]) => events.map(event => ({ ...event, ndvi_mean: event.ndvi_mean / 2 }))

describe('an image counts once, even if several imports have it', () => {
  it.each([
    ['counted one by one', true],
    ['counted at once', false],
  ])('%s', async (_, isOneByOne) => {
    const { put, counted } = await open()
    await put('zz-june', EVENTS.slice(0, 40))
    if (isOneByOne) expect(await counted()).toEqual(counts(EVENTS.slice(0, 40)))
    await put('aa-july', [...corrected(EVENTS.slice(0, 40)), ...EVENTS.slice(40)])
    expect(await counted()).toEqual(counts(EVENTS))
  })

  it('also when one import has it twice: the first row counts', async () => {
    const { put, counted } = await open()
    await put('june', [...EVENTS, ...corrected(EVENTS)])
    expect(await counted()).toEqual(counts(EVENTS))
  })

  it.each<[string, (event: WireEvent) => WireEvent]>([
    ['class', event => ({ ...event, class_name: 'Other' })],
    ['id', event => ({ ...event, image_id: `${event.image_id}-b` })],
    ['time', event => ({ ...event, timestamp: new Date(Date.parse(event.timestamp) + 1).toISOString() })],
  ])('but one with another %s is another image', async (_, change) => {
    const { put, counted } = await open()
    const others = EVENTS.map(change)
    await put('june', EVENTS)
    await put('july', others)
    expect(await counted()).toEqual(counts([...EVENTS, ...others]))
  })
})

describe('an import that replaces', () => {
  it('counts instead of the others; the latest import that replaces wins, even over later imports', async () => {
    const { put, counted } = await open()
    const second = corrected(EVENTS.slice(0, 30))
    const third = corrected(second.slice(0, 10))
    await put('first', EVENTS)
    await put('second', second, true)
    expect(await counted()).toEqual(counts([...second, ...EVENTS.slice(30)]))
    await put('third', third, true)
    await put('fourth', EVENTS.slice(0, 5))
    expect(await counted()).toEqual(counts([...third, ...second.slice(10), ...EVENTS.slice(30)]))
  })
})

describe('an import that is undone', () => {
  it('no longer counts, and images that other imports have count from those', async () => {
    const { pipeline, put, undo, counted } = await open()
    await put('june', EVENTS.slice(0, 40))
    await put('july', corrected(EVENTS.slice(20)))
    expect(await counted()).toEqual(counts([...EVENTS.slice(0, 40), ...corrected(EVENTS.slice(40))]))
    await undo('june')
    expect(await counted()).toEqual(counts(corrected(EVENTS.slice(20))))
    expect((await readImports(pipeline.objects)).map(({ source }) => source)).toEqual(['july.csv'])
    const [key] = (await Array.fromAsync(pipeline.objects.list('imports/'))) as [string]
    const failing = { ...pipeline.objects, delete: async () => Promise.reject(new Error('no answer')) }
    const lane = key.slice('imports/'.length, -'.json'.length)
    await expect(withdrawImport(failing, HOUR_MS, lane)).rejects.toThrow('no answer')
    await pipeline.objects.put(key, Buffer.from('{"lane":'))
    await expect(readImports(pipeline.objects)).rejects.toThrow(
      `the object ${key} is damaged: restore it from a backup`,
    )
    const archived = await Array.fromAsync(pipeline.objects.list('archive/'))
    expect(archived.every(key => key.includes('july'))).toBe(true)
  })

  it('can be imported again', async () => {
    const { put, undo, counted } = await open()
    await put('june', EVENTS)
    await counted()
    await undo('june')
    expect(await counted()).toEqual(new Map())
    expect(await put('june', EVENTS)).toBe(60)
    expect(await counted()).toEqual(counts(EVENTS))
  })
})

it('imports are listed oldest first; imports without a time come before all others', async () => {
  const { put, pipeline } = await open()
  await put('june', EVENTS)
  await put('april', EVENTS)
  for (const name of ['zz-older', 'old']) {
    const record = { lane: laneOfImport(name), events: 1 }
    await pipeline.objects.put(`imports/${record.lane}.json`, Buffer.from(JSON.stringify(record)))
  }
  expect((await readImports(pipeline.objects)).map(({ lane }) => lane)).toEqual(
    ['old', 'zz-older', 'june', 'april'].map(name => laneOfImport(name)),
  )
})
