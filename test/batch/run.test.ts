import { expect, it } from 'vitest'
import { HOUR_MS } from '../../functions/core/time.ts'
import { wireEvent } from '../support/factories.ts'
import { openOneLane } from '../support/one-lane.ts'
import { openLanes } from '../support/pipeline.ts'

it('a run that has nothing to count names the lanes that it waits for', async () => {
  const lanes = openLanes('stream', 2)
  const { pipeline, clock, append, speed, archive } = await openOneLane({ slotMs: HOUR_MS, lanes })
  for (let hour = 0; hour < 4; hour++) {
    const records = [append(JSON.stringify(wireEvent({ image_id: `of hour ${hour}` })))]
    await speed(records)
    await archive(records)
    clock.nowMs += HOUR_MS
  }
  expect(await pipeline.runBatch()).toEqual({
    ...{ view: undefined, published: false },
    behind: [{ lane: lanes[1]?.name, latestSlot: null }],
  })
})
