import { expect, it } from 'vitest'
import { isNext, lostBetween, toPosition } from '../../functions/core/lane.ts'
import { DAY_MS, HOUR_MS } from '../../functions/core/time.ts'
import { health } from '../../functions/serving/health.ts'
import { NOON_MS, wireEvent } from '../support/factories.ts'
import { openOneLane } from '../support/one-lane.ts'

/** A lane with nine appended records. The log keeps the records from the given number onwards. */
async function openLane(firstKept: number | null) {
  const asked: string[] = []
  const system = await openOneLane({
    slotMs: HOUR_MS,
    firstKept: async lane => {
      asked.push(lane)
      return firstKept === null ? null : toPosition(firstKept)
    },
  })
  const image = (n: number) => JSON.stringify(wireEvent({ image_id: `image-${n}` }))
  const records = Array.from({ length: 9 }, (_, index) => system.append(image(index + 1)))
  const cursor = async () => system.pipeline.store.readCursor(system.lane)
  return { ...system, asked, records, cursor }
}

it('counts what the log removed between a cursor and the next record, once even if that record is delivered several times', async () => {
  const { records, speed, cursor, pipeline, lane } = await openLane(7)
  await speed(records.slice(0, 2))
  expect(await cursor()).toMatchObject({ lostRecords: 0, lastLossMs: null })
  await speed(records.slice(6, 8))
  await speed(records.slice(6, 8))
  await speed(records.slice(7, 9))
  expect(await cursor()).toMatchObject({ lostRecords: 4, lastLossMs: NOON_MS })
  const told = pipeline.metrics.measured.map(({ values }) => values.lost)
  expect(told).toEqual([undefined, 4, undefined, undefined])
  expect(pipeline.logger.lines).toEqual([
    { message: 'speed: the log removed records before they were read', fields: { lane, lost: 4 } },
  ])
})

it('adds a loss to the earlier ones of its lane', async () => {
  const { records, speed, cursor } = await openLane(9)
  await speed(records.slice(0, 1))
  await speed(records.slice(4, 5))
  expect(await cursor()).toMatchObject({ lostRecords: 3 })
  await speed(records.slice(8))
  expect(await cursor()).toMatchObject({ lostRecords: 6 })
})

it('counts a loss once when the delivery that shows it is given back and comes again', async () => {
  const { records, speed, cursor, pipeline } = await openLane(4)
  await speed(records.slice(0, 1))
  const refusing = { ...pipeline.store, moveCursor: async () => Promise.reject(new Error('the store is down')) }
  expect((await speed(records.slice(3), refusing)).batchItemFailures).toHaveLength(1)
  expect(await cursor()).toMatchObject({ lostRecords: 0, lastLossMs: null })
  await speed(records.slice(3))
  expect(await cursor()).toMatchObject({ lostRecords: 2 })
})

it('does not treat a gap as a loss when the log still has the records in it, or cannot tell', async () => {
  for (const firstKept of [1, 2, 3, null]) {
    const { records, speed, cursor } = await openLane(firstKept)
    await speed(records.slice(0, 2))
    expect(await speed(records.slice(5))).toEqual({ batchItemFailures: [] })
    expect(await cursor()).toMatchObject({ lostRecords: 0, lastLossMs: null })
  }
})

it('asks the log only when records do not follow each other, and never about a lane that begins', async () => {
  const { records, speed, cursor, asked, lane } = await openLane(9)
  await speed(records.slice(3, 5))
  await speed(records.slice(5, 7))
  expect(asked).toEqual([])
  await speed(records.slice(8))
  expect(asked).toEqual([lane])
  expect(await cursor()).toMatchObject({ lostRecords: 1 })
})

it("is a reason in health for seven days after it was noticed, and stays in the lane's count", async () => {
  const { records, speed, clock, pipeline, lane } = await openLane(7)
  await speed(records.slice(0, 2))
  await speed(records.slice(6))
  const reasons = async () => {
    const { reasons, speed } = await health(pipeline.serving)
    expect(speed.lanes.map(({ lost_records }) => lost_records)).toEqual([4])
    return reasons.filter(reason => reason.startsWith(`Up to 4 records of ${lane} are missing`))
  }
  expect(await reasons()).toHaveLength(1)
  clock.nowMs = NOON_MS + 7 * DAY_MS
  expect(await reasons()).toHaveLength(1)
  clock.nowMs++
  expect(await reasons()).toEqual([])
})

it.each([
  [2, 7, 1, 0],
  [2, 7, 3, 0],
  [2, 7, 4, 1],
  [2, 7, 7, 4],
  // Records after the loss were removed later, too.
  [2, 7, 9, 4],
])('between %i and %i, of a log that begins at %i, %i are lost', (read, next, firstKept, lost) => {
  expect(lostBetween(toPosition(read), toPosition(next), toPosition(firstKept))).toBe(lost)
  expect(isNext(toPosition(read), toPosition(next))).toBe(false)
  expect(isNext(toPosition(read), toPosition(read + 1))).toBe(true)
})
