import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  producersFromText,
  producersToText,
  totalsFromText,
  totalsToText,
} from '../../../functions/adapters/row-encoding/row-encoding.ts'
import type { SeenRecord } from '../../../functions/core/cursor.ts'
import { BANDS } from '../../../functions/core/event.ts'
import { Accumulator, emptyTotals, type Totals } from '../../../functions/core/totals.ts'
import { imageEvents } from '../../support/arbitraries.ts'

/** Largest sums that decimal(38,0) can hold. */
const sums = fc.bigInt({ min: -(10n ** 38n) + 1n, max: 10n ** 38n - 1n })
const counts = fc.nat(Number.MAX_SAFE_INTEGER)
const extremes = fc.option(fc.integer({ min: -1_000_000, max: 1_000_000 }), { nil: null })
const names = fc
  .oneof(
    fc.string({ unit: 'binary', minLength: 1, maxLength: 20 }),
    fc.constantFrom('__proto__', 'constructor', '0', '7', 'toString', '草地', "O'Brien", '"', '\u0000', '\u2028'),
  )
  // Two names for the test of backslashes.
  .filter(name => !name.includes('\\'))

const anyTotals: fc.Arbitrary<Totals> = fc
  .record({
    count: counts,
    lateCount: counts,
    ndviSum: sums,
    ndviSquareSum: sums,
    ndviMin: extremes,
    ndviMax: extremes,
    bands: fc.array(fc.record({ count: counts, sum: sums }), { minLength: BANDS.length, maxLength: BANDS.length }),
  })
  .map(({ bands, ...totals }) => ({
    ...totals,
    bands: Object.fromEntries(BANDS.map((band, index) => [band, bands[index]])) as Totals['bands'],
  }))

const byName = (a: [string, unknown], b: [string, unknown]) => (a[0] < b[0] ? -1 : 1)

describe('the text of totals', () => {
  it('decodes to the same totals, for any class names and any size of sums', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(names, anyTotals), { maxLength: 5 }), entries => {
        const totals = new Map(entries)
        expect([...totalsFromText(totalsToText(totals))].sort(byName)).toEqual([...totals].sort(byName))
      }),
    )
  })

  it('decodes to the totals of real events, and more can be added', () => {
    fc.assert(
      fc.property(fc.array(imageEvents), fc.array(imageEvents), (before, after) => {
        const whole = new Accumulator()
        for (const event of before) whole.add(event, false)
        const stored = totalsFromText(totalsToText(new Map([['Forest', whole.totals()]])))
        expect(stored.get('Forest')).toEqual(whole.totals())
        for (const event of after) whole.add(event, true)
        expect(totalsFromText(totalsToText(new Map([['Forest', whole.totals()]]))).get('Forest')).toEqual(
          whole.totals(),
        )
      }),
      { numRuns: 30 },
    )
  })

  it('contains no number that JSON would round', () => {
    const huge = { ...emptyTotals(), ndviSum: -(2n ** 53n) - 1n, ndviSquareSum: 2n ** 70n + 1n }
    const text = totalsToText(new Map([['Forest', huge]]))
    expect(text).toContain('"-9007199254740993"')
    expect(text).toContain(`"${2n ** 70n + 1n}"`)
  })

  it('keeps a class named __proto__ without touching any prototype', () => {
    const totals = new Map([['__proto__', { ...emptyTotals(), count: 1 }]])
    expect(totalsFromText(totalsToText(totals))).toEqual(totals)
    expect(Object.prototype).not.toHaveProperty('count')
  })

  it('distinguishes classes whose names are a backslash and the escape of a backslash', () => {
    for (const name of ['\\', '"']) {
      const totals = new Map([
        ['Forest', emptyTotals()],
        [name, emptyTotals()],
      ])
      expect([...totalsFromText(totalsToText(totals)).keys()]).toEqual(['Forest', name])
    }
  })

  it('treats bands that a row of an earlier version lacks as not measured', () => {
    const text =
      '[["Forest",{"count":1,"late_count":0,"ndvi_sum":"5","ndvi_square_sum":"25","ndvi_min":null,"ndvi_max":null,"bands":[[1,"7"]]}]]'
    const forest = totalsFromText(text).get('Forest')
    expect(forest?.bands.red).toEqual({ count: 1, sum: 7n })
    expect(forest?.bands.brightness).toEqual({ count: 0, sum: 0n })
  })
})

describe('the text of producers', () => {
  const seen: fc.Arbitrary<SeenRecord> = fc.record({ counter: fc.integer({ min: 1 }), slot: fc.nat(8.64e15) })
  const records = fc.array(seen, { minLength: 1, maxLength: 3 })

  it('decodes to the same producers in the same order', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(names, records)), entries => {
        const producers = new Map(entries)
        expect([...producersFromText(producersToText(producers))]).toEqual([...producers])
      }),
    )
  })
})
