import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { joinedOf, manySites, type Opening } from '../../functions/core/incidents/many-sites.ts'
import { type ScoredLook, severityOf, siteChanges, suspicionOf } from '../../functions/core/incidents/site-change.ts'
import { DETECTION } from '../../functions/core/looks/detection.ts'
import { DAY_MS } from '../../functions/core/time.ts'

/** A look on a day with a z; the standard deviation is 0.02. */
const look = (day: number, z: number, more: Partial<ScoredLook> = {}): ScoredLook => ({
  imageId: `image_${day}`,
  eventMs: day * DAY_MS,
  residual: Math.round(z * 20_000),
  scale: 20_000,
  baselineFromMs: 0,
  bands: null,
  ...more,
})
/** Looks five days apart. */
const series = (...z: number[]) => z.map((each, index) => look(1_000 + 5 * index, each))
const drops = (looks: readonly ScoredLook[]) => siteChanges(looks, 'drop', DETECTION)
const dayOf = (index: number) => (1_000 + 5 * index) * DAY_MS

describe('a site change', () => {
  it('opens when 4 of the last 6 looks are unusual', () => {
    expect(drops(series(-3, 0, -3, 0, -3, 0, -3)).incidents).toEqual([])
    expect(drops(series(-3, 0, -3, -3, 0, -2)).incidents).toMatchObject([
      { state: 'confirmed', firstMs: dayOf(0), openedMs: dayOf(5), closedMs: null },
    ])
    expect(drops(series(-3, 0, -3, -3, 0, -1.999)).incidents).toEqual([])
  })

  it('opens only when the looks span 10 days, so that one haze is not enough', () => {
    const days = (...each: number[]) => drops(each.map(day => look(day, -3))).incidents
    expect(days(0, 1, 2, 9)).toEqual([])
    expect(days(0, 1, 2, 9, 10)).toMatchObject([{ openedMs: 10 * DAY_MS }])
  })

  it('does not open with looks from before a gap of a year', () => {
    const days = (...each: number[]) => drops(each.map(day => look(day, -3))).incidents
    expect(days(0, 16, 32, 364)).toHaveLength(1)
    expect(days(0, 16, 32, 365)).toEqual([])
  })

  it('closes after 3 normal looks in a row', () => {
    const open = [-3, -3, -3, -3]
    expect(drops(series(...open, 0, 0, -3, 0, 0)).incidents).toMatchObject([{ state: 'confirmed' }])
    expect(drops(series(...open, 0, 0, -3, 0, 0, 0)).incidents).toMatchObject([
      { state: 'recovered', closedMs: dayOf(9) },
    ])
    expect(drops(series(...open, 0, 0, 0, ...open)).incidents).toMatchObject([
      { state: 'recovered' },
      { state: 'confirmed' },
    ])
  })

  it('is accepted after 365 days, and then only looks with a baseline from its start on count', () => {
    const open = [0, 5, 10, 15].map(day => look(day + 2_000, -5))
    const later = (fromDay: number) =>
      [380, 385, 390, 395].map(day => look(day + 2_000, -5, { baselineFromMs: fromDay * DAY_MS }))
    expect(drops([...open, look(2_379, -5)]).incidents).toMatchObject([{ state: 'confirmed' }])
    expect(drops([...open, ...later(1_999)]).incidents).toMatchObject([{ state: 'accepted', closedMs: 2_380 * DAY_MS }])
    expect(drops([...open, ...later(2_000)]).incidents).toMatchObject([{ state: 'accepted' }, { state: 'confirmed' }])
  })

  it('is as severe as its drop: 0.20 is an error, 0.10 a warning', () => {
    const severity = (z: number) => severityOf(drops(series(z, z, z, z)).incidents[0] as never)
    expect([-10, -9.99, -5, -4.99].map(severity)).toEqual(['error', 'warning', 'warning', 'info'])
    expect(drops(series(-3, -3, -3, -3, -40, 0, -4)).incidents).toMatchObject([{ size: 60_000, furthestZ: -40 }])
  })

  it('treats rises like drops with the opposite sign, and never mixes them', () => {
    const looks = series(3, 3, 3, 3)
    expect(drops(looks).incidents).toEqual([])
    expect(siteChanges(looks, 'rise', DETECTION).incidents).toMatchObject([{ direction: 'rise', furthestZ: 3 }])
  })

  it('is suspected after 1 to 3 unusual looks, until six looks have followed', () => {
    const suspicion = (...z: number[]) => suspicionOf(drops(series(...z)), 'drop', DETECTION)
    expect(suspicion(0, 0)).toBeNull()
    expect(suspicion(0, -3, 0, -3)).toEqual({ firstMs: dayOf(1), looks: 2 })
    expect(suspicion(-3, 0, 0, 0, 0, 0)).toMatchObject({ looks: 1 })
    expect(suspicion(-3, 0, 0, 0, 0, 0, 0)).toBeNull()
    expect(suspicion(-3, -3, -3, -3)).toBeNull()
  })

  it('is the same for any order in which the looks arrive', () => {
    const scored = fc.uniqueArray(
      fc.record({
        day: fc.integer({ min: 0, max: 900 }),
        z: fc.integer({ min: -4, max: 4 }),
        id: fc.constantFrom('a', 'b'),
      }),
      { selector: ({ day, id }) => `${day}${id}`, maxLength: 80 },
    )
    const shuffled = scored.chain(looks =>
      fc.tuple(fc.constant(looks), fc.shuffledSubarray(looks, { minLength: looks.length })),
    )
    fc.assert(
      fc.property(shuffled, ([looks, other]) => {
        const of = (each: typeof looks) => drops(each.map(({ day, z, id }) => look(day, z, { imageId: id })))
        expect(of(other)).toEqual(of(looks))
      }),
    )
  })
})

describe('many sites', () => {
  const opened = (...days: number[]) =>
    days.map((day, index): Opening => ({ siteId: `s${index}`, openedMs: day * DAY_MS, bands: null }))
  const of = (days: number[], sites: number) => manySites(opened(...days), () => sites)

  it('are one incident when a tenth of the sites, and at least 5, open within 32 days', () => {
    expect(of([0, 1, 2, 3], 10)).toEqual([])
    expect(of([0, 1, 2, 3, 32], 50)).toMatchObject([{ openedMs: 32 * DAY_MS, sites: ['s0', 's1', 's2', 's3', 's4'] }])
    expect(of([0, 1, 2, 3, 33], 50)).toEqual([])
    expect(of([0, 1, 2, 3, 32], 51)).toEqual([])
  })

  const joined = (...days: number[]) => {
    const openings = opened(...days)
    const incidents = manySites(openings, () => 10)
    return openings.map(each => joinedOf(each, incidents) !== undefined)
  }

  it('add further sites without a message, and those of the pass that opened it', () => {
    expect(joined(0, 1, 2, 3, 4, 4, 30)).toEqual([false, false, false, false, true, true, true])
  })

  it('add no more sites after 32 days without that many, even if single sites open', () => {
    // On day 32 there are five within 32 days for the last time.
    expect(joined(0, 1, 2, 3, 4, 32, 60, 64, 65, 80)).toEqual([
      ...[false, false, false, false, true],
      ...[true, true, true, false, false],
    ])
  })

  it('count each site once', () => {
    const openings = opened(0, 1, 2, 3, 4).map(each => ({ ...each, siteId: 'one' }))
    expect(manySites(openings, () => 10)).toEqual([])
  })

  it('are the same in any order', () => {
    const openings = fc.array(
      fc.record({
        siteId: fc.string({ maxLength: 2 }),
        openedMs: fc.integer({ min: 0, max: 60 }).map(day => day * DAY_MS),
        bands: fc.constant(null),
      }),
      { maxLength: 30 },
    )
    fc.assert(
      fc.property(
        openings.chain(all => fc.tuple(fc.constant(all), fc.shuffledSubarray(all, { minLength: all.length }))),
        ([all, shuffled]) => {
          expect(manySites(shuffled, () => 10)).toEqual(manySites(all, () => 10))
        },
      ),
    )
  })
})
