import { describe, expect, it } from 'vitest'
import { levelOf, NO_LEVEL, textureOf } from '../../functions/images/texture/glcm.ts'

describe('the texture of an image', () => {
  it('is the mean of four directions', () => {
    // Worked out by hand: to the right the pairs (0,0), (1,1); up (1,0) twice; up and right (1,0); up and left (1,0).
    const texture = textureOf(Uint8Array.from([0, 0, 1, 1]), 2, 2)
    expect(texture?.contrast).toBeCloseTo((0 + 1 + 1 + 1) / 4, 12)
    expect(texture?.dissimilarity).toBeCloseTo(3 / 4, 12)
    expect(texture?.homogeneity).toBeCloseTo((1 + 0.5 + 0.5 + 0.5) / 4, 12)
    expect(texture?.energy).toBeCloseTo(Math.sqrt(0.5), 12)
    expect(texture?.correlation).toBeCloseTo((1 - 1 - 1 - 1) / 4, 12)
    expect(texture?.entropy).toBeCloseTo(Math.log(2), 12)
  })

  it('weighs differences of levels by their square, and products by their levels', () => {
    const texture = textureOf(Uint8Array.from([3, 9]), 2, 1)
    expect(texture).toMatchObject({ contrast: 36, dissimilarity: 6, homogeneity: 1 / 37, correlation: -1 })
  })

  it('is that of one level where all are alike', () => {
    const texture = textureOf(new Uint8Array(9).fill(5), 3, 3)
    expect(texture).toEqual({ contrast: 0, dissimilarity: 0, homogeneity: 1, energy: 1, correlation: 1, entropy: 0 })
  })

  it('leaves out pixels that do not count', () => {
    expect(textureOf(Uint8Array.from([1, NO_LEVEL, 2, 2]), 4, 1)).toMatchObject({ contrast: 0, energy: 1 })
    expect(textureOf(Uint8Array.from([1, NO_LEVEL, 2]), 3, 1)).toBeNull()
  })

  it.each([
    [-1, 0],
    [-0.969, 0],
    [-0.96875, 1],
    [0, 32],
    [0.96875, 63],
    [1, 63],
  ])('takes an NDVI of %d for level %i', (ndvi, level) => {
    expect(levelOf(ndvi)).toBe(level)
  })
})
