import fc from 'fast-check'
import { beforeAll, describe, expect, test } from 'vitest'
import { START, toPosition } from '../../../functions/core/lane.ts'
import { DAY_MS, HOUR_MS, MINUTE_MS } from '../../../functions/core/time.ts'
import { addTotals, emptyTotals, type Totals } from '../../../functions/core/totals.ts'
import type { SpeedRow, SpeedStore } from '../../../functions/ports/speed-store.ts'

import {
  anyTotals,
  freshLane,
  LONG_MS,
  ODD_NAMES,
  RIVALS,
  rowAt,
  SLOT,
  type Stores,
  times,
  totalsOf,
  WINDOW,
} from './factories.ts'

/** Contract tests of rows, and of ranges of them. */
export function describeRows(stores: () => Stores): void {
  let store: SpeedStore
  let rival: SpeedStore
  let oneOfTwo: Stores['oneOfTwo']
  beforeAll(() => {
    ;({ store, rival, oneOfTwo } = stores())
  })

  describe('rows', () => {
    test('has no rows before the first is written', async () => {
      expect(await store.readRow({ lane: freshLane(), slot: SLOT, windowStart: WINDOW })).toBeUndefined()
    })

    test('creates a row only if there is none', async () => {
      const row = rowAt(freshLane(), 5)
      expect(await store.writeRow(row, null)).toBe(true)
      expect(await store.writeRow({ ...row, lastPosition: toPosition(9), totals: new Map() }, null)).toBe(false)
      expect(await rival.readRow(row)).toEqual(row)
    })

    test('replaces a row only from its current position', async () => {
      const row = rowAt(freshLane(), 5)
      await store.writeRow(row, null)
      const next = { ...rowAt(row.lane, 6), totals: new Map([['Forest', totalsOf(2)]]) }
      for (const stale of [START, toPosition(4), toPosition(6)]) expect(await store.writeRow(next, stale)).toBe(false)
      expect(await store.readRow(row)).toEqual(row)
      expect(await store.writeRow(next, row.lastPosition)).toBe(true)
      expect(await rival.readRow(row)).toEqual(next)
    })

    test('does not replace a missing row', async () => {
      const row = rowAt(freshLane(), 5)
      expect(await store.writeRow(row, toPosition(4))).toBe(false)
      expect(await store.readRow(row)).toBeUndefined()
    })

    test('distinguishes rows by lane, slot and window', async () => {
      const row = rowAt(freshLane(), 5)
      await store.writeRow(row, null)
      expect(await store.readRow({ ...row, lane: freshLane() })).toBeUndefined()
      expect(await store.readRow({ ...row, slot: row.slot + HOUR_MS })).toBeUndefined()
      expect(await store.readRow({ ...row, windowStart: row.windowStart + 1 })).toBeUndefined()
    })

    test.for([
      ['nothing', null],
      ['a row', toPosition(5)],
    ] as const)('lets exactly one of many writers follow on %s', async ([, replacing]) => {
      const lane = freshLane()
      if (replacing !== null) await store.writeRow(rowAt(lane, replacing), null)
      const rows = times(RIVALS, index => rowAt(lane, 10 + index))
      const written = await Promise.all(rows.map((row, index) => oneOfTwo(index).writeRow(row, replacing)))
      expect(written.filter(Boolean)).toHaveLength(1)
      const [row] = rows as [SpeedRow]
      expect(await store.readRow(row)).toEqual(rows[written.indexOf(true)])
    })

    test(
      'loses no addition of writers that contend for a row',
      async () => {
        const key = { lane: freshLane(), slot: SLOT, windowStart: WINDOW }
        const [writers, additions] = [4, 10]
        await Promise.all(
          times(writers, async writer => {
            for (let left = additions; left > 0; ) {
              const row = await oneOfTwo(writer).readRow(key)
              const sum = addTotals(row?.totals.get('Forest') ?? emptyTotals(), totalsOf(1))
              const lastPosition = toPosition(sum.count)
              const next: SpeedRow = { ...key, lastPosition, totals: new Map([['Forest', sum]]) }
              if (await oneOfTwo(writer).writeRow(next, row?.lastPosition ?? null)) left--
            }
          }),
        )
        expect((await store.readRow(key))?.totals.get('Forest')?.count).toBe(writers * additions)
      },
      LONG_MS,
    )

    test('keeps sums beyond 64 bits, negative sums, and extremes that were not measured', async () => {
      const huge: Totals = {
        count: Number.MAX_SAFE_INTEGER,
        lateCount: 1,
        ndviSum: -(2n ** 70n) - 1n,
        ndviSquareSum: 10n ** 37n + 1n,
        ndviMin: -1_000_000,
        ndviMax: 0,
        bands: { ...emptyTotals().bands, nir: { count: 1, sum: 2n ** 64n + 1n } },
      }
      const row = {
        ...rowAt(freshLane(), 1),
        totals: new Map([
          ['Forest', huge],
          ['Lake', emptyTotals()],
        ]),
      }
      await store.writeRow(row, null)
      expect(await store.readRow(row)).toEqual(row)
    })

    test('keeps classes with any names', async () => {
      const row = {
        ...rowAt(freshLane(), 1),
        totals: new Map(ODD_NAMES.map((className, index) => [className, totalsOf(index + 1)])),
      }
      await store.writeRow(row, null)
      expect(await store.readRow(row)).toEqual(row)
    })

    test('keeps hundreds of classes', async () => {
      const totals = new Map(times(500, index => [`class ${index}`, totalsOf(index)]))
      const row = { ...rowAt(freshLane(), 1), totals }
      await store.writeRow(row, null)
      expect(await store.readRow(row)).toEqual(row)
    })

    test('keeps any totals', async () => {
      const lane = freshLane()
      let windowStart = 0
      await fc.assert(
        fc.asyncProperty(fc.array(fc.tuple(fc.string({ unit: 'grapheme' }), anyTotals())), async entries => {
          const row: SpeedRow = { ...rowAt(lane, 1), windowStart: windowStart++, totals: new Map(entries) }
          await store.writeRow(row, null)
          expect(await store.readRow(row)).toEqual(row)
        }),
        { numRuns: 50 },
      )
    })
  })

  describe('ranges of slots', () => {
    test('include their first slot and exclude their end', async () => {
      const lane = freshLane()
      const slots = times(5, index => SLOT + index * HOUR_MS)
      for (const slot of slots) await store.writeRow({ ...rowAt(lane, 1), slot }, null)
      await store.writeRow(rowAt(freshLane(), 1), null)
      const found = await rival.readRows(lane, { from: SLOT + HOUR_MS, until: SLOT + 3 * HOUR_MS })
      expect(found.map(row => row.slot).sort()).toEqual(slots.slice(1, 3))
    })

    test('are empty if nothing arrived, or if they end before they begin', async () => {
      const lane = freshLane()
      await store.writeRow(rowAt(lane, 1), null)
      expect(await store.readRows(freshLane(), { from: SLOT, until: SLOT + HOUR_MS })).toEqual([])
      expect(await store.readRows(lane, { from: SLOT + HOUR_MS, until: SLOT + 2 * HOUR_MS })).toEqual([])
      expect(await store.readRows(lane, { from: SLOT, until: SLOT })).toEqual([])
      expect(await store.readRows(lane, { from: SLOT + HOUR_MS, until: SLOT })).toEqual([])
    })

    test('include all windows of a slot with all their totals, at any distance in time', async () => {
      const lane = freshLane()
      const windows = [0, SLOT - 400 * DAY_MS, SLOT - MINUTE_MS, SLOT, SLOT + 10 * MINUTE_MS]
      const rows = windows.map((windowStart, index) => ({
        ...rowAt(lane, index),
        windowStart,
        totals: new Map([['Forest', totalsOf(index + 1)]]),
      }))
      for (const row of rows) await store.writeRow(row, null)
      const found = await store.readRows(lane, { from: SLOT, until: SLOT + HOUR_MS })
      expect(found.sort((a, b) => a.windowStart - b.windowStart)).toEqual(rows)
    })

    test('may span days, and be open at both ends', async () => {
      const lane = freshLane()
      const slots = [0, SLOT - 9 * DAY_MS, ...times(72, index => SLOT + index * HOUR_MS)]
      for (const [index, slot] of slots.entries()) {
        await oneOfTwo(index).writeRow({ ...rowAt(lane, index), slot }, null)
      }
      const found = await store.readRows(lane, { from: 0, until: Number.MAX_SAFE_INTEGER })
      expect(found.map(row => row.slot).sort((a, b) => a - b)).toEqual(slots)
      const days = await store.readRows(lane, { from: SLOT + 5 * HOUR_MS, until: SLOT + 50 * HOUR_MS })
      expect(days).toHaveLength(45)
    })

    test('include rows of short slots across midnight', async () => {
      const lane = freshLane()
      const midnight = Date.UTC(2026, 10, 23)
      const slots = times(10, index => midnight + (index - 5) * 2_000)
      for (const slot of slots) await store.writeRow({ ...rowAt(lane, 1), slot }, null)
      const found = await store.readRows(lane, { from: midnight - 4_000, until: midnight + 4_000 })
      expect(found.map(row => row.slot).sort((a, b) => a - b)).toEqual(slots.slice(3, 7))
    })

    test(
      'hold more rows than a page',
      async () => {
        const lane = freshLane()
        const rows = times(450, index => ({ ...rowAt(lane, index), windowStart: index * MINUTE_MS }))
        for (const row of rows) await store.writeRow(row, null)
        const found = await store.readRows(lane, { from: SLOT, until: SLOT + HOUR_MS })
        expect(found.map(row => row.windowStart).sort((a, b) => a - b)).toEqual(rows.map(row => row.windowStart))
      },
      LONG_MS,
    )
  })
}
