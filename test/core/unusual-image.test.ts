import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { classZscore } from '../../functions/core/rules/class-zscore.ts'
import { imageRange } from '../../functions/core/rules/image-range.ts'
import { DEFAULT_RULES, RULES } from '../../functions/core/rules/index.ts'
import { Accumulator, type Totals } from '../../functions/core/totals.ts'
import { type Baseline, baselineOf, judge, NO_BASELINE, type Rule } from '../../functions/core/unusual-image.ts'
import { imageEvents } from '../support/arbitraries.ts'
import { imageEvent, NOON_MS } from '../support/factories.ts'

function totalsOf(...micros: number[]): Totals {
  const accumulator = new Accumulator()
  for (const ndviMean of micros) accumulator.add(imageEvent({ ndviMean }), false)
  return accumulator.totals()
}

/** Mean 0.5, sd 0.1. */
const BASELINE: Baseline = { version: 3, classes: new Map([['Forest', { ndviMean: 0.5, ndviStddev: 0.1 }]]) }

describe('the baseline', () => {
  const tens = (value: number) => Array.from({ length: 5 }, () => [value - 1000, value + 1000]).flat()

  it('has the mean and sample standard deviation of a class over all its days', () => {
    const days = [
      ['Forest', totalsOf(...tens(500_000))],
      ['Forest', totalsOf(...tens(700_000))],
    ] as const
    const { version, classes } = baselineOf(4, days)
    expect(version).toBe(4)
    expect(classes.get('Forest')?.ndviMean).toBe(0.6)
    expect(classes.get('Forest')?.ndviStddev).toBeCloseTo(Math.sqrt((20 * (0.1 ** 2 + 0.001 ** 2)) / 19), 12)
  })

  it('leaves out classes with fewer than ten events or without variance', () => {
    const days = [
      ['Few', totalsOf(1, 2, 3, 4, 5, 6, 7, 8, 9)],
      ['Enough', totalsOf(1, 2, 3, 4, 5, 6, 7, 8, 9, 10)],
      ['Constant', totalsOf(...Array.from({ length: 20 }, () => 5))],
    ] as const
    expect([...baselineOf(1, days).classes.keys()]).toEqual(['Enough'])
  })

  it('of no events has no class', () => {
    expect(baselineOf(1, []).classes.size).toBe(0)
    expect(NO_BASELINE).toEqual({ version: 0, classes: new Map() })
  })
})

describe('class-zscore', () => {
  it.each([
    [500_000, null],
    [700_000, null],
    [300_000, null],
    [700_001, 2],
    [299_999, -2],
    [1_000_000, 5],
    [-500_000, -10],
  ])('scores a mean of %i millionths', (ndviMean, score) => {
    const judged = classZscore.score(imageEvent({ ndviMean }), BASELINE)
    if (score === null) expect(judged).toBeNull()
    else expect(judged).toBeCloseTo(score, 4)
  })

  it('does not score an event of a class without a baseline', () => {
    for (const className of ['River', '__proto__', 'constructor']) {
      expect(classZscore.score(imageEvent({ className, ndviMean: -1_000_000 }), BASELINE)).toBeNull()
    }
    expect(classZscore.score(imageEvent({ ndviMean: -1_000_000 }), NO_BASELINE)).toBeNull()
  })
})

describe('image-range', () => {
  const image = (ndviMin: number | null, ndviMax: number | null, ndviStd: number | null = 100_000) =>
    imageRange.score(imageEvent({ ndviMean: 500_000, ndviStd, ndviMin, ndviMax }), NO_BASELINE)

  it('finds the pixel that is more than two standard deviations from the mean', () => {
    expect(image(400_000, 800_000)).toBe(3)
    expect(image(100_000, 800_000)).toBe(-4)
    expect(image(300_000, 700_000)).toBeNull()
    expect(image(299_999, 700_000)).toBeCloseTo(-2, 4)
  })

  it('does not score an image without spread, or whose spread or extremes were not measured', () => {
    expect(image(null, 900_000)).toBeNull()
    expect(image(-900_000, null)).toBeNull()
    expect(image(-900_000, 900_000, null)).toBeNull()
    expect(image(-900_000, 900_000, 0)).toBeNull()
  })
})

describe('an unusual image', () => {
  const rule = (name: string, score: number | null): Rule => ({ name, score: () => score })

  it('comes from the first rule that finds something, and has everything that its key and its reader need', () => {
    const event = imageEvent({ imageId: 'Forest_9', ndviMin: -5, ndviMax: 7, eventMs: NOON_MS })
    const image = judge(event, [rule('silent', null), rule('first', -2.5), rule('second', 9)], BASELINE)
    expect(image).toEqual({
      className: 'Forest',
      day: '2026-11-22',
      eventMs: NOON_MS,
      imageId: 'Forest_9',
      ndviMean: 500_000,
      ndviMin: -5,
      ndviMax: 7,
      rule: 'first',
      score: -2.5,
      baselineVersion: 3,
    })
  })

  it('may have a score of 0, which does not mean "nothing found"', () => {
    expect(judge(imageEvent(), [rule('zero', 0)], BASELINE)?.score).toBe(0)
  })

  it('is not raised without rules, or when no rule finds anything', () => {
    expect(judge(imageEvent(), [], BASELINE)).toBeNull()
    expect(judge(imageEvent(), [rule('silent', null)], BASELINE)).toBeNull()
  })
})

describe('the rules', () => {
  it('are found by their names', () => {
    for (const [name, rule] of RULES) expect(rule.name).toBe(name)
    expect([...RULES.keys()]).toEqual(['class-zscore', 'image-range'])
    expect(DEFAULT_RULES.map(({ name }) => name)).toEqual(['class-zscore'])
  })

  it.each([...RULES.values()])('$name returns the same for the same event: a finite score or null', rule => {
    fc.assert(
      fc.property(imageEvents, event => {
        const score = rule.score(event, BASELINE)
        expect(rule.score(structuredClone(event), BASELINE)).toBe(score)
        if (score !== null) expect(Number.isFinite(score) && Math.abs(score) > 2).toBe(true)
      }),
    )
  })
})
