import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { fromMicro, fromMilli, toMicro, toMilli } from '../../functions/core/fixed-point.ts'

describe('fixed point', () => {
  it.each([
    [0.42, 420_000],
    [-0.238, -238_000],
    [1, 1_000_000],
    [-1, -1_000_000],
    [0.1 + 0.2, 300_000],
    [0.0000004, 0],
    [0.0000006, 1],
    [1e-300, 0],
    [5e-324, 0],
  ])('converts %d to %i millionths', (value, micro) => {
    expect(toMicro(value)).toBe(micro)
  })

  it('has only one zero, so that equal values have the same bits', () => {
    for (const value of [-0, -1e-9, -0.0000004, 1e-9]) {
      expect(Object.is(toMicro(value), 0)).toBe(true)
      expect(Object.is(toMilli(value), 0)).toBe(true)
    }
  })

  it('returns every value of its own resolution unchanged, positive or negative', () => {
    fc.assert(fc.property(fc.integer({ min: -1e9, max: 1e9 }), n => toMicro(fromMicro(n)) === n))
    fc.assert(fc.property(fc.integer({ min: 0, max: 1e9 }), n => toMilli(fromMilli(n)) === n))
  })

  it('differs by at most half its resolution, and never reverses an order', () => {
    const ndvi = fc.double({ min: -1, max: 1, noNaN: true })
    fc.assert(
      fc.property(ndvi, ndvi, (a, b) => {
        expect(Math.abs(fromMicro(toMicro(a)) - a)).toBeLessThanOrEqual(0.5000001e-6)
        if (a <= b) expect(toMicro(a)).toBeLessThanOrEqual(toMicro(b))
      }),
    )
  })
})
