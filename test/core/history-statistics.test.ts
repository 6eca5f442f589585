import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { BANDS, type ImageEvent } from '../../functions/core/event.ts'
import { addHistories, emptyHistory, type History } from '../../functions/core/history.ts'
import { correlation, FEATURES, quantile, separability, trend } from '../../functions/core/history-statistics.ts'
import { DAY_MS } from '../../functions/core/time.ts'
import { imageEvents } from '../support/arbitraries.ts'
import { imageEvent } from '../support/factories.ts'
import { historyOf } from '../support/histories.ts'

const someImages = fc.array(imageEvents, { maxLength: 25 })
const shares = fc.oneof(fc.double({ min: 0, max: 1, noNaN: true }), fc.constantFrom(0, 0.05, 0.25, 0.5, 0.75, 0.95, 1))

const ofNdvi = (...ndvi: number[]) => historyOf(ndvi.map(ndviMean => imageEvent({ ndviMean })))

type Point = readonly [x: number, y: number]

/** n times the sum of the products of the deviations from the means, by pairs of points: no means, no cancellation. */
function pairwise(points: readonly Point[], of: (dx: bigint, dy: bigint) => bigint): number {
  let sum = 0n
  for (const [index, [x, y]] of points.entries()) {
    for (const [otherX, otherY] of points.slice(0, index)) sum += of(BigInt(x - otherX), BigInt(y - otherY))
  }
  return Number(sum)
}

const covariance = (points: readonly Point[]) => pairwise(points, (dx, dy) => dx * dy)
const varianceX = (points: readonly Point[]) => pairwise(points, dx => dx * dx)
const varianceY = (points: readonly Point[]) => pairwise(points, (_, dy) => dy * dy)
const pearson = (points: readonly Point[]) =>
  covariance(points) / Math.sqrt(varianceX(points)) / Math.sqrt(varianceY(points))

/** The history of the same images, repeated. */
function repeated(history: History, times: number): History {
  const half = times < 2 ? emptyHistory() : repeated(history, Math.floor(times / 2))
  const even = addHistories(half, half)
  return times % 2 === 0 ? even : addHistories(even, history)
}

const MANY = 1_234_567_891

describe('a quantile', () => {
  it('lies in the bin of the image that has this share of all images at or below it', () => {
    fc.assert(
      fc.property(someImages, shares, (images, share) => {
        fc.pre(images.length > 0)
        const ascending = images.map(({ ndviMean }) => ndviMean).sort((a, b) => a - b)
        const image = ascending[Math.max(0, Math.ceil(share * images.length) - 1)] as number
        const bin = Math.floor(image / 1000)
        const found = quantile(historyOf(images).histogram, share) as number
        expect(found).toBeGreaterThanOrEqual(bin / 1000)
        expect(found).toBeLessThanOrEqual(Math.min(1, (bin + 1) / 1000))
      }),
    )
  })

  it('for a greater share is not lower', () => {
    fc.assert(
      fc.property(someImages, shares, shares, (images, a, b) => {
        fc.pre(images.length > 0)
        const { histogram } = historyOf(images)
        const [lower, higher] = [Math.min(a, b), Math.max(a, b)].map(share => quantile(histogram, share) as number)
        expect(lower).toBeLessThanOrEqual(higher as number)
      }),
    )
  })

  it.each([
    ['within a bin, as if its images were spread evenly', { 300: 4 }, 0.25, 0.30025],
    ['of all images, at the upper edge of the last bin', { 300: 4 }, 1, 0.301],
    ['of none, at the lower edge of the first bin', { 300: 4 }, 0, 0.3],
    ['within a bin below zero', { [-300]: 4 }, 0.25, -0.29975],
    ['between bins on both sides of zero', { 0: 2, [-1]: 2 }, 0.5, 0],
    ['whose bins are in no order', { 500: 1, [-500]: 3, 0: 4 }, 0.25, -0.5 + 0.002 / 3],
    ['past bins without images', { [-900]: 0, 0: 1 }, 0.5, 0.0005],
    ['of images with the highest possible NDVI', { 1000: 3 }, 0.95, 1],
  ])('%s', (_, bins, share, expected) => {
    const histogram = new Map(Object.entries(bins).map(([bin, count]) => [Number(bin), count]))
    expect(quantile(histogram, share)).toBeCloseTo(expected, 12)
  })

  it('is unknown for no images', () => {
    expect(quantile(new Map(), 0.5)).toBeNull()
    expect(quantile(new Map([[7, 0]]), 0.5)).toBeNull()
  })
})

describe('the correlation of a band with NDVI', () => {
  it('is Pearson’s, over the images where the band was measured', () => {
    fc.assert(
      fc.property(someImages, fc.constantFrom(...BANDS), (images, band) => {
        const points = images.flatMap(image => (image[band] === null ? [] : [[image[band], image.ndviMean] as const]))
        const found = correlation(historyOf(images), band)
        if (varianceX(points) === 0 || varianceY(points) === 0) {
          expect(found).toBeNull()
        } else {
          expect(found).toBeCloseTo(pearson(points), 12)
          expect(Math.abs(found as number)).toBeLessThanOrEqual(1)
        }
      }),
    )
  })

  it.each([
    ['no images', []],
    ['one image', [imageEvent({ red: 1 })]],
    ['a constant band', [imageEvent({ red: 5, ndviMean: 1 }), imageEvent({ red: 5, ndviMean: -1 })]],
    ['constant NDVI', [imageEvent({ red: 5 }), imageEvent({ red: 6 })]],
    ['a band that was measured once', [imageEvent({ red: 5, ndviMean: 1 }), imageEvent({ ndviMean: 2 })]],
  ])('is unknown for %s', (_, images) => {
    expect(correlation(historyOf(images), 'red')).toBeNull()
  })

  it('is 1 or -1 on a straight line', () => {
    const line = (slope: number) =>
      [1, 2, 5, 9].map(place => imageEvent({ nir: 900_000_000 + place, ndviMean: slope * place }))
    expect(correlation(historyOf(line(7)), 'nir')).toBe(1)
    expect(correlation(historyOf(line(-7)), 'nir')).toBe(-1)
  })

  it('stays exact for billions of images', () => {
    const points = [[999_999_998, 3] as const, [999_999_999, -4] as const, [1_000_000_000, 4] as const]
    const history = historyOf(points.map(([blue, ndviMean]) => imageEvent({ blue, ndviMean: 999_990 + ndviMean })))
    expect(correlation(repeated(history, MANY), 'blue')).toBeCloseTo(pearson(points), 12)
  })
})

describe('the trend', () => {
  const pointOf = ({ eventMs, ndviMean }: ImageEvent): Point => [Math.floor(eventMs / DAY_MS), ndviMean]

  it('is the least-squares line through NDVI over days', () => {
    fc.assert(
      fc.property(someImages, images => {
        const points = images.map(pointOf)
        const line = trend(historyOf(images))
        if (varianceX(points) === 0) {
          expect(line).toBeNull()
        } else {
          const perYear = ((covariance(points) / varianceX(points)) * 365.25) / 1e6
          expect(line?.slopePerYear).toBeCloseTo(perYear, 12)
          expect(line?.correlation).toBeCloseTo(varianceY(points) === 0 ? 0 : pearson(points), 12)
        }
      }),
    )
  })

  it('for images on a line is that line, with a correlation of at most 1', () => {
    fc.assert(
      fc.property(
        fc.uniqueArray(fc.integer({ min: 0, max: 20_000 }), { minLength: 2, maxLength: 20 }),
        fc.constantFrom(1, -1, 3, -7, 49, -50),
        fc.integer({ min: 1, max: MANY }),
        (days, microADay, times) => {
          const images = days.map(day =>
            imageEvent({ eventMs: day * DAY_MS + (day % 1000), ndviMean: (day - 10_000) * microADay }),
          )
          const line = trend(repeated(historyOf(images), times))
          expect(line?.slopePerYear).toBeCloseTo(microADay * 365.25e-6, 12)
          expect(line?.correlation).toBeCloseTo(Math.sign(microADay), 12)
          expect(Math.abs(line?.correlation as number)).toBeLessThanOrEqual(1)
        },
      ),
    )
  })

  it('of constant NDVI is flat', () => {
    const images = [0, 3, 9].map(day => imageEvent({ eventMs: day * DAY_MS, ndviMean: -123_456 }))
    expect(trend(historyOf(images))).toEqual({ slopePerYear: 0, correlation: 0 })
  })

  it('is unknown for no images, for one image, and within one day', () => {
    expect(trend(emptyHistory())).toBeNull()
    expect(trend(historyOf([imageEvent()]))).toBeNull()
    const oneDay = [0, DAY_MS - 1].map(ms => imageEvent({ eventMs: 20_000 * DAY_MS + ms, ndviMean: ms }))
    expect(trend(historyOf(oneDay))).toBeNull()
  })

  it('stays exact for billions of images', () => {
    const images = [20_000, 20_001, 20_002].map((day, index) =>
      imageEvent({ eventMs: day * DAY_MS, ndviMean: 999_990 + ([0, 7, 2][index] as number) }),
    )
    const points = images.map(pointOf)
    expect(trend(repeated(historyOf(images), MANY))?.correlation).toBeCloseTo(pearson(points), 12)
  })
})

describe('the separability of two classes', () => {
  const classOf = fc.array(imageEvents, { minLength: 2, maxLength: 25 })

  it('is the Jeffries-Matusita distance of two normal distributions', () => {
    fc.assert(
      fc.property(classOf, classOf, (first, second) => {
        const [a, b] = [first, second].map(images => {
          const values = images.map(({ ndviMean }) => ndviMean / 1e6)
          const mean = values.reduce((sum, value) => sum + value, 0) / values.length
          const squares = values.reduce((sum, value) => sum + (value - mean) ** 2, 0)
          return { mean, sd: Math.sqrt(squares / (values.length - 1)) }
        }) as [{ mean: number; sd: number }, { mean: number; sd: number }]
        // The case in which one of them has no variance follows below.
        fc.pre(a.sd > 1e-3 && b.sd > 1e-3)
        const found = separability(historyOf(first), historyOf(second), 'ndvi')
        // Twice the square of Hellinger's distance (Bhattacharyya 1943).
        const overlap =
          Math.sqrt((2 * a.sd * b.sd) / (a.sd ** 2 + b.sd ** 2)) *
          Math.exp(-((a.mean - b.mean) ** 2) / (4 * (a.sd ** 2 + b.sd ** 2)))
        expect(found).toBeCloseTo(2 * (1 - overlap), 10)
      }),
    )
  })

  it('is 0 to 2, in either order of the classes, for each quantity', () => {
    fc.assert(
      fc.property(classOf, classOf, fc.constantFrom(...FEATURES), (first, second, feature) => {
        const [a, b] = [historyOf(first), historyOf(second)]
        const found = separability(a, b, feature)
        expect(separability(b, a, feature)).toBe(found)
        if (found === null) return
        expect(found).toBeGreaterThanOrEqual(0)
        expect(found).toBeLessThanOrEqual(2)
      }),
    )
  })

  it('is 0 for equal classes, and never below 0', () => {
    fc.assert(
      fc.property(classOf, fc.integer({ min: 1, max: MANY }), (images, times) => {
        fc.pre(new Set(images.map(({ ndviMean }) => ndviMean)).size > 1)
        const history = repeated(historyOf(images), times)
        expect(separability(history, history, 'ndvi')).toBe(0)
        // Nearly the same variance: its divisor is n - 1.
        const more = addHistories(history, historyOf(images))
        expect(separability(history, more, 'ndvi')).toBeGreaterThanOrEqual(0)
      }),
    )
  })

  it('is 2 when neither varies and they differ, and when only one varies', () => {
    expect(separability(ofNdvi(5, 5), ofNdvi(-5, -5, -5), 'ndvi')).toBe(2)
    expect(separability(ofNdvi(5, 5), ofNdvi(-5, 15), 'ndvi')).toBe(2)
  })

  it('is unknown when neither varies and they are equal, and for fewer than two images', () => {
    expect(separability(ofNdvi(5, 5), ofNdvi(5, 5, 5), 'ndvi')).toBeNull()
    expect(separability(emptyHistory(), ofNdvi(1, 2), 'ndvi')).toBeNull()
    expect(separability(ofNdvi(1, 2), ofNdvi(3), 'ndvi')).toBeNull()
    expect(separability(ofNdvi(1, 2), ofNdvi(3, 4), 'red')).toBeNull()
  })

  it('does not depend on the unit: bands have the same distance as NDVI with the same numbers', () => {
    const [a, b] = [
      [1, 2, 6],
      [4, 9, 5],
    ].map(values => historyOf(values.map(value => imageEvent({ ndviMean: 1000 * value, green: 1000 * value }))))
    expect(separability(a as History, b as History, 'green')).toBeCloseTo(
      separability(a as History, b as History, 'ndvi') as number,
      12,
    )
  })
})
