import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { decimalsOf, monthTicks, roundLimits, roundStep, spreadApart, timeTicks } from '../../web/view-models/axis.ts'

const HOUR_MS = 3_600_000

describe('limits', () => {
  test('are whole steps around all values and the included ones', () => {
    expect(roundLimits([-0.27, 0.79], [0], 0.2)).toEqual({ min: -0.4, max: 0.8, step: 0.2 })
  })

  test('contain every value, for any values', () => {
    fc.assert(
      fc.property(fc.array(fc.double({ min: -1, max: 1, noNaN: true })), values => {
        const { min, max, step } = roundLimits(values, [0], 0.02)
        expect(max).toBeGreaterThan(min)
        expect((max - min) / step).toBeLessThan(10)
        for (const value of [...values, 0]) {
          expect(value).toBeGreaterThanOrEqual(min - 1e-6)
          expect(value).toBeLessThanOrEqual(max + 1e-6)
        }
      }),
    )
  })

  test('steps are 1, 2 or 5 times a power of ten, with enough decimals to distinguish them', () => {
    expect([0.9, 1.3, 0.03].map(span => roundStep(span, 7))).toEqual([0.2, 0.2, 0.005])
    expect([0.2, 0.05, 0.005, 1].map(decimalsOf)).toEqual([1, 2, 3, 1])
  })
})

describe('round limits', () => {
  test.each([
    { values: [0.5], include: [], minSpan: 0.2, limits: { min: 0.4, max: 0.6, step: 0.05 } },
    { values: [0.25, 0.5], include: [], minSpan: 0.25, limits: { min: 0.25, max: 0.5, step: 0.05 } },
    { values: [], include: [], minSpan: 0.2, limits: { min: 0, max: 0.2, step: 0.2 } },
    { values: [], include: [0], minSpan: 0.2, limits: { min: -0.1, max: 0.1, step: 0.05 } },
    {
      values: [Number.NaN, 0.7, Number.POSITIVE_INFINITY],
      include: [0],
      minSpan: 0.2,
      limits: { min: 0, max: 0.7, step: 0.1 },
    },
    { values: [1, 3.1], include: [], minSpan: 1, limits: { min: 1, max: 3.5, step: 0.5 } },
  ])('for $values and $include, at least $minSpan apart', ({ values, include, minSpan, limits }) => {
    expect(roundLimits(values, include, minSpan)).toEqual(limits)
  })

  test('use the next larger round step, or the exact step where it fits', () => {
    expect([7, 7.1, 14, 14.1, 35, 35.1, 70, 70.1].map(span => roundStep(span, 7))).toEqual([1, 2, 2, 5, 5, 10, 10, 20])
    expect([0.7, 0.07, 0.14, 0.35].map(span => roundStep(span, 7))).toEqual([0.1, 0.01, 0.02, 0.05])
    expect([0.1, 0.01, 0.5, 10].map(decimalsOf)).toEqual([1, 2, 1, 1])
  })
})

describe('time ticks', () => {
  test('are ten minutes to eight weeks apart, in usual steps', () => {
    const steps = Array.from({ length: 120 }, (_, at) => {
      const span = 10 * 60_000 * 1.1 ** at
      const [first = 0, second = 0] = timeTicks({ min: 0, max: span }, 3)
      return (second - first) / 60_000
    })
    const known = [10, 20, 30, 60, 120, 180, 360, 720, 1440, 2880, 10080, 20160, 40320, 80640]
    expect([...new Set(steps)].filter(step => step > 0 && step <= 80640)).toEqual(known)
  })

  test('are at most as many as allowed, including both ends', () => {
    expect(timeTicks({ min: 0, max: 2 * HOUR_MS }, 3)).toEqual([0, HOUR_MS, 2 * HOUR_MS])
    expect(timeTicks({ min: 1, max: 2 * HOUR_MS - 1 }, 3)).toEqual([HOUR_MS])
    const years = 20 * 365 * 24 * HOUR_MS
    expect(timeTicks({ min: 2 * years, max: 4 * years }, 3)).toEqual([2 * years, 3 * years, 4 * years])
  })

  test('are round times, and not more than fit', () => {
    const start = Date.parse('2026-11-22T17:20:00Z')
    const ticks = timeTicks({ min: start, max: start + 70 * 60_000 }, 4)
    expect(ticks.map(tick => new Date(tick).toISOString().slice(11, 16))).toEqual(['17:20', '17:40', '18:00', '18:20'])
  })

  test('are at local hours in a zone with a half-hour offset', () => {
    const ticks = timeTicks({ min: 0, max: 12 * HOUR_MS }, 5, 5.5 * HOUR_MS)
    for (const tick of ticks) expect((tick + 5.5 * HOUR_MS) % (3 * HOUR_MS)).toBe(0)
  })
})

describe('labels next to lines', () => {
  test('stay at their wanted position when there is room', () => {
    expect(spreadApart([50, 10, 90], 15, { min: 0, max: 100 })).toEqual([50, 10, 90])
  })

  test('two with the same wanted position move apart evenly', () => {
    expect(spreadApart([50, 50], 20, { min: 0, max: 100 })).toEqual([40, 60])
  })

  test('share the room when there is too little; equal positions keep their order', () => {
    expect(spreadApart([5, 5, 5], 20, { min: 10, max: 30 })).toEqual([10, 20, 30])
    expect(spreadApart([50, 50, 50], 10, { min: 0, max: 100 })).toEqual([40, 50, 60])
    expect(spreadApart([120], 20, { min: 0, max: 100 })).toEqual([100])
    expect(spreadApart([30, 20], 10, { min: 0, max: 100 })).toEqual([30, 20])
    expect(spreadApart([], 20, { min: 0, max: 100 })).toEqual([])
    expect(spreadApart([20, 40, 43], 9, { min: 0, max: 100 })).toEqual([20, 37, 46])
  })

  test('keep their distance, their order and the limits, for any ends of the lines', () => {
    const limits = { min: 0, max: 400 }
    fc.assert(
      fc.property(fc.array(fc.integer({ min: -50, max: 450 }), { maxLength: 40 }), wanted => {
        const placed = spreadApart(wanted, 15, limits)
        const gap = wanted.length > 1 ? Math.min(15, 400 / (wanted.length - 1)) : 15
        const sorted = placed.toSorted((a, b) => a - b)
        for (const [index, y] of sorted.entries()) {
          expect(y).toBeGreaterThanOrEqual(limits.min - 1e-6)
          expect(y).toBeLessThanOrEqual(limits.max + 1e-6)
          if (index > 0) expect(y - (sorted[index - 1] ?? 0)).toBeGreaterThanOrEqual(gap - 1e-6)
        }
        for (const [i, a] of wanted.entries())
          for (const [j, b] of wanted.entries()) if (a < b) expect(placed[i]).toBeLessThan(placed[j] ?? 0)
      }),
    )
  })
})

describe('ticks of months', () => {
  const iso = (ms: number) => new Date(ms).toISOString().slice(0, 10)

  test('are starts of UTC months, and as many as fit', () => {
    const year = { min: Date.UTC(2025, 10, 27), max: Date.UTC(2026, 10, 27) }
    expect(monthTicks(year, 12).map(iso).slice(0, 3)).toEqual(['2025-12-01', '2026-01-01', '2026-02-01'])
    expect(monthTicks(year, 4).map(iso)).toEqual(['2026-01-01', '2026-04-01', '2026-07-01', '2026-10-01'])
    expect(monthTicks(year, 1).map(iso)).toEqual(['2026-01-01'])
    expect(monthTicks({ min: 0, max: 365 * 24 * HOUR_MS - 1 }, 12)).toHaveLength(12)
  })
})
