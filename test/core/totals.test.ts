import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { BANDS, type Band, type ImageEvent } from '../../functions/core/event.ts'
import { Accumulator, addEach, addTotals, emptyTotals, statisticsOf, type Totals } from '../../functions/core/totals.ts'
import { imageEvents } from '../support/arbitraries.ts'
import { imageEvent } from '../support/factories.ts'

type Judged = [event: ImageEvent, late: boolean]

const judged: fc.Arbitrary<Judged> = fc.tuple(imageEvents, fc.boolean())
const totals = fc.array(judged, { maxLength: 5 }).map(accumulate)

function accumulate(events: readonly Judged[]): Totals {
  const accumulator = new Accumulator()
  for (const [event, late] of events) accumulator.add(event, late)
  return accumulator.totals()
}

/** Computes every number as its own bigint, from the start. */
function naive(events: readonly Judged[]): Totals {
  const of = (pick: (event: ImageEvent) => number | null) =>
    events.map(([event]) => pick(event)).filter(value => value !== null)
  const sum = (values: number[], square = false) =>
    values.map(BigInt).reduce((total, value) => total + (square ? value * value : value), 0n)
  const ascending = (values: number[]) => values.toSorted((a, b) => a - b)
  return {
    count: events.length,
    lateCount: events.filter(([, late]) => late).length,
    ndviSum: sum(of(event => event.ndviMean)),
    ndviSquareSum: sum(
      of(event => event.ndviMean),
      true,
    ),
    ndviMin: ascending(of(event => event.ndviMin))[0] ?? null,
    ndviMax: ascending(of(event => event.ndviMax)).at(-1) ?? null,
    bands: Object.fromEntries(
      BANDS.map(band => {
        const values = of(event => event[band])
        return [band, { count: values.length, sum: sum(values) }]
      }),
    ) as Totals['bands'],
  }
}

/** Divides the events into groups, in any order. */
const groupings = fc.array(fc.tuple(judged, fc.nat(), fc.nat(6)), { maxLength: 40 }).map(drawn => ({
  events: drawn.map(([event]) => event),
  groups: Map.groupBy(
    drawn.toSorted(([, a], [, b]) => a - b),
    ([, , group]) => group,
  ),
}))

describe('totals', () => {
  it('equal a naive recount, for any grouping and order of the events', () => {
    fc.assert(
      fc.property(groupings, ({ events, groups }) => {
        const parts = [...groups.values()].map(group => accumulate(group.map(([event]) => event)))
        const expected = naive(events)
        expect(accumulate(events)).toEqual(expected)
        expect(parts.reduce(addTotals, emptyTotals())).toEqual(expected)
        expect(parts.reduceRight((sum, part) => addTotals(part, sum), emptyTotals())).toEqual(expected)
      }),
    )
  })

  it('stay exact for more events than fit into one fold, at the extremes', () => {
    const extreme = (sign: number, index: number): Judged => [
      imageEvent({
        ndviMean: sign * (1_000_000 - (index % 3)),
        ndviMin: -1_000_000,
        ndviMax: sign * 1_000_000,
        ...Object.fromEntries(BANDS.map(band => [band, 1_000_000_000 - (index % 7)])),
      }),
      index % 2 === 0,
    ]
    for (const sign of [1, -1]) {
      const events = Array.from({ length: 20_001 }, (_, index) => extreme(sign, index))
      for (const length of [8_191, 8_192, 8_193, 16_384, 20_001]) {
        const some = events.slice(0, length)
        expect(accumulate(some)).toEqual(naive(some))
      }
      expect(accumulate(events).ndviSquareSum).toBeGreaterThan(BigInt(Number.MAX_SAFE_INTEGER))
    }
  })

  it('may be read in between without an effect on later results', () => {
    const events = Array.from({ length: 10 }, (_, index): Judged => [imageEvent({ ndviMean: index }), false])
    const accumulator = new Accumulator()
    for (const [index, [event, late]] of events.entries()) {
      accumulator.add(event, late)
      expect(accumulator.totals()).toEqual(naive(events.slice(0, index + 1)))
    }
  })

  it('merge in any order and grouping, and merging empty totals changes nothing', () => {
    fc.assert(
      fc.property(totals, totals, totals, (a, b, c) => {
        expect(addTotals(a, b)).toEqual(addTotals(b, a))
        expect(addTotals(addTotals(a, b), c)).toEqual(addTotals(a, addTotals(b, c)))
        expect(addTotals(a, emptyTotals())).toEqual(a)
        expect(addTotals(emptyTotals(), a)).toEqual(a)
      }),
    )
  })

  it('are not changed by being merged', () => {
    fc.assert(
      fc.property(totals, totals, (a, b) => {
        const before = structuredClone([a, b])
        const into = new Map([['Forest', a]])
        addEach(into, [
          ['Forest', b],
          ['River', b],
        ])
        expect([a, b]).toEqual(before)
        expect(into.get('Forest')).toEqual(addTotals(a, b))
        expect(into.get('River')).toEqual(b)
      }),
    )
  })

  it('without measurements have no extremes and no bands', () => {
    expect(accumulate([[imageEvent({ ndviMean: -238_000 }), false]])).toEqual({
      ...emptyTotals(),
      count: 1,
      ndviSum: -238_000n,
      ndviSquareSum: 56_644_000_000n,
    })
  })
})

describe('statistics', () => {
  const ndvi = (...values: number[]) => accumulate(values.map(value => [imageEvent({ ndviMean: value }), false]))

  it('of no events are unknown', () => {
    expect(statisticsOf(emptyTotals())).toEqual({
      count: 0,
      lateCount: 0,
      ndviMean: null,
      ndviStddev: null,
      ndviMin: null,
      ndviMax: null,
      bandMeans: { red: null, green: null, blue: null, nir: null, brightness: null },
    })
  })

  it('of one event have a mean and no standard deviation', () => {
    expect(statisticsOf(ndvi(-238_000))).toMatchObject({ ndviMean: -0.238, ndviStddev: null })
  })

  it('divide by n - 1', () => {
    expect(statisticsOf(ndvi(200_000, 400_000))).toMatchObject({ ndviMean: 0.3 })
    expect(statisticsOf(ndvi(200_000, 400_000)).ndviStddev).toBeCloseTo(Math.SQRT2 / 10, 15)
    expect(statisticsOf(ndvi(-100_000, 0, 100_000))).toMatchObject({ ndviMean: 0, ndviStddev: 0.1 })
  })

  it('of equal values have a standard deviation of exactly 0', () => {
    for (const value of [333_333, -1_000_000, 0]) {
      expect(statisticsOf(ndvi(...Array.from({ length: 1_001 }, () => value))).ndviStddev).toBe(0)
    }
  })

  it('agree with two passes over the values', () => {
    fc.assert(
      fc.property(fc.array(imageEvents, { minLength: 2, maxLength: 60 }), events => {
        const statistics = statisticsOf(accumulate(events.map(event => [event, false])))
        const { mean, stddev } = twoPasses(events.map(event => event.ndviMean / 1e6))
        expect(statistics.ndviMean).toBeCloseTo(mean, 12)
        expect(statistics.ndviStddev).toBeCloseTo(stddev, 9)
        for (const band of BANDS) expectBandMean(statistics.bandMeans, band, events)
      }),
    )
  })

  it('lose nothing to cancellation when values are close together', () => {
    const values = Array.from({ length: 100_000 }, (_, index) => 999_990 + (index % 3))
    const { ndviStddev } = statisticsOf(ndvi(...values))
    expect(ndviStddev).toBeCloseTo(twoPasses(values.map(value => value / 1e6)).stddev, 14)
  })

  it('show extremes as NDVI, and lateness as counted', () => {
    const event = imageEvent({ ndviMin: -500_000, ndviMax: 250_000, nir: 2_500_125, red: 0 })
    expect(statisticsOf(accumulate([[event, true]]))).toMatchObject({
      lateCount: 1,
      ndviMin: -0.5,
      ndviMax: 0.25,
      bandMeans: { nir: 2500.125, red: 0, green: null },
    })
  })
})

function expectBandMean(means: Record<Band, number | null>, band: Band, events: ImageEvent[]): void {
  const values = events.map(event => event[band]).filter(value => value !== null)
  if (values.length === 0) expect(means[band]).toBeNull()
  else expect(means[band]).toBeCloseTo(twoPasses(values.map(value => value / 1e3)).mean, 6)
}

function twoPasses(values: number[]): { mean: number; stddev: number } {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length
  const squares = values.reduce((sum, value) => sum + (value - mean) ** 2, 0)
  return { mean, stddev: Math.sqrt(squares / (values.length - 1)) }
}

it('sums bands exactly when plain numbers no longer can', () => {
  const events = 9_100_000
  const brightest = imageEvent({ red: 999_999_999 })
  const accumulator = new Accumulator()
  for (let count = 0; count < events; count++) accumulator.add(brightest, false)
  expect(accumulator.totals().bands.red.sum).toBe(BigInt(events) * 999_999_999n)
})

describe('statistics of very large sums', () => {
  /** A sum that a double cannot hold: its last digits would be lost before the division. */
  const HUGE = 9_007_199_254_740_993n

  it('are the number nearest to the exact result of the integers', () => {
    const mean = (ndviSum: bigint, count: number) => statisticsOf({ ...emptyTotals(), count, ndviSum }).ndviMean
    expect(mean(HUGE * 1_000_000n, 1)).toBe(Number(HUGE))
    expect(mean(3n * HUGE, 3)).toBe(9_007_199_254.740993)
    expect(mean(-3n * HUGE, 3)).toBe(-9_007_199_254.740993)
    expect(mean(1n, 3)).toBeCloseTo(1 / 3_000_000, 18)
  })

  it('have the exact standard deviation when squares have more digits than a double', () => {
    const around = [99_999_999n, 100_000_000n, 100_000_001n]
    const totals = {
      ...emptyTotals(),
      count: 3,
      ndviSum: around.reduce((sum, value) => sum + value),
      ndviSquareSum: around.reduce((sum, value) => sum + value * value, 0n),
    }
    expect(statisticsOf(totals).ndviStddev).toBe(1 / 1_000_000)
  })
})
