import { describe, expect, it } from 'vitest'
import { afterClassLook, type ClassLook, NO_DAYS } from '../../functions/core/incidents/class-days.ts'
import { DETECTION } from '../../functions/core/looks/detection.ts'
import { classScoreOf } from '../../functions/core/looks/score.ts'
import { CLASS_BINS } from '../../functions/core/looks/season.ts'
import { DAY_MS } from '../../functions/core/time.ts'

const look = (day: number, more: Partial<ClassLook>): ClassLook => ({
  eventMs: day * DAY_MS,
  isLand: true,
  seasonShare: null,
  score: null,
  ...more,
})
const watched = (looks: readonly ClassLook[]) =>
  looks.reduce((watch, each) => afterClassLook(watch, each, DETECTION), NO_DAYS)

/** One look a day, of which the season gives half as land. @param isLand whether a day has one */
const seen = (days: number, isLand: (day: number) => boolean, seasonShare: number | null = 0.5) =>
  watched(Array.from({ length: days }, (_, day) => look(day, { isLand: isLand(day), seasonShare }))).noClearLooks

describe('a class without clear looks', () => {
  it('is an incident when 32 days have at most 15% of the looks at land that the season gives', () => {
    // 16 looks of 32 are expected, 15% of which are 2.4.
    const withLand = (...days: number[]) => seen(73, day => day < 40 || days.includes(day))
    expect(withLand(50, 60)).toMatchObject([{ openedMs: 72 * DAY_MS, closedMs: null, land: 2, expected: 16 }])
    expect(withLand(50, 60, 70)).toEqual([])
    expect(seen(72, day => day < 40)).toMatchObject([{ openedMs: 70 * DAY_MS }])
  })

  it('is not an incident when the season gives too few looks, or is not known', () => {
    expect(seen(100, () => false, 0.31)).toEqual([])
    expect(seen(100, () => false, 0.32)).toHaveLength(1)
    expect(seen(100, () => false, null)).toEqual([])
  })

  it('ends when half of the looks that the season gives are seen, not with the first clear look', () => {
    const until = (days: number) => seen(days, day => day < 40 || day >= 100)
    expect(until(108)).toMatchObject([{ state: 'confirmed', closedMs: null }])
    expect(until(109)).toMatchObject([{ state: 'recovered', closedMs: 108 * DAY_MS }])
  })

  it('ends after a year, and opens again', () => {
    expect(seen(450, () => false)).toMatchObject([{ state: 'accepted' }, { state: 'confirmed' }])
  })
})

describe('a class whose looks have no sites', () => {
  const scored = (days: number, scoreOn: (day: number) => number | null) =>
    watched(Array.from({ length: days }, (_, index) => look(index * 4, { score: scoreOn(index * 4) }))).changes

  it('has an incident when the median of both halves of 40 days is 1.5 standard deviations from normal', () => {
    const drop = (z: number, fromDay: number) => scored(60, day => (day >= fromDay ? z : 0)).drop
    expect(drop(-1_500, 100)).toMatchObject([{ openedMs: 132 * DAY_MS, z: -1.5, state: 'confirmed' }])
    expect(drop(-1_499, 100)).toEqual([])
    expect(drop(1_500, 100)).toEqual([])
    expect(scored(60, day => (day >= 100 ? 1_500 : 0)).rise).toMatchObject([{ z: 1.5 }])
  })

  it('has no incident for one batch of other ground, or from fewer than 5 looks in a half', () => {
    expect(scored(60, day => (day >= 100 && day < 120 ? -5_000 : 0)).drop).toEqual([])
    expect(scored(60, day => (day % 8 === 0 ? -5_000 : null)).drop).toEqual([])
  })

  it('recovers when 20 days are less than half as far from normal, and ends after a year', () => {
    const { drop } = scored(60, day => (day >= 100 && day < 160 ? -2_000 : -740))
    expect(drop).toMatchObject([{ state: 'recovered', closedMs: 172 * DAY_MS }])
    expect(scored(60, day => (day >= 100 && day < 160 ? -2_000 : -760)).drop).toMatchObject([{ state: 'confirmed' }])
    expect(scored(150, day => (day >= 100 ? -2_000 : 0)).drop).toMatchObject([
      { state: 'accepted', closedMs: 497 * DAY_MS },
      { state: 'confirmed' },
    ])
  })

  it('is scored by the spread of its looks, from 330 days on', () => {
    const normal = {
      typical: null,
      curve: Array(CLASS_BINS).fill(600_000),
      spread: Array(CLASS_BINS).fill(100_000),
      scale: Array(CLASS_BINS).fill(1),
    }
    const on = (day: number) => classScoreOf({ eventMs: day * DAY_MS, ndvi: 450_000 }, normal, 0, DETECTION)
    expect([on(329), on(330)]).toEqual([null, -1_500])
  })
})
