import { describe, expect, it } from 'vitest'
import type { ObservationRow, SiteNormalRow } from '../../functions/serving/site-schemas.ts'
import { createClock } from '../../web/view-models/format.ts'
import { observationItems, siteView } from '../../web/view-models/site.ts'
import { DAY_MS } from '../../web/view-models/time.ts'
import { at, incident } from './factories.ts'

const clock = createClock('Europe/Berlin')
const NOW = at('14:15:00')

function observation(changes: Partial<ObservationRow> = {}): ObservationRow {
  return {
    ...{ timestamp: '2026-10-01T10:00:00.000Z', site_id: 'stand-03', class_name: 'Forest', image_id: 'one' },
    ...{ scene_id: null, ndvi_mean: 0.7, cloud_fraction: null, texture_contrast: null, texture_entropy: null },
    ...{ is_clear: true, ndvi_normal: 0.72, ndvi_normal_stddev: 0.03 },
    ...changes,
  } as ObservationRow
}

const NORMAL = Array.from(
  { length: 73 },
  (_, bin): SiteNormalRow => ({
    ...{ class_name: 'Forest', day_of_year: 5 * bin + 1, ndvi_normal: bin / 100, ndvi_normal_stddev: 0.03 },
    ...{ is_learning: false, looks: 100, since: '2020-01-01T00:00:00.000Z' },
  }),
)

const viewOf = (
  observations: ObservationRow[],
  normal: readonly SiteNormalRow[] = NORMAL,
  incidents = [] as ReturnType<typeof incident>[],
  years: 1 | 3 | null = 3,
) => siteView({ observations, normal, incidents }, null, years, clock, NOW)

describe('a site', () => {
  it('without images says so', () => {
    const view = viewOf([], [])
    expect(view).toMatchObject({ state: 'empty', className: '', points: [], band: [], years: [] })
    expect(view.sentence).toContain('no image')
  })

  it('that learns, that is normal, and that has an open incident', () => {
    expect(viewOf([observation()], [])).toMatchObject({ state: 'learning' })
    const learning = NORMAL.map(row => ({ ...row, is_learning: true }))
    expect(viewOf([observation()], learning)).toMatchObject({ state: 'learning' })
    expect(viewOf([observation()])).toMatchObject({
      ...{ state: 'normal', sentence: 'No open incident. The last clear image is −0.02 from normal.' },
    })
    expect(viewOf([observation()], NORMAL, [incident()])).toMatchObject({
      ...{ state: 'open', sentence: 'Open incident: −0.29 NDVI from normal since 3 Oct.' },
    })
    expect(viewOf([observation()], NORMAL, [incident({ class_name: 'River' })]).state).toBe('normal')
  })

  it('an image is unusual from two standard deviations on, if it is clear', () => {
    const unusual = (changes: Partial<ObservationRow>) => viewOf([observation(changes)]).points[0]?.isUnusual
    expect(unusual({ ndvi_mean: 0.661 })).toBe(false)
    expect(unusual({ ndvi_mean: 0.659 })).toBe(true)
    expect(unusual({ ndvi_mean: 0.2 })).toBe(true)
    expect(unusual({ ndvi_mean: 0.2, is_clear: false })).toBe(false)
    expect(unusual({ ndvi_mean: 0.2, is_clear: null })).toBe(false)
    expect(unusual({ ndvi_mean: 0.2, ndvi_normal_stddev: null })).toBe(false)
  })

  it('the band has the normal of each time of the year, in every year, from when it is known', () => {
    const { band } = viewOf(
      [observation({ timestamp: '2022-03-01T00:00:00.000Z' }), observation()],
      NORMAL.map(row => ({ ...row, since: '2024-01-01T00:00:00.000Z' })),
      [],
      null,
    )
    expect(band[0]?.x).toBeGreaterThanOrEqual(Date.UTC(2023, 11, 26))
    for (const day of ['2024-03-02', '2025-03-02', '2026-03-02']) {
      const near = band.find(point => Math.abs(point.x - Date.parse(day)) <= 2.5 * DAY_MS)
      expect(near?.normal).toBeCloseTo(0.12, 1)
      expect((near?.high ?? 0) - (near?.low ?? 0)).toBeCloseTo(0.12)
    }
  })

  it('shows the chosen years up to the newest image, and each year as a line of its clear images', () => {
    const rows = [2022, 2024, 2025, 2026].map(year =>
      observation({ timestamp: `${year}-09-30T10:00:00.000Z`, image_id: `${year}` }),
    )
    const clouds = observation({ timestamp: '2023-05-01T10:00:00.000Z', image_id: 'cloud', is_clear: false })
    const all = [...rows.slice(0, 1), clouds, ...rows.slice(1)]
    const images = (years: 1 | 3 | null) => viewOf(all, NORMAL, [], years).points.map(({ row }) => row.image_id)
    expect(images(null)).toEqual(['2022', 'cloud', '2024', '2025', '2026'])
    expect(images(3)).toEqual(['2024', '2025', '2026'])
    expect(images(1)).toEqual(['2025', '2026'])
    expect(viewOf(all, NORMAL, [], 1).years.map(({ year }) => year)).toEqual([2022, 2024, 2025, 2026])
  })

  it('spans of incidents end with the incident, or with the newest image', () => {
    const ended = incident({ first_at: '2026-08-01T00:00:00.000Z', closed_at: '2026-09-01T00:00:00.000Z' })
    const before = incident({ first_at: '2021-08-01T00:00:00.000Z', closed_at: '2021-09-01T00:00:00.000Z' })
    const open = incident({ first_at: '2026-09-20T00:00:00.000Z' })
    expect(viewOf([observation()], NORMAL, [open, ended, before]).spans).toEqual([
      { fromMs: Date.UTC(2026, 8, 20), toMs: Date.UTC(2026, 9, 1, 10), isOpen: true },
      { fromMs: Date.UTC(2026, 7, 1), toMs: Date.UTC(2026, 8, 1), isOpen: false },
    ])
  })

  it('of two classes shows that of the newest image, or the chosen one', () => {
    const rows = [observation({ class_name: 'River', timestamp: '2026-09-01T00:00:00.000Z' }), observation()]
    expect(viewOf(rows)).toMatchObject({ className: 'Forest', classes: ['Forest', 'River'] })
    const chosen = siteView({ observations: rows, normal: [], incidents: [] }, 'River', 3, clock, NOW)
    expect(chosen.points).toHaveLength(1)
    expect(chosen.className).toBe('River')
  })

  it('rows of the table are newest first, with dashes for what is not known', () => {
    const rows = [
      observation({ is_clear: null, ndvi_normal: null, ndvi_normal_stddev: null }),
      observation({
        ...{ timestamp: '2026-10-02T10:00:00.000Z', image_id: 'two', scene_id: 'S2A', ndvi_mean: 0.5, is_clear: true },
        ...{ cloud_fraction: 0.034, texture_contrast: 12.25, texture_entropy: 1.5 },
      }),
    ]
    expect(observationItems(viewOf(rows).points, clock, NOW)).toMatchObject([
      {
        ...{ time: '2 Oct', ndvi: '0.500', normal: '0.720', difference: '−0.220', sky: 'clear, 3% clouds' },
        ...{ isUnusual: true, imageId: 'two', sceneId: 'S2A', texture: '12.3 / 1.50' },
      },
      { time: '1 Oct', normal: '–', difference: '–', sky: 'not known', isUnusual: false, sceneId: '–', texture: '–' },
    ])
  })
})
