import { describe, expect, it } from 'vitest'
import { RANGES, type TrendScale } from '../../web/view-models/choice.ts'
import { classKeys, KNOWN_CLASSES } from '../../web/view-models/classes.ts'
import { createClock } from '../../web/view-models/format.ts'
import { headline, subline } from '../../web/view-models/headline.ts'
import { countLabel, type NowView, nowView } from '../../web/view-models/now.ts'
import { trendView } from '../../web/view-models/trend.ts'
import { ruleNames, unusualImageItems } from '../../web/view-models/unusual-images.ts'
import { at, chosen, statsRow, unusualImage, windowStats } from './factories.ts'

const clock = createClock('UTC')
const now = at('14:15:00')
const nowOf = (rows: ReturnType<typeof windowStats>[], batch = [statsRow('Forest')], nowMs = now) =>
  nowView(rows, batch, clock, nowMs) as NowView

describe('the classes', () => {
  it('have fixed positions and colours: links, screenshots and the style sheet depend on them', () => {
    expect(classKeys([...KNOWN_CLASSES, 'Zeta', 'Bog', 'Alp'])).toEqual([
      { className: 'AnnualCrop', label: 'Annual crop', colour: 0 },
      { className: 'Forest', label: 'Forest', colour: 1 },
      { className: 'HerbaceousVegetation', label: 'Herbaceous vegetation', colour: 2 },
      { className: 'Highway', label: 'Highway', colour: 3 },
      { className: 'Industrial', label: 'Industrial', colour: 4 },
      { className: 'Pasture', label: 'Pasture', colour: 5 },
      { className: 'PermanentCrop', label: 'Permanent crop', colour: 6 },
      { className: 'Residential', label: 'Residential', colour: 7 },
      { className: 'River', label: 'River', colour: 8 },
      { className: 'SeaLake', label: 'Sea lake', colour: 9 },
      { className: 'Alp', label: 'Alp', colour: 10 },
      { className: 'Bog', label: 'Bog', colour: 11 },
      { className: 'Zeta', label: 'Zeta', colour: 0 },
    ])
  })
})

describe('now', () => {
  it('a class is away from its baseline at three or more standard errors; the least likely class is first', () => {
    // Standard error of 100 images: 0.01. The eighth of a power of two keeps the division exact.
    const rows = (errors: number) => [
      windowStats('Forest', '14:10', { ndvi_avg: 0.5 + errors / 16, count: 4 }),
      windowStats('River', '14:10', { ndvi_avg: 0.5 - (errors + 1) / 16, count: 4 }),
    ]
    const baselines = ['Forest', 'River'].map(name => statsRow(name, { ndvi_stddev: 1 / 8 }))
    const away = (errors: number) =>
      nowOf(rows(errors), baselines).away.map(({ bar, errors, difference }) => [bar.className, errors, difference])
    expect(away(3)).toEqual([
      ['River', 4, -0.25],
      ['Forest', 3, 0.1875],
    ])
    expect(away(2.9375)).toEqual([['River', 3.9375, -0.24609375]])
    expect(away(1.9375)).toEqual([])
  })

  it('compares only classes that have images in the newest window, a baseline and a standard deviation', () => {
    const rows = [
      windowStats('Forest', '14:10'),
      windowStats('River', '14:00', { ndvi_avg: 0.9 }),
      windowStats('SeaLake', '14:10', { ndvi_avg: null }),
      windowStats('Highway', '14:10', { count: 0 }),
      windowStats('Pasture', '14:10'),
    ]
    const baselines = [
      ...['Forest', 'River', 'SeaLake', 'Highway'].map(name => statsRow(name)),
      statsRow('Pasture', { ndvi_avg: null }),
      statsRow('Industrial', { ndvi_stddev: 0 }),
    ]
    expect(nowOf(rows, baselines)).toMatchObject({ comparable: 1, baselineCount: 6, away: [], classes: 4 })
  })

  it('is recent while the newest window is the current one or the one before, and not complete until it ends', () => {
    const about = (nowMs: number) => {
      const { filling, isRecent } = nowOf([windowStats('Forest', '14:10')], [], nowMs)
      return { filling, isRecent }
    }
    expect(about(at('14:20:00') - 1)).toEqual({ filling: true, isRecent: true })
    expect(about(at('14:20:00'))).toEqual({ filling: false, isRecent: true })
    expect(about(at('14:30:00') - 1)).toEqual({ filling: false, isRecent: true })
    expect(about(at('14:30:00'))).toEqual({ filling: false, isRecent: false })
  })

  it('has an axis that just contains the shown values', () => {
    const axis = (change: object, batch = [statsRow('Forest', { ndvi_avg: 0.25 })]) =>
      nowOf([windowStats('Forest', '14:10', change)], batch).axis
    expect(axis({ ndvi_avg: 0.5, ndvi_stddev: 0.25 })).toEqual({ min: 0, max: 0.8, step: 0.2 })
    expect(axis({ ndvi_avg: 0.1, ndvi_stddev: 0.3 })).toEqual({ min: -0.2, max: 0.4, step: 0.1 })
    expect(axis({ ndvi_avg: 0.7, ndvi_stddev: null })).toEqual({ min: 0, max: 0.7, step: 0.1 })
    expect(axis({ ndvi_avg: null, ndvi_stddev: null }, [])).toEqual({ min: -0.1, max: 0.1, step: 0.05 })
    expect(axis({ ndvi_avg: null }, [statsRow('Forest', { ndvi_avg: null })])).toEqual({
      min: -0.1,
      max: 0.1,
      step: 0.05,
    })
  })

  it('describes every class in words, also with unknown values', () => {
    const view = nowOf(
      [
        windowStats('Forest', '14:10', { ndvi_stddev: null, count: 1 }),
        windowStats('River', '13:40', { ndvi_avg: 0.25 }),
        windowStats('SeaLake', '14:10', { ndvi_avg: null }),
      ],
      [statsRow('Forest'), statsRow('Pasture'), statsRow('River', { ndvi_avg: null })],
    )
    expect(view.description).toBe(
      'Bar chart of the mean NDVI per class, 14:10–14:20. Forest: 0.500, 0.000 from normal, 1 image. Pasture: no images. ' +
        'River (from 13:40–13:50): 0.250 plus or minus 0.100, 100 images. Sea lake: no images.',
    )
    expect(view.bars.map(countLabel)).toEqual(['1', '–', '100', '100'])
    expect(view.late).toBe(0)
    const days = nowOf([
      windowStats('Forest', '14:10', { late_count: null }),
      windowStats('River', '14:10', { late_count: 3 }),
    ])
    expect(days.late).toBe(3)
  })

  it('uses the first of two rows for the same window, and the latest end', () => {
    const rows = [windowStats('Forest', '14:10', { count: 1 }), windowStats('Forest', '14:10', { count: 2 })]
    expect(nowOf(rows).images).toBe(1)
    const uneven = [windowStats('Forest', '14:10'), { ...windowStats('River', '14:10'), endMs: at('14:30:00') }]
    expect(nowOf(uneven).endMs).toBe(at('14:30:00'))
  })
})

describe('the headline', () => {
  const phrases = (rows: ReturnType<typeof windowStats>[], names: string[]) =>
    headline(
      nowOf(
        rows,
        names.map(name => statsRow(name)),
      ),
    )

  it('names two classes that are away and the number of others, with the strong phrases marked', () => {
    const names = ['Forest', 'River', 'SeaLake', 'Pasture', 'Highway']
    const rows = names.map((name, index) => windowStats(name, '14:10', { ndvi_avg: 0.9 - index * 0.05 }))
    expect(phrases(rows.slice(0, 3), names)).toEqual([
      { text: 'Forest', strong: true },
      { text: ' is ', strong: false },
      { text: '0.400 above', strong: true },
      { text: ' normal', strong: false },
      { text: ', ', strong: false },
      { text: 'River', strong: true },
      { text: ' ', strong: false },
      { text: '0.350 above', strong: true },
      { text: ', and 1 more differs', strong: false },
      { text: '.', strong: false },
    ])
    expect(phrases(rows, names)).toContainEqual({ text: ', and 3 more differ', strong: false })
    const near = [windowStats('Forest', '14:10'), windowStats('River', '14:10')]
    expect(phrases(near, names)[0]?.text).toBe('2 of 5 classes')
    expect(phrases(near, names)[1]?.text).toBe(' have images in the newest window, near normal.')
    expect(phrases(near.slice(1), ['River', 'Forest', 'Pasture'])[0]?.text).toBe('1 of 3 classes')
    expect(phrases(near.slice(1), ['River'])[0]?.strong).toBe(true)
  })

  it('has a second line with the number of images, classes and unusual images in the window', () => {
    const line = (
      rows: ReturnType<typeof windowStats>[],
      unusualImages: ReturnType<typeof unusualImage>[],
      nowMs = now,
    ) => subline(nowOf(rows, [], nowMs), unusualImages, 2, false)
    const two = [windowStats('Forest', '14:10'), windowStats('River', '14:10')]
    const over = at('14:21:00')
    expect(line(two, [])).toBe('200 images of 2 classes so far in the window 14:10–14:20, no unusual images.')
    expect(line(two, [], over)).toBe('200 images of 2 classes in the window 14:10–14:20, no unusual images.')
    expect(line(two, [unusualImage(), unusualImage(), unusualImage()])).toContain(', 3 or more unusual images.')
    expect(line(two, [unusualImage()])).toContain(', 1 unusual image.')
    const before = unusualImage({ timestamp: '2026-11-22T14:00:00Z' })
    expect(line(two, [unusualImage(), unusualImage(), before])).toContain(', 2 unusual images.')
  })
})

describe('the trend', () => {
  const trend = (
    rows: ReturnType<typeof windowStats>[],
    scale: TrendScale = 'ndvi',
    range: keyof typeof RANGES = '6h',
  ) => trendView(rows, RANGES[range], [statsRow('Forest'), statsRow('River', { ndvi_avg: null })], scale, clock, now)

  it('contains everything that the chart needs', () => {
    const rows = [
      windowStats('Forest', '13:50', { ndvi_avg: 0.25, count: 7 }),
      windowStats('Forest', '14:00', { ndvi_avg: 0.75 }),
      windowStats('River', '14:00', { ndvi_avg: null }),
    ]
    const points = [
      { x: at('13:50'), y: 0.25, count: 7, filling: false, alone: false, time: '13:50–14:00' },
      { x: at('14:00'), y: 0.75, count: 100, filling: false, alone: false, time: '14:00–14:10' },
    ]
    expect(trend(rows)).toMatchObject({
      scale: 'ndvi',
      x: { min: at('08:10'), max: at('14:00') },
      y: { min: 0, max: 0.8, step: 0.2 },
      lines: [{ className: 'Forest', points }, { className: 'River' }],
      description: 'Line chart of the mean NDVI per class, 13:50–14:10. Forest: from 0.250 to 0.750.',
    })
    expect(trend(rows, 'difference')).toMatchObject({
      scale: 'difference',
      y: { min: -0.3, max: 0.3, step: 0.1 },
      lines: [{ className: 'Forest', points: [{ y: -0.25 }, { y: 0.25 }] }],
      description: 'Line chart of the mean NDVI minus normal per class, 13:50–14:10. Forest: from −0.250 to +0.250.',
    })
  })

  it('widens a small range: to ± 0.1 of NDVI, or ± 0.01 of a difference', () => {
    expect(trend([windowStats('Forest', '14:00', { ndvi_avg: 0 })])?.y).toEqual({ min: -0.1, max: 0.1, step: 0.05 })
    expect(trend([windowStats('Forest', '14:00')], 'difference')?.y).toEqual({ min: -0.01, max: 0.01, step: 0.005 })
    expect(trend([windowStats('Forest', '14:00', { ndvi_avg: null })])?.y).toEqual({ min: -0.1, max: 0.1, step: 0.05 })
  })

  it('shows the range that was asked for, also where the first images came later', () => {
    const starts = ['13:30', '13:40', '13:50', '14:00']
    const rows = starts.map(start => windowStats('Forest', start))
    expect(trend(rows)?.x).toEqual({ min: at('08:10'), max: at('14:00') })
    const earlier = [windowStats('Forest', '08:00'), ...rows]
    expect(trend(earlier)?.x).toEqual({ min: at('08:00'), max: at('14:00') })
  })

  it('counts windows, hours or days', () => {
    const summary = (range: keyof typeof RANGES, ...starts: string[]) =>
      trend(
        starts.map(start => windowStats('Forest', start)),
        'ndvi',
        range,
      )?.summary
    expect([summary('1h', '14:00'), summary('1h', '14:00', '14:10')]).toEqual([
      '1 window of 10 minutes',
      '2 windows of 10 minutes',
    ])
    expect([summary('24h', '13:00'), summary('24h', '13:00', '14:00')]).toEqual(['1 hour', '2 hours'])
    expect([summary('7d', '00:00'), summary('7d', '00:00', '14:00')]).toEqual(['1 UTC day', '2 UTC days'])
  })

  it('describes several classes one after the other, and a single value without a range', () => {
    const rows = [windowStats('Forest', '14:00'), windowStats('SeaLake', '14:00', { ndvi_avg: -0.25 })]
    expect(trend(rows)?.description).toBe(
      'Line chart of the mean NDVI per class, 14:00–14:10. Forest: 0.500. Sea lake: −0.250.',
    )
  })

  it('is not complete until its end', () => {
    const filling = (nowMs: number) =>
      trendView([windowStats('Forest', '14:10')], RANGES['6h'], [], 'ndvi', clock, nowMs)?.lines[0]?.points[0]?.filling
    expect([filling(at('14:20:00') - 1), filling(at('14:20:00'))]).toEqual([true, false])
  })
})

describe('unusual images', () => {
  it('contain everything that their row shows', () => {
    expect(unusualImageItems([unusualImage()], chosen(), new Set(), clock, now)).toEqual([
      {
        key: '["Forest","2026-11-22T14:12:03.000Z","Forest_7","class-zscore"]',
        classKey: { className: 'Forest', label: 'Forest', colour: 1 },
        imageId: 'Forest_7',
        time: '14:12:03',
        timeTitle: '2026-11-22T14:12:03.000Z',
        ndvi: '0.210',
        ndviTitle: 'within the image: 0.100 to 0.300',
        off: '4.2 sd below',
        direction: 'below',
        rule: 'class-zscore',
        ruleTitle: 'Compares the image’s mean NDVI with the mean and sd of its class in the batch view. Baseline 3.',
        seen: false,
      },
    ])
    const range = unusualImageItems([unusualImage({ rule: 'image-range' })], chosen(), new Set(), clock, now)[0]
    expect(range?.ruleTitle).toBe('Compares the image’s own minimum or maximum with its own mean and sd. Baseline 3.')
    expect(ruleNames([], null)).toEqual(['class-zscore', 'image-range'])
  })

  it('are above from zero on; the minimum difference is inclusive', () => {
    const items = (score: number, search = '') =>
      unusualImageItems([unusualImage({ score })], chosen(search), new Set(), clock, now)
    expect([-0.1, 0, 0.5].map(score => items(score)[0]?.direction)).toEqual(['below', 'above', 'above'])
    expect([-4, 4, 3.99].map(score => items(score, 'off=4').length)).toEqual([1, 1, 0])
  })
})
