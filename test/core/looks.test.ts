import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { classBaselineOf } from '../../functions/core/looks/class-baseline.ts'
import {
  addClassTotals,
  countClassLight,
  countClassNdvi,
  countClassVerdict,
  emptyClassTotals,
} from '../../functions/core/looks/class-totals.ts'
import { DETECTION } from '../../functions/core/looks/detection.ts'
import {
  countInto,
  distributionOf,
  type Histogram,
  medianDistance,
  medianOf,
} from '../../functions/core/looks/histogram.ts'
import type { Look } from '../../functions/core/looks/look.ts'
import { OCTAVE_EDGES, octaveBinOf, octaveQuantile } from '../../functions/core/looks/octaves.ts'
import { isLearning, scoreOf } from '../../functions/core/looks/score.ts'
import {
  CLASS_BINS,
  classBinOf,
  dot,
  SITE_BINS,
  siteBinOf,
  waveAt,
  YEAR_MS,
} from '../../functions/core/looks/season.ts'
import { siteBaselineOf } from '../../functions/core/looks/site-baseline.ts'
import { addSiteTotals, countSiteLook, emptySiteTotals } from '../../functions/core/looks/site-totals.ts'
import { verdictOf } from '../../functions/core/looks/verdict.ts'
import { DAY_MS } from '../../functions/core/time.ts'

const looks = fc.array(
  fc.record({
    eventMs: fc.integer({ min: 0, max: 40 * YEAR_MS }),
    ndvi: fc.integer({ min: -1_000_000, max: 1_000_000 }),
    blue: fc.option(fc.integer({ min: 0, max: 1_000_000_000 })),
    red: fc.option(fc.integer({ min: 0, max: 1_000_000_000 })),
    nir: fc.option(fc.integer({ min: 0, max: 1_000_000_000 })),
    verdict: fc.constantFrom('land' as const, 'not-land' as const),
  }),
  { maxLength: 60 },
)

describe('seasons', () => {
  it('put every time into one of 37, and one of 73, bins', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 100 * YEAR_MS }), ms => {
        expect(siteBinOf(ms)).toBeLessThan(SITE_BINS)
        expect(classBinOf(ms)).toBeLessThan(CLASS_BINS)
        expect(siteBinOf(ms + YEAR_MS)).toBe(siteBinOf(ms))
      }),
    )
    expect([siteBinOf(YEAR_MS - 1), classBinOf(YEAR_MS - 1), siteBinOf(0)]).toEqual([36, 72, 0])
  })
})

describe('eighths of octaves', () => {
  it('have the exact edges: the eighth power of an edge reaches its power of two, the number before it does not', () => {
    for (const [bin, edge] of OCTAVE_EDGES.entries()) {
      expect(BigInt(edge) ** 8n >= 1n << BigInt(bin)).toBe(true)
      expect(BigInt(edge - 1) ** 8n < 1n << BigInt(bin)).toBe(true)
    }
  })

  it('hold each number between their edges', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 1_000_000_000 }), value => {
        const bin = octaveBinOf(value)
        expect(OCTAVE_EDGES[bin]).toBeLessThanOrEqual(value)
        expect(OCTAVE_EDGES[bin + 1]).toBeGreaterThan(value)
      }),
    )
  })

  it('give as quantile the lowest edge with that share of the values below it', () => {
    const histogram: Histogram = new Map()
    for (const value of [100, 100, 100, 3_000, 3_000, 3_000, 3_000, 3_000, 3_000, 3_000])
      countInto(histogram, octaveBinOf(value))
    expect(octaveQuantile(distributionOf(histogram), 30)).toBe(OCTAVE_EDGES[octaveBinOf(100) + 1])
    expect(octaveQuantile(distributionOf(histogram), 31)).toBe(OCTAVE_EDGES[octaveBinOf(3_000) + 1])
  })
})

describe('a verdict', () => {
  const typical = { blue: 300_000, red: 400_000 }
  const look = (blue: number | null, red: number | null, cloudFraction: number | null = null) =>
    verdictOf({ blue, red, cloudFraction, validFraction: null }, typical, DETECTION)

  it('is not land only when a look is both bright and white', () => {
    expect(look(600_000, 400_000)).toBe('land')
    expect(look(600_001, 400_000)).toBe('not-land')
    // 5 (700 - 300) is 4 (900 - 400): bare soil is as bright, but redder.
    expect(look(700_000, 900_000)).toBe('land')
    expect(look(700_000, 899_999)).toBe('not-land')
  })

  it("follows the producer's mask, even against the bands", () => {
    expect(look(9_000_000, 9_000_000, 100_000)).toBe('land')
    expect(look(300_000, 400_000, 100_001)).toBe('not-land')
    const partial = { blue: null, red: null, cloudFraction: 0, validFraction: 899_999 }
    expect(verdictOf(partial, typical, DETECTION)).toBe('not-land')
    expect(verdictOf({ ...partial, validFraction: 900_000 }, null, DETECTION)).toBe('land')
  })

  it('is land when nothing says otherwise', () => {
    expect(look(null, 400_000)).toBe('land')
    expect(verdictOf({ blue: 1e9, red: 1e9, cloudFraction: null, validFraction: null }, null, DETECTION)).toBe('land')
  })

  it('knows the typical bands from 30 looks on, and leaves out bands of 0', () => {
    const totals = emptyClassTotals()
    const typicalAfter = (count: number, blue: number) => {
      for (let index = 0; index < count; index++) countClassLight(totals, { blue, red: 400 })
      return classBaselineOf(totals, DETECTION).typical
    }
    expect(typicalAfter(29, 300)).toBeNull()
    expect(typicalAfter(50, 0)).toBeNull()
    expect(typicalAfter(1, 300)).toEqual({
      blue: OCTAVE_EDGES[octaveBinOf(300) + 1],
      red: OCTAVE_EDGES[octaveBinOf(400) + 1],
    })
  })

  it('knows the land of a class that is cloudy three times in four', () => {
    const totals = emptyClassTotals()
    for (let index = 0; index < 100; index++) {
      const [blue, red] = index % 4 === 0 ? [300, 400] : [4_000 + index, 4_000 + index]
      countClassLight(totals, { blue, red })
    }
    expect(classBaselineOf(totals, DETECTION).typical).toEqual({
      blue: OCTAVE_EDGES[octaveBinOf(300) + 1],
      red: OCTAVE_EDGES[octaveBinOf(400) + 1],
    })
  })
})

describe('totals', () => {
  it('of parts add up to those of the whole, in any order', () => {
    fc.assert(
      fc.property(looks, looks, (first, second) => {
        const of = (each: typeof first) => {
          const totals = { site: emptySiteTotals(), class: emptyClassTotals() }
          for (const look of each) {
            countClassLight(totals.class, look)
            countClassVerdict(totals.class, look, look.verdict)
            countClassNdvi(totals.class, look, look.ndvi % 7 === 0 ? null : -look.ndvi)
            countSiteLook(totals.site, look)
          }
          return totals
        }
        const whole = of([...second, ...first])
        const sum = of(first)
        const other = of(second)
        addSiteTotals(sum.site, other.site)
        addClassTotals(sum.class, other.class)
        expect(sum).toEqual(whole)
        expect(classBaselineOf(sum.class, DETECTION)).toEqual(classBaselineOf(whole.class, DETECTION))
      }),
      { numRuns: 30 },
    )
  })
})

describe('histograms', () => {
  it('have the median, and the median distance, of their values to within a bin', () => {
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: -1_000_000, max: 1_000_000 }), { minLength: 1, maxLength: 99 }),
        values => {
          const middle = (of: number[]) => of.toSorted((a, b) => a - b)[Math.ceil(of.length / 2) - 1] as number
          const histogram: Histogram = new Map()
          for (const value of values) countInto(histogram, Math.floor(value / 5_000))
          const median = medianOf(distributionOf(histogram), 5_000)
          expect(Math.abs(median - middle(values))).toBeLessThanOrEqual(5_000)
          const distance = medianDistance(distributionOf(histogram), median, 5_000)
          expect(Math.abs(distance - middle(values.map(value => Math.abs(value - median))))).toBeLessThanOrEqual(5_000)
        },
      ),
    )
  })
})

const UNMEASURED = { blue: null, red: null, nir: null }

/** A look of a forest with a yearly wave of `amplitude` above `mean`. */
const seen = (eventMs: number, mean: number, amplitude = 0) => ({
  ...UNMEASURED,
  eventMs,
  ndvi: Math.round(mean + amplitude * (waveAt(eventMs)[1] as number)),
})

/** Looks of three years, one in ten days. */
const DAYS = Array.from({ length: 110 }, (_, index) => (index * 10 + 5) * DAY_MS)

function classOf(amplitude = 0) {
  const totals = emptyClassTotals()
  for (const eventMs of DAYS)
    countClassNdvi(totals, seen(eventMs, 700_000, amplitude), eventMs % 20_000_000 === 0 ? 12_000 : -12_000)
  return classBaselineOf(totals, DETECTION)
}

describe('a baseline', () => {
  it('of a class follows the season', () => {
    const { curve } = classOf(100_000)
    for (const eventMs of DAYS.slice(0, 36)) {
      expect(Math.abs((curve[classBinOf(eventMs)] as number) - seen(eventMs, 700_000, 100_000).ndvi)).toBeLessThan(
        15_000,
      )
    }
  })

  it('of a class needs 20 looks, and takes them from the whole year if necessary', () => {
    const totals = emptyClassTotals()
    for (const eventMs of DAYS.slice(0, 19)) countClassNdvi(totals, seen(eventMs, 700_000), null)
    expect(new Set(classBaselineOf(totals, DETECTION).curve)).toEqual(new Set([null]))
    countClassNdvi(totals, seen(DAY_MS, 700_000), null)
    expect(new Set(classBaselineOf(totals, DETECTION).curve)).toEqual(new Set([702_500]))
  })

  it('of a class uses the spread of NDVI for a season with too few residuals', () => {
    const totals = emptyClassTotals()
    const baseline = () => classBaselineOf(totals, DETECTION)
    const count = (looks: number, ndvi: number, residual: number | null, day = 100) => {
      for (let index = 0; index < looks; index++)
        countClassNdvi(totals, { eventMs: day * DAY_MS, ndvi: ndvi + 5_000 * (((index * 13) % 40) - 20) }, residual)
    }
    count(40, 600_000, null)
    expect(baseline().scale[20]).toBe(baseline().spread[20])
    expect(Math.abs((baseline().spread[20] as number) - 75_000)).toBeLessThan(8_000)
    // Residuals of another season are known, and small.
    count(40, 600_000, 0, 280)
    expect(baseline().scale[20]).toBe(baseline().spread[20])
    expect(baseline().scale[56]).toBeLessThan(5_000)
  })

  it('of a class is as wide as the residuals of a short season in which it changes fast', () => {
    const totals = emptyClassTotals()
    for (let day = 70; day < 130; day++) {
      const width = day >= 88 && day < 114 ? 100_000 : 5_000
      for (const share of [-1, -0.5, 0, 0.5, 1])
        countClassNdvi(totals, { eventMs: day * DAY_MS, ndvi: 600_000 }, share * width)
    }
    // Within 15 days most looks are of the fast season, within 30 days they are not.
    expect(classBaselineOf(totals, DETECTION).scale[20]).toBeGreaterThan(60_000)
  })

  it('of a site is its own wave on the curve of its class, and outliers hardly move it', () => {
    const totals = emptySiteTotals()
    for (const eventMs of DAYS) countSiteLook(totals, seen(eventMs, 640_000, 80_000))
    const normal = classOf()
    const site = siteBaselineOf(totals, normal, DETECTION)
    expect(Math.abs((site?.wave[0] as number) - -62_500)).toBeLessThan(2_000)
    expect(Math.abs((site?.wave[1] as number) - 80_000)).toBeLessThan(12_000)
    // A cloud that no screen saw.
    countSiteLook(totals, { ...UNMEASURED, eventMs: DAYS[4] as number, ndvi: -900_000 })
    const moved = siteBaselineOf(totals, normal, DETECTION)
    expect(
      Math.abs(
        dot(moved?.wave ?? [0, 0, 0], waveAt(DAYS[4] as number)) -
          dot(site?.wave ?? [0, 0, 0], waveAt(DAYS[4] as number)),
      ),
    ).toBeLessThan(8_000)
  })

  it('of a site with few looks stays near its class', () => {
    const totals = emptySiteTotals()
    for (const eventMs of DAYS.slice(0, 2)) countSiteLook(totals, seen(eventMs, 400_000))
    expect(siteBaselineOf(totals, classOf(), DETECTION)).toBeNull()
    countSiteLook(totals, seen(DAYS[2] as number, 400_000))
    const offset = siteBaselineOf(totals, classOf(), DETECTION)?.wave[0] as number
    expect(offset).toBeGreaterThan(-302_500 * 0.9)
    expect(offset).toBeLessThan(-100_000)
  })
})

describe('a score', () => {
  const site = { wave: [-50_000, 0, 0], looks: 12, firstMs: 0 } as const
  const look = (ndvi: number): Pick<Look, 'eventMs' | 'ndvi'> => ({ eventMs: DAY_MS, ndvi })

  it('is the distance from class and site, never in smaller units than 0.02', () => {
    const normal = { ...classOf(), curve: Array(CLASS_BINS).fill(700_000), scale: Array(CLASS_BINS).fill(30_000) }
    expect(scoreOf(look(590_000), normal, site, DETECTION)).toEqual({ residual: -60_000, scale: 30_000 })
    expect(scoreOf(look(590_000), { ...normal, scale: Array(CLASS_BINS).fill(1) }, site, DETECTION)?.scale).toBe(20_000)
    expect(scoreOf(look(0), { ...normal, curve: Array(CLASS_BINS).fill(null) }, site, DETECTION)).toBeNull()
    expect(scoreOf(look(0), normal, null, DETECTION)).toBeNull()
  })

  it('counts from 12 looks and 330 days on', () => {
    expect(isLearning(site, 330 * DAY_MS, DETECTION)).toBe(false)
    expect(isLearning(site, 330 * DAY_MS - 1, DETECTION)).toBe(true)
    expect(isLearning({ ...site, looks: 11 }, 400 * DAY_MS, DETECTION)).toBe(true)
    expect(isLearning(null, 400 * DAY_MS, DETECTION)).toBe(true)
  })
})
