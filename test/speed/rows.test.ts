import { expect, it } from 'vitest'
import type { LogRecord } from '../../functions/core/record.ts'
import { HOUR_MS, MINUTE_MS } from '../../functions/core/time.ts'
import { WINDOW_MS } from '../../functions/core/window.ts'
import type { SpeedRow, SpeedStore } from '../../functions/ports/speed-store.ts'
import type { RowCache } from '../../functions/speed/row-cache.ts'
import { trimCache } from '../../functions/speed/row-cache.ts'
import { NOON_MS, wireEvent } from '../support/factories.ts'
import { openOneLane } from '../support/one-lane.ts'

const DONE = { batchItemFailures: [] }
const line = (eventMs: number, changes = {}) =>
  JSON.stringify(wireEvent({ timestamp: new Date(eventMs).toISOString(), ...changes }))

async function openLane() {
  const system = await openOneLane({ slotMs: HOUR_MS })
  const { store, metrics, logger } = system.pipeline
  const calls = { readRow: 0, writeRow: 0 }
  const counting: SpeedStore = {
    ...store,
    readRow: async key => {
      calls.readRow++
      return store.readRow(key)
    },
    writeRow: async (row, replacing) => {
      calls.writeRow++
      return store.writeRow(row, replacing)
    },
  }
  return {
    ...system,
    calls,
    counting,
    image: (eventMs = system.clock.nowMs, changes = {}) => system.append(line(eventMs, changes)),
    /** Leaves a delivery half done: its rows are written, and the cursor is not moved. */
    async writeRowsOnly(records: readonly LogRecord[]) {
      const failing = { ...store, moveCursor: async () => Promise.reject(new Error('the store is down')) }
      expect((await system.speed(records, failing)).batchItemFailures).toHaveLength(1)
    },
    /** Images of each row, by slot and window. */
    async images() {
      const rows = await store.readRows(system.lane, { from: 0, until: Number.MAX_SAFE_INTEGER })
      const place = ({ slot, windowStart }: SpeedRow) =>
        `${new Date(slot).toISOString().slice(11, 16)} ${new Date(windowStart).toISOString().slice(11, 16)}`
      const counts = ({ totals }: SpeedRow) =>
        Object.fromEntries(Array.from(totals, ([name, { count, lateCount }]) => [name, [count, lateCount]]))
      return Object.fromEntries(rows.map(row => [place(row), counts(row)]))
    },
    written: () => metrics.measured.at(-1)?.values.rowsWritten,
    errors: () => logger.lines.map(({ fields }) => fields.error),
  }
}

it('a process keeps the rows that it wrote, and does not read them again', async () => {
  const { speedProcess, counting, calls, image, images } = await openLane()
  const process = speedProcess(counting)
  for (let delivery = 0; delivery < 3; delivery++) expect(await process([image()])).toEqual(DONE)
  expect(calls).toEqual({ readRow: 1, writeRow: 3 })
  expect(await images()).toEqual({ '12:00 12:00': { Forest: [3, 0] } })
})

it('a process reads a row again that another process replaced', async () => {
  const { speedProcess, speed, counting, calls, image, images } = await openLane()
  const process = speedProcess(counting)
  await process([image()])
  await speed([image()])
  expect(await process([image()])).toEqual(DONE)
  expect(calls).toEqual({ readRow: 2, writeRow: 3 })
  expect(await images()).toEqual({ '12:00 12:00': { Forest: [3, 0] } })
})

it('a process forgets its rows when a delivery is given back', async () => {
  const { speedProcess, counting, calls, image, pipeline } = await openLane()
  let fails = false
  const process = speedProcess({
    ...counting,
    moveCursor: async (cursor, from) => {
      if (fails) throw new Error('the store is down')
      return pipeline.store.moveCursor(cursor, from)
    },
  })
  const before = image()
  await process([before])
  fails = true
  const records = [image()]
  expect((await process(records)).batchItemFailures).toHaveLength(1)
  fails = false
  expect(await process(records)).toEqual(DONE)
  // The first delivery, and the one after the failure.
  expect(calls).toEqual({ readRow: 2, writeRow: 2 })
})

it('a record is added to each of its rows that does not include it yet, for any earlier grouping', async () => {
  const { clock, image, append, speed, writeRowsOnly, images, written } = await openLane()
  clock.nowMs += 59 * MINUTE_MS
  const records = [
    image(NOON_MS, { class_name: 'River' }),
    append(`${line(NOON_MS)}\n${line(clock.nowMs)}\n${line(clock.nowMs, { class_name: 'Moon' })}`),
    image(clock.nowMs),
  ]
  await writeRowsOnly(records.slice(0, 1))
  await writeRowsOnly(records.slice(0, 2))
  expect(await images()).toEqual({
    '12:00 12:00': { River: [1, 1], Forest: [1, 1] },
    '12:00 12:50': { Forest: [1, 0] },
  })
  clock.nowMs += MINUTE_MS
  const later = [image(NOON_MS), image(clock.nowMs - MINUTE_MS), image(clock.nowMs)]
  expect(await speed([...records, ...later])).toEqual(DONE)
  // The first row held all of its slot already.
  expect(written()).toBe(4)
  expect(await images()).toEqual({
    '12:00 12:00': { River: [1, 1], Forest: [1, 1] },
    '12:00 12:50': { Forest: [2, 0] },
    '13:00 12:00': { Forest: [1, 1] },
    '13:00 12:50': { Forest: [1, 0] },
    '13:00 13:00': { Forest: [1, 0] },
  })
})

it('a delivery whose rows are all written does not write them again, and moves on', async () => {
  const { image, speed, writeRowsOnly, written, images, pipeline, lane } = await openLane()
  const records = [image(), image()]
  await writeRowsOnly(records)
  expect(await speed(records)).toEqual(DONE)
  expect(written()).toBe(0)
  expect(await images()).toEqual({ '12:00 12:00': { Forest: [2, 0] } })
  expect((await pipeline.store.readCursor(lane))?.lastPosition).toBe(records[1]?.position)
})

it('a row is tried five times while other writers replace it; then the delivery is given back', async () => {
  for (const [lost, isDone] of [
    [4, true],
    [5, false],
  ] as const) {
    const { speed, counting, calls, image, images, errors, lane } = await openLane()
    let left = lost
    const contested = {
      ...counting,
      writeRow: async (...args: Parameters<SpeedStore['writeRow']>) => {
        if (left-- === 0) return counting.writeRow(...args)
        calls.writeRow++
        return false
      },
    }
    expect((await speed([image()], contested)).batchItemFailures).toHaveLength(isDone ? 0 : 1)
    expect(calls.writeRow).toBe(5)
    expect(await images()).toEqual(isDone ? { '12:00 12:00': { Forest: [1, 0] } } : {})
    expect(errors()).toEqual(isDone ? [] : [`LaneContestedError: another process is applying lane ${lane}`])
  }
})

it('a delivery is given back when another process moved the cursor at the same time, and its rows count once', async () => {
  const { speed, image, images, errors, pipeline, lane } = await openLane()
  const records = [image()]
  const other = {
    ...pipeline.store,
    putUnusualImages: async () => {
      expect(await speed(records)).toEqual(DONE)
    },
  }
  expect((await speed(records, other)).batchItemFailures).toHaveLength(1)
  expect(errors()).toEqual([`LaneContestedError: another process is applying lane ${lane}`])
  expect(await speed(records)).toEqual(DONE)
  expect(await images()).toEqual({ '12:00 12:00': { Forest: [1, 0] } })
})

it('a process keeps the five hundred rows that it wrote last', async () => {
  const { speedProcess, counting, calls, append, image } = await openLane()
  const process = speedProcess(counting)
  const window = (index: number) => NOON_MS - index * WINDOW_MS
  await process([append(Array.from({ length: 500 }, (_, index) => line(window(index))).join('\n'))])
  await process([image(window(0))])
  await process([image(window(500))])
  calls.readRow = 0
  // Written again, so that it is not the oldest.
  await process([image(window(0))])
  await process([image(window(2))])
  expect(calls.readRow).toBe(0)
  await process([image(window(1))])
  expect(calls.readRow).toBe(1)
})

it('a cache of five hundred rows loses no row, and a larger one loses the oldest', () => {
  const cacheOf = (size: number): RowCache =>
    new Map(Array.from({ length: size }, (_, index) => [`${index}`, {} as SpeedRow]))
  const left = (cache: RowCache) => {
    trimCache(cache)
    return [cache.size, cache.keys().next().value]
  }
  expect(left(cacheOf(500))).toEqual([500, '0'])
  expect(left(cacheOf(503))).toEqual([500, '3'])
})
