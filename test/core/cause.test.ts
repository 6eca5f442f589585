import { describe, expect, it } from 'vitest'
import { type BandChange, causeOf, medianChange } from '../../functions/core/incidents/cause.ts'
import { bandChangeOf, countSiteLook, emptySiteTotals } from '../../functions/core/looks/site-totals.ts'
import { DAY_MS } from '../../functions/core/time.ts'

/** Band means in digital numbers: blue, red, near infrared. */
type Bands = readonly [number, number, number]
const FOREST: Bands = [250, 320, 3_400]
const GRASS: Bands = [500, 700, 3_000]
const WHEAT: Bands = [300, 400, 4_000]
const SAVANNA: Bands = [600, 900, 2_200]

const change = (before: Bands, after: Bands): BandChange => {
  const [blue, red, nir] = [0, 1, 2].map(band => 1_000 * ((after[band] as number) - (before[band] as number)))
  return { blue: blue as number, red: red as number, nir: nir as number }
}
/** Cause of five sites that change, each a little differently. */
const cause = (before: Bands, after: Bands) =>
  causeOf(
    [-40, -20, 0, 20, 40].map(noise => change(before, [after[0] + noise / 4, after[1] - noise / 4, after[2] + noise])),
  )
const plus = ([blue, red, nir]: Bands, constant: number): Bands => [blue + constant, red + constant, nir + constant]

describe('the cause of a change at many sites', () => {
  it.each([1_000, 500, 200, -200])('is the producer when %i is added to all bands of any cover', constant => {
    for (const cover of [FOREST, GRASS, WHEAT, SAVANNA]) expect(cause(cover, plus(cover, constant))).toBe('producer')
  })

  it.each<[string, Bands, Bands]>([
    ['a clearing', FOREST, [700, 1_300, 2_500]],
    ['a clearing of dark forest, after which soil is bright in near infrared', [180, 250, 2_000], [650, 1_200, 2_800]],
    ['a drought', GRASS, [800, 1_400, 2_700]],
    ['a harvest', WHEAT, [750, 1_400, 2_700]],
    ['a flood', GRASS, [500, 450, 400]],
    ['a fire', FOREST, [350, 480, 900]],
    ['a fire in a savanna, where all bands fall', SAVANNA, [400, 500, 900]],
    ['growth', SAVANNA, FOREST],
    ['a gain of one band', FOREST, [250, 420, 3_400]],
    ['nothing', FOREST, FOREST],
  ])('is the land for %s', (_, before, after) => {
    expect(cause(before, after)).toBe('land')
  })

  it('does not follow from a gain of all bands: NDVI stays the same, so nothing opens', () => {
    expect(cause(FOREST, [275, 352, 3_740])).toBe('land')
  })

  it('is decided by red and near infrared alone when blue is not measured', () => {
    const soil = change([180, 250, 2_000], [650, 1_200, 2_800])
    expect(causeOf([soil])).toBe('land')
    expect(causeOf([{ ...soil, blue: null }])).toBe('producer')
  })

  it('treats changes as equal when the smaller is at least two thirds of the larger', () => {
    const of = (red: number, nir: number) => causeOf([{ blue: null, red, nir }])
    expect([of(200, 300), of(199, 300), of(300, 200), of(300, 199)]).toEqual(['producer', 'land', 'producer', 'land'])
    expect([of(-200, -300), of(-200, 300), of(0, 0)]).toEqual(['producer', 'land', 'land'])
  })

  it('is the land when the bands of half of the sites are not known', () => {
    const shift = change(FOREST, plus(FOREST, 1_000))
    expect(causeOf([shift, null])).toBe('land')
    expect(causeOf([shift, shift, null])).toBe('producer')
    expect(causeOf([])).toBe('land')
  })
})

describe('the change of bands', () => {
  const look = (day: number, red: number | null, nir: number | null = 3_000, blue: number | null = null) => ({
    eventMs: day * DAY_MS,
    ndvi: 0,
    red,
    nir,
    blue,
  })

  it('of a look is the difference from earlier looks at the site within 25 days of the same day of the year', () => {
    const totals = emptySiteTotals()
    for (const [day, red] of [
      [105, 300],
      [115, 400],
      [205, 9_000],
    ] as const)
      countSiteLook(totals, look(day, red))
    expect(bandChangeOf(totals, look(475, 1_350, 4_000, 700))).toEqual({ blue: null, red: 1_000, nir: 1_000 })
    expect(bandChangeOf(totals, look(475, null))).toBeNull()
    expect(bandChangeOf(totals, look(650, 300))).toBeNull()
  })

  it('of a site is the median of its unusual looks', () => {
    const changes = [1, 5, 3].map(each => ({ blue: each === 5 ? null : each, red: each, nir: -each }))
    expect(medianChange([...changes, null])).toEqual({ blue: 2, red: 3, nir: -3 })
    expect(medianChange([null])).toBeNull()
  })
})
