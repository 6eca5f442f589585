import { describe, expect, test } from 'vitest'
import { historyView } from '../../web/view-models/all-history.ts'
import { RANGES } from '../../web/view-models/choice.ts'
import { COLOUR_COUNT, classKeys, classLabel, KNOWN_CLASSES } from '../../web/view-models/classes.ts'
import { createClock } from '../../web/view-models/format.ts'
import { headline, subline } from '../../web/view-models/headline.ts'
import { type NowView, nowView } from '../../web/view-models/now.ts'
import { linesByHeight, trendView } from '../../web/view-models/trend.ts'
import { trustView } from '../../web/view-models/trust.ts'
import { at, health, MINUTE_MS, statisticsRow, statsRow, systemHealth, unusualImage, windowStats } from './factories.ts'

const clock = createClock('UTC')
const now = at('14:15:00')

describe('classes', () => {
  test('a known class keeps its colour, whichever others are present', () => {
    const alone = classKeys(['River'])[0]
    expect(classKeys([...KNOWN_CLASSES, 'Bog'])).toContainEqual(alone)
    expect(alone).toEqual({ className: 'River', label: 'River', colour: 8 })
  })

  test('the order does not depend on the order of arrival, and unknown classes follow the known ones', () => {
    const names = classKeys(['Tundra', 'SeaLake', 'Bog', 'Forest', 'Bog']).map(key => key.className)
    expect(names).toEqual(['Forest', 'SeaLake', 'Bog', 'Tundra'])
  })

  test('with more classes than colours, colours are reused', () => {
    const many = Array.from({ length: 30 }, (_, index) => `Z${String(index).padStart(2, '0')}`)
    for (const { colour } of classKeys(many)) expect(colour).toBeLessThan(COLOUR_COUNT)
  })

  test('class names stay as they are, except the ten of EuroSAT, which become words', () => {
    expect(['HerbaceousVegetation', 'SeaLake'].map(classLabel)).toEqual(['Herbaceous vegetation', 'Sea lake'])
    const own = ['USDA Corn', 'Plot 7B', '_bare_soil_', 'غابة', 'x'.repeat(256)]
    expect(own.map(classLabel)).toEqual(own)
  })
})

describe('now', () => {
  const view = (rows: ReturnType<typeof windowStats>[], batch = [statsRow('Forest')]) =>
    nowView(rows, batch, clock, now) as NowView

  test('is null without windows', () => {
    expect(nowView([], [statsRow('Forest')], clock, now)).toBeNull()
  })

  test('shows each class with its baseline and the time range', () => {
    const { bars, range, filling, images, late } = view([
      windowStats('Forest', '14:10', { ndvi_avg: 0.6, count: 40, late_count: 2 }),
      windowStats('Forest', '14:00'),
    ])
    expect(bars).toMatchObject([
      { className: 'Forest', mean: 0.6, sd: 0.1, baseline: 0.5, count: 40, olderRange: null },
    ])
    expect({ range, filling, images, late }).toEqual({ range: '14:10–14:20', filling: true, images: 40, late: 2 })
  })

  test('a class without images in the newest window shows its last window and its time range', () => {
    const { bars, images, classes } = view([windowStats('Forest', '14:10'), windowStats('River', '13:40')])
    expect(bars.map(bar => bar.olderRange)).toEqual([null, '13:40–13:50'])
    expect({ images, classes }).toEqual({ images: 100, classes: 1 })
  })

  test('a class of the batch view without a window has a baseline but no bar', () => {
    const { bars } = view(
      [windowStats('Forest', '14:10')],
      [statsRow('Forest'), statsRow('SeaLake', { ndvi_avg: -0.2 })],
    )
    expect(bars[1]).toMatchObject({ className: 'SeaLake', mean: null, baseline: -0.2, count: null })
  })

  test('the axis contains zero, every whisker and every baseline, also negative ones', () => {
    const { axis } = view(
      [windowStats('SeaLake', '14:10', { ndvi_avg: -0.25, ndvi_stddev: 0.1 })],
      [statsRow('SeaLake', { ndvi_avg: -0.41 })],
    )
    expect(axis.min).toBeLessThanOrEqual(-0.41)
    expect(axis.max).toBeGreaterThanOrEqual(0)
  })

  test('unknown numbers stay null', () => {
    const { bars, images } = view([windowStats('Forest', '14:10', { ndvi_avg: null, ndvi_stddev: null, count: 0 })])
    expect(bars[0]).toMatchObject({ mean: null, sd: null, count: 0 })
    expect(images).toBe(0)
  })

  test('a class is away from its baseline only if chance does not explain the difference', () => {
    const away = (count: number) =>
      view([windowStats('Forest', '14:10', { ndvi_avg: 0.45, count })]).away.map(({ bar }) => bar.className)
    expect(away(4)).toEqual([])
    expect(away(400)).toEqual(['Forest'])
  })

  test('the description gives the chart in words', () => {
    expect(view([windowStats('Forest', '14:10', { ndvi_avg: 0.45 })]).description).toBe(
      'Bar chart of the mean NDVI per class, 14:10–14:20. Forest: 0.450 plus or minus 0.100, −0.050 from normal, 100 images.',
    )
  })
})

describe('the headline', () => {
  const words = (
    rows: ReturnType<typeof windowStats>[],
    batch: ReturnType<typeof statsRow>[] | null = [statsRow('Forest'), statsRow('River')],
  ) => {
    const view = nowView(rows, batch ?? undefined, clock, now) as NowView
    return headline(view)
      .map(({ text }) => text)
      .join('')
  }

  test('names the classes that are away from normal, the least likely first', () => {
    expect(
      words([
        windowStats('Forest', '14:10', { ndvi_avg: 0.44, count: 100 }),
        windowStats('River', '14:10', { ndvi_avg: 0.6, count: 100 }),
      ]),
    ).toBe('River is 0.100 above normal, Forest 0.060 below.')
  })

  test('covers the cases: all normal, no baseline yet, baselines not loaded', () => {
    const both = [windowStats('Forest', '14:10'), windowStats('River', '14:10')]
    expect(words(both)).toBe('Every class is near normal.')
    expect(words(both, [])).toContain('What is normal for each class is not known yet')
    expect(words(both, null)).toBe('Images are coming in. The normal values could not be loaded.')
  })

  test('claims nothing about classes without images, and uses the past tense for old images', () => {
    expect(words([windowStats('Forest', '14:10')])).toBe('1 of 2 classes has images in the newest window, near normal.')
    const old = ['Forest', 'River'].map(name => windowStats(name, '02:10'))
    expect(words(old)).toBe('Every class was near normal when the last images came.')
    expect(words([windowStats('River', '02:10', { ndvi_avg: 0.6 })])).toBe('River was last 0.100 above normal.')
  })

  test('counts the unusual images of the window, and says "or more" when the answer is full', () => {
    const view = nowView([windowStats('Forest', '14:10')], [], clock, now) as NowView
    expect(subline(view, [unusualImage(), unusualImage({ timestamp: '2026-11-22T14:00:00Z' })], 50, false)).toBe(
      '100 images of 1 class so far in the window 14:10–14:20, 1 unusual image.',
    )
    expect(subline(view, [unusualImage(), unusualImage()], 2, false)).toContain('2 or more unusual images')
    expect(subline(view, [unusualImage()], 50, true)).toMatch(/, 1 unusual image with the filters below\.$/)
    expect(subline(view, undefined, 50, false)).toMatch(/14:20\.$/)
  })
})

describe('the trend', () => {
  type Rows = ReturnType<typeof windowStats>[]
  const trend = (rows: Rows, { batch = [], scale = 'ndvi', range = '6h' }: Partial<Shown> = {}) =>
    trendView(rows, RANGES[range], batch, scale, clock, now)
  type Shown = { batch: ReturnType<typeof statsRow>[]; scale: 'ndvi' | 'difference'; range: keyof typeof RANGES }

  test('a line has a gap at a missing window, and marks the window that has not ended', () => {
    const view = trend([windowStats('Forest', '13:40'), windowStats('Forest', '14:00'), windowStats('Forest', '14:10')])
    expect(view?.lines[0]?.points.map(point => point.y)).toEqual([0.5, Number.NaN, 0.5, 0.5])
    expect(view?.lines[0]?.points.map(point => point.filling)).toEqual([false, false, false, true])
  })

  test('a window without neighbours is marked as alone', () => {
    const view = trend([windowStats('Forest', '13:00'), windowStats('Forest', '14:00'), windowStats('Forest', '14:10')])
    expect(view?.lines[0]?.points.filter(({ y }) => Number.isFinite(y)).map(({ alone }) => alone)).toEqual([
      true,
      false,
      false,
    ])
  })

  test('the difference is to the baseline of the class; without a baseline there is no line', () => {
    const rows = [windowStats('Forest', '14:00'), windowStats('River', '14:00', { ndvi_avg: 0.1 })]
    const view = trend(rows, { batch: [statsRow('River', { ndvi_avg: 0.3 })], scale: 'difference' })
    expect(view?.lines.map(line => line.className)).toEqual(['River'])
    expect(view?.lines[0]?.points[0]?.y).toBeCloseTo(-0.2)
    expect(view?.description).toContain('River: −0.200')
  })

  test('lines can be sorted by their last value', () => {
    const rows = [
      windowStats('Forest', '14:00', { ndvi_avg: 0.1 }),
      windowStats('River', '14:00', { ndvi_avg: null }),
      windowStats('SeaLake', '14:00', { ndvi_avg: 0.3 }),
    ]
    expect(linesByHeight(trend(rows)?.lines ?? []).map(line => line.className)).toEqual(['SeaLake', 'Forest', 'River'])
  })

  test('days are UTC days in any time zone, and labelled as UTC', () => {
    const day = (date: string) =>
      windowStats('Forest', '00:00', {
        window_start: `${date}T00:00:00.000Z`,
        window_end: new Date(Date.parse(date) + 24 * 60 * MINUTE_MS).toISOString(),
      })
    const rows = [day('2026-11-20'), day('2026-11-21'), day('2026-11-22')]
    const view = trendView(rows, RANGES['30d'], [], 'ndvi', createClock('America/New_York'), now)
    expect(view).toMatchObject({ isDaily: true, summary: '3 UTC days', period: '20 Nov 2026 to 22 Nov 2026' })
    expect(view?.lines[0]?.points.map(({ time, filling }) => [time, filling])).toEqual([
      ['20 Nov (UTC)', false],
      ['21 Nov (UTC)', false],
      ['22 Nov (UTC)', true],
    ])
  })

  test('gives its period in the reader’s zone', () => {
    expect(trend([windowStats('Forest', '14:00'), windowStats('Forest', '14:10')])).toMatchObject({
      summary: '2 windows of 10 minutes',
      period: '22 Nov 2026 14:00–14:20',
      isDaily: false,
    })
  })

  test('is null without windows', () => {
    expect(trend([])).toBeNull()
  })
})

describe('all history', () => {
  test('shows how many images of each class are only in the speed layer', () => {
    const view = historyView([statsRow('Forest', { count: 1312 })], [statsRow('Forest', { count: 1000 })], [])
    expect(view?.items[0]).toMatchObject({ count: '1,312', batchCount: '1,000', speedOnly: '+312' })
    expect(view?.items[0]).toMatchObject({ red: '700', nir: '2,900', brightness: '0.250' })
    expect(view?.total.speedOnly).toBe('+312')
    expect(view?.summary).toBe(
      '1,312 images: 1,000 counted by the batch view, 312 (24%) only in the speed layer so far.',
    )
  })

  test('a batch view published between the two requests never gives a negative number', () => {
    const view = historyView([statsRow('Forest', { count: 10 })], [statsRow('Forest', { count: 12 })], [])
    expect(view?.items[0]).toMatchObject({ speedOnly: '0', batchShare: 1 })
  })

  test('before the first batch view, all images are in the speed layer', () => {
    const view = historyView([statsRow('Forest', { count: 10 })], [], [])
    expect(view?.items[0]).toMatchObject({ batchCount: '0', speedOnly: '+10', batchShare: 0 })
    expect(view?.summary).toContain('no batch view has counted any yet')
  })

  test('unknown batch counts are shown as unknown, not as zero', () => {
    const view = historyView([statsRow('Forest', { count: 10 })], undefined, [])
    expect(view?.items[0]).toMatchObject({ count: '10', batchCount: '–', speedOnly: '–', batchShare: null })
    expect(view?.summary).toBe('10 images. How many of them the batch view has counted could not be loaded.')
  })

  test('the distributions of all classes share one scale', () => {
    const joined = [statsRow('Forest'), statsRow('SeaLake'), statsRow('River')]
    const water = { ndvi_p05: -0.4, ndvi_p25: -0.3, ndvi_p50: -0.25, ndvi_p75: -0.2, ndvi_p95: -0.1 }
    const nothing = { ndvi_p05: null, ndvi_p25: null, ndvi_p50: null, ndvi_p75: null, ndvi_p95: null }
    const statistics = [
      statisticsRow('Forest'),
      statisticsRow('SeaLake', water),
      statisticsRow('River', { ...nothing, count: 0 }),
    ]
    const view = historyView(joined, [], statistics)
    expect(view?.scale).toEqual({ min: '−0.4', max: '0.8' })
    expect(view?.items.map(({ distribution }) => distribution?.p05.toFixed(3))).toEqual(['0.583', undefined, '0.000'])
    expect(view?.items[0]?.distribution?.description).toBe(
      'Median 0.500; half of the images from 0.450 to 0.550, nine in ten from 0.300 to 0.700',
    )
  })

  test('is null without rows', () => {
    expect(historyView([], [], [])).toBeNull()
  })
})

describe('the quality of the data', () => {
  const values = (report: ReturnType<typeof systemHealth>) =>
    Object.fromEntries(trustView(report, clock, now).cards.map(card => [card.id, card.value]))

  test('shows the last arrival, the lag, the age of the batch view and the quarantined records', () => {
    expect(values(systemHealth())).toEqual({ fresh: '5 s ago', lag: '410 ms', batch: '12 min ago', quarantine: '0' })
  })

  test('names the cut: images that arrived before it are counted exactly', () => {
    const batch = trustView(systemHealth(), clock, now).cards.find(card => card.id === 'batch')
    expect(batch?.detail).toContain('All 271,650 images that arrived before 13:00')
    expect(batch?.title).toContain('2026-11-22T13:00:00.000Z')
  })

  test('a system without images shows unknown values', () => {
    const report = systemHealth({
      speed: { lanes: [], lag_ms: null },
      batch: { ...health().batch, cut: null, published_at: null, revision: null, images: null },
    })
    expect(values(report)).toEqual({ fresh: '–', lag: '–', batch: 'None yet', quarantine: '0' })
  })

  test('quarantined records are highlighted', () => {
    const card = trustView(systemHealth({ quarantine: { count: 4 } }), clock, now).cards.find(
      ({ id }) => id === 'quarantine',
    )
    expect(card).toMatchObject({ value: '4', tone: 'attention' })
  })

  test.each([
    ['ok', 0, 'All images that have arrived are counted on this page.'],
    ['degraded', 0, 'No image is known to wait, but something is wrong: see the reasons.'],
    ['degraded', 1, 'Age of the oldest record that is not counted yet.'],
  ] as const)('a system that is %s with a lag of %i ms does not claim more than it knows', (status, lag_ms, detail) => {
    const report = systemHealth({ status, speed: { lanes: [], lag_ms } })
    expect(trustView(report, clock, now).cards.find(({ id }) => id === 'lag')?.detail).toBe(detail)
  })

  test('records that the log removed before they were counted are highlighted, with their number over all lanes', () => {
    const lagOf = (...lost: number[]) => {
      const { speed } = health()
      const lanes = speed.lanes.map((lane, index) => ({ ...lane, lost_records: lost[index] ?? 0 }))
      return trustView(systemHealth({ speed: { ...speed, lanes } }), clock, now).cards.find(({ id }) => id === 'lag')
    }
    expect(lagOf(2, 3)).toMatchObject({
      detail: 'Up to 5 records are missing: the log removed them before they were counted.',
      tone: 'attention',
    })
    expect(lagOf(1, 0)).toMatchObject({
      detail: 'Up to 1 record is missing: the log removed them before they were counted.',
      tone: 'attention',
    })
    expect(lagOf(0, 0)).toMatchObject({ detail: 'Age of the oldest record that is not counted yet.', tone: 'calm' })
  })

  test('the reasons of a degraded health are shown unchanged', () => {
    const reasons = ['Records wait for 90 s to be counted: the newest are missing.']
    expect(trustView(systemHealth({ status: 'degraded', reasons }), clock, now).reasons).toEqual(reasons)
  })

  test('each lane is listed, an idle one with unknown times', () => {
    expect(trustView(systemHealth(), clock, now).lanes).toEqual([
      { lane: 'tiles/0', lastEvent: '14:14:50', lastArrival: '5 s ago', lag: '320 ms' },
      { lane: 'tiles/1', lastEvent: '–', lastArrival: '–', lag: '0 ms' },
    ])
  })
})
