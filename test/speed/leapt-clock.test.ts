import { expect, it } from 'vitest'
import { encodeHeartbeat } from '../../functions/core/record.ts'
import { rememberedMs } from '../../functions/core/slot.ts'
import { DAY_MS, formatTimestamp, HOUR_MS, MINUTE_MS } from '../../functions/core/time.ts'
import { NOON_MS, wireEvent } from '../support/factories.ts'
import { openOneLane } from '../support/one-lane.ts'

const event = JSON.stringify(wireEvent())
const record = (producer: string, line = event) => `${JSON.stringify({ landcover: { producer, counter: 1 } })}\n${line}`

/** Lane whose log stamps records with its own clock, while the processes have another clock. */
async function openStampedLane() {
  const { pipeline, lane, clock, append, speed } = await openOneLane({ slotMs: HOUR_MS })
  return {
    clock,
    stamped: (arrivalMs: number, data: string | Uint8Array) => ({ ...append(data), arrivalMs }),
    speed,
    async images() {
      const rows = await pipeline.store.readRows(lane, { from: 0, until: Number.MAX_SAFE_INTEGER })
      return rows.flatMap(({ totals }) => [...totals.values()]).reduce((sum, { count }) => sum + count, 0)
    },
    async producers() {
      return [...((await pipeline.store.readCursor(lane))?.producers.keys() ?? [])]
    },
  }
}

it("a copy counts once when the log's clock leapt ahead for another producer in between", async () => {
  const { clock, stamped, speed, images } = await openStampedLane()
  await speed([stamped(NOON_MS, record('a'))])
  clock.nowMs = NOON_MS + MINUTE_MS
  await speed([stamped(NOON_MS + 3650 * DAY_MS, record('b'))])
  await speed([stamped(NOON_MS + 2 * MINUTE_MS, record('a'))])
  expect(await images()).toBe(2)
})

it.each([
  ['a heartbeat', encodeHeartbeat(NOON_MS)],
  ['a record without a producer', event],
])(
  'a copy counts once when the clock leapt ahead for %s, also in a lane that is read hours later',
  async (_, leapt) => {
    const { clock, stamped, speed, images } = await openStampedLane()
    clock.nowMs = NOON_MS + DAY_MS
    await speed([stamped(NOON_MS, record('a'))])
    await speed([stamped(NOON_MS + 3650 * DAY_MS, leapt)])
    const before = await images()
    await speed([stamped(NOON_MS + 2 * MINUTE_MS, record('a'))])
    expect(await images()).toBe(before)
  },
)

it('a copy counts once when the clock leapt hours ahead for other producers, also in a lane that is read when that time arrives', async () => {
  const { clock, stamped, speed, images } = await openStampedLane()
  clock.nowMs = NOON_MS + DAY_MS
  await speed([stamped(NOON_MS, record('a'))])
  await speed([stamped(NOON_MS + 5 * HOUR_MS, record('b')), stamped(NOON_MS + 6 * HOUR_MS, record('c'))])
  await speed([stamped(NOON_MS + 2 * MINUTE_MS, record('a'))])
  expect(await images()).toBe(3)
})

it('a copy counts once when the clock was set back by years, and stamped both the original and the copy', async () => {
  const { clock, stamped, speed, images } = await openStampedLane()
  clock.nowMs = NOON_MS + DAY_MS
  const yearsBackMs = NOON_MS - 900 * DAY_MS
  const ofAnOldImage = record('b', JSON.stringify(wireEvent({ timestamp: formatTimestamp(yearsBackMs) })))
  const before = Array.from({ length: 8 }, (_, hour) => stamped(NOON_MS + hour * HOUR_MS, record(`of-hour-${hour}`)))
  await speed([...before, stamped(yearsBackMs, ofAnOldImage)])
  await speed([stamped(yearsBackMs + MINUTE_MS, ofAnOldImage)])
  expect(await images()).toBe(before.length + 1)
})

it('a producer is forgotten with the first record of another producer that arrives when no copies can come', async () => {
  const { clock, stamped, speed, producers } = await openStampedLane()
  const lastMs = NOON_MS + rememberedMs(HOUR_MS) + HOUR_MS
  clock.nowMs = NOON_MS + DAY_MS
  const names = ['after-1-h', 'after-2-h', 'after-3-h', 'after-4-h']
  const between = names.map((name, index) => stamped(NOON_MS + (index + 1) * HOUR_MS, record(name)))
  await speed([stamped(NOON_MS, record('a')), ...between, stamped(lastMs, record('b'))])
  expect(await producers()).toEqual(['a', ...names, 'b'])
  await speed([stamped(lastMs, record('d')), stamped(lastMs + HOUR_MS, record('c'))])
  expect(await producers()).toEqual([...names, 'b', 'd', 'c'])
})
