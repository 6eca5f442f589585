import { describe, expect, it } from 'vitest'
import { DETECTION } from '../../functions/core/looks/detection.ts'
import { judgeHistory } from '../../functions/core/looks/judge.ts'
import { compareLooks, type Look } from '../../functions/core/looks/look.ts'
import { DAY_MS } from '../../functions/core/time.ts'

/** Looks of four sites, one in eight days, whose NDVI is 0.7 and a small pattern. @param change of site 0 on a day */
function series(days: number, change: (day: number) => number): Look[] {
  const looks: Look[] = []
  for (let day = 0; day < days; day += 8) {
    for (let site = 0; site < 4; site++) {
      const pattern = (((day / 8) * 7 + site * 3) % 11) * 2_000 - 10_000
      const ndvi = 700_000 + pattern + (site === 0 ? change(day) : 0)
      const unmeasured = { blue: null, red: null, nir: null, cloudFraction: null, validFraction: null }
      looks.push({
        imageId: `i${site}`,
        className: 'F',
        siteId: `s${site}`,
        eventMs: day * DAY_MS,
        ndvi,
        ...unmeasured,
      })
    }
  }
  return looks
}

function judge(looks: readonly Look[]) {
  const { judged, histories } = judgeHistory(looks, 30, DETECTION)
  const ofSite = judged.filter(({ look }) => look.siteId === 's0')
  return {
    zOn: (day: number) => ofSite.find(({ look }) => look.eventMs === day * DAY_MS)?.z as number,
    incidents: histories('drop').flatMap(({ incidents }) => incidents),
  }
}

describe('a judged history', () => {
  it('adds looks to the baseline when they are 60 days old', () => {
    const zOf = (changed: number) => judge(series(608, day => (day === changed ? -30_000 : 0))).zOn(600)
    expect(zOf(544)).toBe(zOf(10_000))
    expect(zOf(440)).not.toBe(zOf(10_000))
  })

  it('keeps looks of an open incident out of the baseline, so that a small lasting drop stays an incident', () => {
    const { incidents } = judge(series(752, day => (day >= 400 ? -65_000 : 0)))
    expect(incidents).toMatchObject([{ state: 'confirmed', openedMs: 424 * DAY_MS }])
    const { zOn } = judge(series(752, day => (day >= 400 ? -65_000 : 0)))
    expect(zOn(744)).toBeLessThan(-2)
  })

  it('takes a change as normal after it was accepted, with the looks since its start', () => {
    const { zOn, incidents } = judge(series(1_104, day => (day >= 500 ? -300_000 : 0)))
    expect(incidents).toMatchObject([{ state: 'accepted' }])
    expect(zOn(800)).toBeLessThan(-10)
    expect(zOn(1_096)).toBeGreaterThan(-2)
  })

  it('counts looks of one pass once: tiles that overlap, and an image in two records', () => {
    const looks = series(752, day => (day >= 400 ? -65_000 : 0))
    const twice = (apartMs: number) =>
      looks.flatMap(look => [look, { ...look, imageId: `${look.imageId}b`, eventMs: look.eventMs + apartMs }])
    const ofOne = judgeHistory(looks, 30, DETECTION)
    for (const apartMs of [0, DAY_MS / 2 - 1]) {
      const { judged, histories } = judgeHistory(twice(apartMs).sort(compareLooks), 30, DETECTION)
      expect(histories('drop')).toEqual(ofOne.histories('drop'))
      const ofImages = judged.filter(({ look }) => !look.imageId.endsWith('b'))
      expect(ofImages).toEqual(ofOne.judged)
    }
    expect(judgeHistory(twice(DAY_MS / 2), 30, DETECTION).histories('drop')).not.toEqual(ofOne.histories('drop'))
  })
})
