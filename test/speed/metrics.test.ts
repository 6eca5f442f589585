import { describe, expect, it } from 'vitest'
import { encodeHeartbeat, encodeRecord } from '../../functions/core/record.ts'
import { DAY_MS, HOUR_MS, MINUTE_MS } from '../../functions/core/time.ts'
import { NOON_MS, wireEvent } from '../support/factories.ts'
import { openOneLane } from '../support/one-lane.ts'

const DONE = { batchItemFailures: [] }
const line = (changes = {}) => JSON.stringify(wireEvent(changes))

describe('the speed layer measures', () => {
  it('the result of a delivery, and its age', async () => {
    const { pipeline, lane, clock, append, speed } = await openOneLane({ slotMs: HOUR_MS })
    const record = encodeRecord({ producer: 'p', counter: 1 }, [
      wireEvent(),
      wireEvent({ timestamp: '2026-11-22T09:00:00Z' }),
      wireEvent({ class_name: 'Moon' }),
    ])
    const records = [append(record), append(record), append('nonsense'), append(`${line()}\n{\n[]`)]
    clock.nowMs += 250
    expect(await speed(records)).toEqual(DONE)
    expect(pipeline.metrics.measured).toEqual([
      {
        consumer: 'speed',
        lane,
        values: {
          records: 4,
          skippedRecords: 1,
          counted: 3,
          late: 1,
          quarantined: 4,
          'quarantined.unknown-class': 1,
          'quarantined.not-json': 2,
          'quarantined.invalid-event': 1,
          alerts: 0,
          rowsWritten: 2,
          deliveriesGivenBack: 0,
          applyMs: 0,
          endToEndDelayMs: null,
          iteratorAgeMs: 250,
        },
      },
    ])
  })

  it('optional values that cannot be used, of events that count', async () => {
    const { pipeline, append, speed } = await openOneLane({ slotMs: HOUR_MS })
    const unusable = { ndvi_min: -9999, vegetation_index: 'High' } as object
    await speed([append(line(unusable)), append(line({ ...unusable, class_name: 'Moon' })), append(line())])
    expect(pipeline.metrics.measured[0]?.values).toMatchObject({ counted: 2, quarantined: 1, unusedValues: 2 })
  })

  it('records that are delivered again, as skipped', async () => {
    const { pipeline, append, speed } = await openOneLane({ slotMs: HOUR_MS })
    const records = [append(line()), append('nonsense')]
    await speed(records)
    await speed(records)
    expect(pipeline.metrics.measured[1]?.values).toMatchObject({
      records: 2,
      skippedRecords: 2,
      counted: 0,
      quarantined: 0,
      rowsWritten: 0,
    })
  })

  it('the time that the last heartbeat of a delivery took since it was sent', async () => {
    const { pipeline, lane, clock, append, speed } = await openOneLane({ slotMs: HOUR_MS })
    const delays: unknown[] = []
    const deliver = async (...data: (Uint8Array | string)[]) => {
      const records = data.map(each => append(each))
      clock.nowMs += 700
      await speed(records)
      const stored = await pipeline.store.readCursor(lane)
      delays.push([pipeline.metrics.measured.at(-1)?.values.endToEndDelayMs, stored?.lastHeartbeatDelayMs])
    }
    await deliver(line())
    await deliver(encodeHeartbeat(clock.nowMs - 100), encodeHeartbeat(clock.nowMs - 50), line())
    await deliver(line())
    await deliver(encodeHeartbeat(clock.nowMs + 5_000))
    await deliver(encodeHeartbeat(clock.nowMs - DAY_MS))
    expect(delays).toEqual([
      [null, null],
      [750, 750],
      [null, 750],
      [0, 0],
      [DAY_MS + 700, DAY_MS + 700],
    ])
  })

  it('a delivery that is given back, and its heartbeat once it is applied', async () => {
    const { pipeline, lane, clock, append, heartbeat, speed } = await openOneLane({ slotMs: HOUR_MS })
    const records = [append('nonsense'), heartbeat()]
    const down = { ...pipeline.store, moveCursor: () => Promise.reject(new Error('the store is down')) }
    clock.nowMs += MINUTE_MS
    expect((await speed(records, down)).batchItemFailures).toHaveLength(1)
    expect(pipeline.metrics.measured).toEqual([
      { consumer: 'speed', lane, values: { deliveriesGivenBack: 1, iteratorAgeMs: MINUTE_MS } },
    ])
    expect(pipeline.logger.lines).toEqual([
      { message: 'speed: delivery given back', fields: { lane, records: 2, error: 'Error: the store is down' } },
    ])
    clock.nowMs += MINUTE_MS
    expect(await speed(records)).toEqual(DONE)
    expect(pipeline.metrics.measured[1]?.values).toMatchObject({
      quarantined: 1,
      endToEndDelayMs: 2 * MINUTE_MS,
      deliveriesGivenBack: 0,
    })
    expect(await pipeline.store.readCursor(lane)).toMatchObject({ quarantined: 1, lastHeartbeatDelayMs: 2 * MINUTE_MS })
  })
})

it('a cursor counts a quarantined line once, even if its delivery fails several times', async () => {
  const { pipeline, lane, append, speed } = await openOneLane({ slotMs: HOUR_MS })
  const bad = encodeRecord({ producer: 'p', counter: 1 }, [wireEvent({ ndvi_mean: 7 }), wireEvent({ ndvi_mean: -7 })])
  const records = [append(bad), append(bad), append('[')]
  const { store } = pipeline
  const refused = { ...store, moveCursor: async () => Promise.reject(new Error('the store is down')) }
  const answerLost = {
    ...store,
    async moveCursor(...args: Parameters<typeof store.moveCursor>): Promise<boolean> {
      await store.moveCursor(...args)
      throw new Error('the answer was lost')
    },
  }
  await speed(records.slice(0, 2), refused)
  await speed(records, refused)
  await speed(records.slice(0, 2), answerLost)
  await speed(records, refused)
  await speed(records)
  await speed(records)
  expect(await store.readCursor(lane)).toMatchObject({ quarantined: 3 })
  expect(await pipeline.quarantined()).toHaveLength(3)
})

it('the archive measures its records, files and events', async () => {
  const { pipeline, lane, clock, append, archive } = await openOneLane({ slotMs: HOUR_MS })
  const records = [append(`${line()}\n${line()}\nnonsense`)]
  clock.nowMs = NOON_MS + HOUR_MS
  records.push(append(line()))
  clock.nowMs += 40
  expect(await archive(records)).toEqual(DONE)
  expect(pipeline.metrics.measured).toEqual([
    {
      consumer: 'archive',
      lane,
      values: { records: 2, files: 2, events: 3, deliveriesGivenBack: 0, iteratorAgeMs: 40 },
    },
  ])
})
