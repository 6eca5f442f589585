import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  checkedLateness,
  DEFAULT_LATENESS,
  formatLateness,
  isSlowSource,
  latenessAt,
  mostLatenessFrom,
  parseLateness,
  withLateness,
} from '../../functions/core/lateness.ts'
import { SPEED_RETENTION_MS } from '../../functions/core/retention.ts'
import { DAY_MS, HOUR_MS, MINUTE_MS } from '../../functions/core/time.ts'

const FIVE = 5 * MINUTE_MS

describe('the allowed lateness', () => {
  it('is five minutes for all time, until somebody chooses another', () => {
    for (const arrivalMs of [0, 1, Number.MAX_SAFE_INTEGER]) expect(latenessAt(DEFAULT_LATENESS, arrivalMs)).toBe(FIVE)
  })

  it('changes at an arrival time, and stays as it was for earlier ones', () => {
    const changed = withLateness(withLateness(DEFAULT_LATENESS, HOUR_MS, DAY_MS), DAY_MS, MINUTE_MS)
    const times = [0, HOUR_MS - 1, HOUR_MS, DAY_MS - 1, DAY_MS]
    expect(times.map(ms => latenessAt(changed, ms))).toEqual([FIVE, FIVE, DAY_MS, DAY_MS, MINUTE_MS])
    expect(times.map(ms => mostLatenessFrom(changed, ms))).toEqual([DAY_MS, DAY_MS, DAY_MS, DAY_MS, MINUTE_MS])
  })

  it('that is changed again before it begins never applies', () => {
    const once = withLateness(DEFAULT_LATENESS, HOUR_MS, DAY_MS)
    expect(withLateness(once, HOUR_MS, FIVE)).toEqual(DEFAULT_LATENESS)
    expect(withLateness(once, HOUR_MS, HOUR_MS)).toEqual([...DEFAULT_LATENESS, { since: HOUR_MS, ms: HOUR_MS }])
    expect(withLateness(once, DAY_MS, DAY_MS)).toEqual(once)
    expect(withLateness(once, 0, DAY_MS)).toEqual([{ since: 0, ms: DAY_MS }])
  })

  it('can be stored after any changes', () => {
    const changes = fc.array(fc.tuple(fc.nat(20), fc.integer({ min: MINUTE_MS, max: 14 * DAY_MS })))
    fc.assert(
      fc.property(changes, all => {
        const lateness = all.reduce((before, [since, ms]) => withLateness(before, since, ms), DEFAULT_LATENESS)
        expect(checkedLateness(JSON.parse(JSON.stringify(lateness)))).toEqual(lateness)
        const [, ms = FIVE] = all.at(-1) ?? []
        expect(latenessAt(lateness, 20)).toBe(ms)
      }),
    )
  })

  it('ends long before the rows of the speed layer do', () => {
    expect(parseLateness('14d') * 2).toBeLessThanOrEqual(SPEED_RETENTION_MS)
  })

  it.each([
    ['5m', FIVE],
    ['90m', 90 * MINUTE_MS],
    ['6h', 6 * HOUR_MS],
    ['2d', 2 * DAY_MS],
  ])('can be written as %s', (text, ms) => {
    expect(parseLateness(text)).toBe(ms)
    expect(formatLateness(ms)).toBe(text)
  })

  it('of whole days or hours is written in days or hours', () => {
    expect([24 * HOUR_MS, 120 * MINUTE_MS].map(formatLateness)).toEqual(['1d', '2h'])
  })

  it.each(['', '0m', '59s', '2 d', '-1d', '15d', '337h', '2w', '1.5h', '100000m', 'P2D'])('cannot be %j', text => {
    expect(() => parseLateness(text)).toThrow(
      `'${text}' is not an allowed lateness: write 5m, 6h or 2d, from 1m to 14d`,
    )
  })

  it.each([
    [[], 'one entry'],
    [null, 'one entry'],
    [300_000, 'one entry'],
    [[{ since: 1, ms: FIVE }], 'since 0'],
    [[{ ms: FIVE }], 'since 0'],
    [[...DEFAULT_LATENESS, ...DEFAULT_LATENESS], 'a later time'],
    [[{ since: 0, ms: MINUTE_MS - 1 }], 'ms is 59999, and must be from 60000 (a minute)'],
    [[{ since: 0, ms: 14 * DAY_MS + 1 }], 'must be from'],
    [[{ since: 0 }], 'ms is undefined'],
  ])('that is stored cannot be %j', (entries, said) => {
    expect(() => checkedLateness(entries)).toThrow(said)
  })

  it('of an hour or more means a source whose images arrive long after they were taken', () => {
    expect([FIVE, HOUR_MS - 1, HOUR_MS, DAY_MS].map(isSlowSource)).toEqual([false, false, true, true])
  })
})
