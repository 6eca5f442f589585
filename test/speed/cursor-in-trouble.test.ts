import { expect, it } from 'vitest'
import { newCursor } from '../../functions/core/cursor.ts'
import { toPosition } from '../../functions/core/lane.ts'
import { encodeRecord } from '../../functions/core/record.ts'
import { HOUR_MS, MINUTE_MS } from '../../functions/core/time.ts'
import { NOON_MS, wireEvent } from '../support/factories.ts'
import { openOneLane } from '../support/one-lane.ts'

const DONE = { batchItemFailures: [] }

it('a delivery of a log that was created again under the same name is given back, not treated as copies', async () => {
  const { pipeline, lane, clock, append, speed } = await openOneLane({ slotMs: HOUR_MS })
  const records = Array.from({ length: 10 }, () => append(JSON.stringify(wireEvent())))
  expect(await speed(records)).toEqual(DONE)
  clock.nowMs += MINUTE_MS
  const recreated = { ...append(JSON.stringify(wireEvent())), lane, position: toPosition(1) }
  expect((await speed([recreated])).batchItemFailures).toHaveLength(1)
  expect(pipeline.logger.lines.at(-1)?.fields?.error).toContain(`the lane ${lane} starts from the beginning`)
  // A record that is delivered again unchanged is still a copy.
  expect(await speed(records.slice(2))).toEqual(DONE)
})

it('a lane continues for any number of ids of its senders', async () => {
  const { pipeline, lane, clock, append, speed } = await openOneLane({ slotMs: HOUR_MS })
  let count = 0
  const idsOfAnHour = () => {
    const records = Array.from({ length: 12_000 }, () =>
      append(encodeRecord({ producer: `sender-${++count}`.padEnd(60, '-'), counter: 1 }, [wireEvent()])),
    )
    clock.nowMs += HOUR_MS
    return records
  }
  for (let hour = 0; hour < 3; hour++) {
    const records = idsOfAnHour()
    expect(await speed(records)).toEqual(DONE)
    // The last ids are still known.
    const [last] = records.slice(-1)
    const copy = append((last as (typeof records)[number]).data)
    expect(await speed([copy])).toEqual(DONE)
    expect(pipeline.metrics.measured.at(-1)?.values).toMatchObject({ skippedRecords: 1, counted: 0 })
  }
  expect(pipeline.logger.lines.some(({ message }) => message.includes('too many producer ids'))).toBe(true)
  const cursor = await pipeline.store.readCursor(lane)
  expect(cursor?.producers.size).toBeLessThan(12_000)
})

it('a cursor without room first forgets producers with a time in the future, and says how many', async () => {
  const { pipeline, lane, append, speed } = await openOneLane({ slotMs: HOUR_MS })
  // Three of these fit into a cursor.
  const producers = [-1, 0, 1, 2].map(
    hour => [`of-hour-${hour}`.padEnd(299_000, '-'), [{ counter: 1, slot: NOON_MS + hour * HOUR_MS }]] as const,
  )
  await pipeline.store.createCursor(newCursor(lane, new Map(producers)))
  const deliver = async (producer: string) => {
    expect(await speed([append(encodeRecord({ producer, counter: 1 }, [wireEvent()]))])).toEqual(DONE)
    const cursor = await pipeline.store.readCursor(lane)
    return Array.from(cursor?.producers.keys() ?? [], name => name.replace(/-+$/, ''))
  }
  expect(await deliver('a')).toEqual(['of-hour--1', 'of-hour-0', 'of-hour-1', 'a'])
  const told = [{ message: 'speed: too many producer ids to remember', fields: { lane, producersForgotten: 1 } }]
  expect(pipeline.logger.lines).toEqual(told)
  expect(await deliver('b')).toHaveLength(5)
  expect(pipeline.logger.lines).toEqual(told)
})
