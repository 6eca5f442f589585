import { expect, it } from 'vitest'
import { centreShares } from '../../functions/images/zonal/coverage.ts'
import { addPixels, type Pixels } from '../../functions/images/zonal/pixels.ts'
import { emptySums } from '../../functions/images/zonal/statistics.ts'

/** Edges of an upright rectangle of two rows. */
function rectangle(x0: number, x1: number): Float64Array {
  return Float64Array.from([x0, 0, x1, 0, x1, 0, x1, 2, x1, 2, x0, 2, x0, 2, x0, 0])
}

it('a pixel whose centre lies on the border of two sites belongs to exactly one of them', () => {
  const window = { x0: 0, x1: 4, y0: 0, y1: 2 }
  const sharesOf = (x0: number, x1: number) => {
    const shares = new Float64Array(8)
    centreShares(rectangle(x0, x1), window, shares)
    return [...shares.subarray(0, 4)]
  }
  expect(sharesOf(0.5, 2.5)).toEqual([1, 1, 0, 0])
  expect(sharesOf(2.5, 4)).toEqual([0, 0, 1, 1])
})

it('a pixel counts when one of its bands has no reflectance, but not when both have none or one is below zero', () => {
  const window = { x0: 0, x1: 4, y0: 0, y1: 1 }
  const samples = { red: Float64Array.of(0, 1_000, 0, 900), nir: Float64Array.of(3_000, 0, 0, -100) }
  const pixels: Pixels = { window, samples, states: null }
  const scaling = { scale: 0.0001, offset: 0, nodata: null }
  const sums = emptySums()
  addPixels(sums, pixels, { red: scaling, nir: scaling }, window, 0, 1, Float64Array.of(1, 1, 1, 1), null)
  expect(sums).toMatchObject({ inside: 4, valid: 2, ndviMin: -1, ndviMax: 1 })
})
