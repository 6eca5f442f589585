import fc from 'fast-check'
import { expect, it } from 'vitest'
import { perClass, withoutLateness } from '../support/pipeline.ts'
import { byClass, byDayAndClass, recount } from '../support/recount.ts'
import { histories, live } from './histories.ts'

const RUNS = 15

/**
 * Small version of the simulation: random packing, retries, deliveries in other batches, broken connections, a
 * stale process, arrival times that go back, bad lines. A failing history is printed with its seed.
 */
it('batch view, speed totals and a naive recount agree exactly after any history', async () => {
  await fc.assert(
    fc.asyncProperty(histories, async steps => {
      const { pipeline, events, late, junk, joinedCounts } = await live(steps)
      try {
        const speed = await pipeline.speedTotals()
        const batch = await pipeline.batchTotals()
        expect(batch).toEqual(speed)
        expect(withoutLateness(speed)).toEqual(recount(events, byDayAndClass))
        expect(withoutLateness(perClass(batch))).toEqual(recount(events, byClass))
        expect([...speed.values()].reduce((sum, { lateCount }) => sum + lateCount, 0)).toBe(late)
        expect(await pipeline.quarantined()).toHaveLength(junk)
        expect(joinedCounts).toEqual(joinedCounts.toSorted((a, b) => a - b))
        expect(joinedCounts.at(-1)).toBe(events.length)
      } finally {
        await pipeline.close()
      }
    }),
    { numRuns: RUNS },
  )
})
