import { expect, it } from 'vitest'
import { newCursor } from '../../functions/core/cursor.ts'
import type { Lane } from '../../functions/core/lane.ts'
import { encodeRecord } from '../../functions/core/record.ts'
import { HOUR_MS } from '../../functions/core/time.ts'
import type { SpeedStore } from '../../functions/ports/speed-store.ts'
import { NOON_MS, wireEvent } from '../support/factories.ts'
import { openOneLane } from '../support/one-lane.ts'

const DONE = { batchItemFailures: [] }
const NEW = 'stream.shardId-9'
const named = (shard: number) => `stream.shardId-${shard}`

/** A new lane, with the lanes from which a reshard made it: names of parents by shard. */
async function openNewLane(parentsOf: Record<number, number[]>) {
  const lanes = Object.entries(parentsOf).map(
    ([shard, parents]): Lane => ({ name: named(Number(shard)), parents: parents.map(named), closed: shard !== '9' }),
  )
  const system = await openOneLane({ slotMs: HOUR_MS, lanes })
  const { store, metrics, logger } = system.pipeline
  const read: string[] = []
  const noting: SpeedStore = {
    ...store,
    readCursor: async lane => {
      read.push(lane)
      return store.readCursor(lane)
    },
  }
  return {
    ...system,
    store,
    noting,
    read,
    /** Notes that a lane has seen the first record of a producer. */
    seen: (shard: number, producer: string) =>
      store.createCursor(newCursor(named(shard), new Map([[producer, [{ counter: 1, slot: NOON_MS }]]]))),
    record: (producer: string) => system.append(encodeRecord({ producer, counter: 1 }, [wireEvent()]), NEW),
    values: () => metrics.measured.at(-1)?.values,
    errors: () => logger.lines.map(({ fields }) => fields.error),
  }
}

it('a lane knows the producers of all lanes that were merged into it', async () => {
  const { seen, speed, record, values } = await openNewLane({ 9: [1, 2], 1: [], 2: [] })
  await seen(1, 'a')
  await seen(2, 'b')
  expect(await speed([record('a'), record('b'), record('c')])).toEqual(DONE)
  expect(values()).toMatchObject({ records: 3, skippedRecords: 2, counted: 1 })
})

it('a lane knows the producers of lanes further up when nothing came through those in between', async () => {
  const { seen, speed, record, values } = await openNewLane({ 9: [3], 3: [1, 2], 1: [], 2: [] })
  await seen(1, 'a')
  await seen(2, 'b')
  expect(await speed([record('a'), record('b'), record('c')])).toEqual(DONE)
  expect(values()).toMatchObject({ records: 3, skippedRecords: 2, counted: 1 })
})

it('a lane takes only the producers of its parents when these have cursors: they include what came before', async () => {
  const { seen, speed, record, values, noting, read } = await openNewLane({ 9: [2], 2: [1], 1: [] })
  await seen(1, 'a')
  await seen(2, 'b')
  expect(await speed([record('a'), record('b')], noting)).toEqual(DONE)
  expect(values()).toMatchObject({ records: 2, skippedRecords: 1, counted: 1 })
  expect(read).toEqual([NEW, named(2)])
})

it('each lane before a new one is read once, also when two ways lead to it', async () => {
  const { speed, record, noting, read } = await openNewLane({ 9: [3, 4], 3: [1], 4: [1], 1: [] })
  expect(await speed([record('a')], noting)).toEqual(DONE)
  expect(read.toSorted()).toEqual([named(1), named(3), named(4), NEW])
})

it('a lane that the log does not know begins without producers', async () => {
  const { speed, record, values, store } = await openNewLane({ 1: [] })
  expect(await speed([record('a')])).toEqual(DONE)
  expect(values()).toMatchObject({ skippedRecords: 0, counted: 1 })
  expect([...((await store.readCursor(NEW))?.producers.keys() ?? [])]).toEqual(['a'])
})

it('a lane whose parents are gone from the log begins without producers', async () => {
  const { speed, record, values } = await openNewLane({ 9: [1] })
  expect(await speed([record('a')])).toEqual(DONE)
  expect(values()).toMatchObject({ skippedRecords: 0, counted: 1 })
})

it('a lane that another process begins at the same time continues from that cursor', async () => {
  const { seen, speed, record, values, store } = await openNewLane({ 9: [] })
  const contested: SpeedStore = {
    ...store,
    createCursor: async cursor => {
      await seen(9, 'a')
      return store.createCursor(cursor)
    },
  }
  expect(await speed([record('a'), record('b')], contested)).toEqual(DONE)
  expect(values()).toMatchObject({ records: 2, skippedRecords: 1, counted: 1 })
})

it('a lane whose cursor can neither be created nor found is given back', async () => {
  const { speed, record, store, errors } = await openNewLane({ 9: [] })
  expect((await speed([record('a')], { ...store, createCursor: async () => false })).batchItemFailures).toHaveLength(1)
  expect(errors()).toEqual([`LaneContestedError: another process is applying lane ${NEW}`])
})
