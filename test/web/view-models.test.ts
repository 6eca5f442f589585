import { describe, expect, test } from 'vitest'
import { alertItems, alertsBetween } from '../../web/view-models/alerts.ts'
import { historyView } from '../../web/view-models/all-history.ts'
import { COLOUR_COUNT, classKeys, classLabel, KNOWN_CLASSES } from '../../web/view-models/classes.ts'
import { createClock } from '../../web/view-models/format.ts'
import { headline, subline } from '../../web/view-models/headline.ts'
import { type NowView, nowView } from '../../web/view-models/now.ts'
import { linesByHeight, trendView } from '../../web/view-models/trend.ts'
import { trustView } from '../../web/view-models/trust.ts'
import { EMPTY_HISTORY, newestWindows, remember } from '../../web/view-models/window-history.ts'
import { alertRow, at, health, statsRow, windowRow } from './factories.ts'

const clock = createClock('UTC')
const now = at('14:15:00')
const rememberAll = (...rows: ReturnType<typeof windowRow>[]) => remember(EMPTY_HISTORY, rows)

describe('classes', () => {
  test('a known class keeps its colour whichever others are present', () => {
    const alone = classKeys(['River'])[0]
    expect(classKeys([...KNOWN_CLASSES, 'Bog'])).toContainEqual(alone)
    expect(alone).toEqual({ className: 'River', label: 'River', colour: 8 })
  })

  test('the order does not depend on the order of arrival, and unknown classes follow the known ones', () => {
    const names = classKeys(['Tundra', 'SeaLake', 'Bog', 'Forest', 'Bog']).map(key => key.className)
    expect(names).toEqual(['Forest', 'SeaLake', 'Bog', 'Tundra'])
  })

  test('more classes than colours reuse them instead of running out', () => {
    const many = Array.from({ length: 30 }, (_, index) => `Z${String(index).padStart(2, '0')}`)
    for (const { colour } of classKeys(many)) expect(colour).toBeLessThan(COLOUR_COUNT)
  })

  test('names become words', () => {
    expect(['HerbaceousVegetation', 'SeaLake', 'bare_soil', 'x'].map(classLabel)).toEqual([
      'Herbaceous vegetation',
      'Sea lake',
      'Bare soil',
      'X',
    ])
  })
})

describe('the history of windows', () => {
  test('a window seen again replaces what was known, because late events change it', () => {
    const first = rememberAll(windowRow('Forest', '14:00', { count: 5 }))
    const second = remember(first, [windowRow('Forest', '14:00', { count: 7 })])
    expect(second.get('Forest')?.map(row => row.count)).toEqual([7])
    expect(first.get('Forest')?.map(row => row.count)).toEqual([5])
  })

  test('it is ordered by time, and bounded: the oldest go', () => {
    const rows = ['14:10', '13:50', '14:00'].map(start => windowRow('Forest', start))
    const starts = remember(EMPTY_HISTORY, rows, 2)
      .get('Forest')
      ?.map(row => row.window_start.slice(11, 16))
    expect(starts).toEqual(['14:00', '14:10'])
  })

  test('a class that is missing from an answer is kept', () => {
    const history = remember(rememberAll(windowRow('River', '14:00')), [windowRow('Forest', '14:10')])
    expect([...newestWindows(history).keys()].sort()).toEqual(['Forest', 'River'])
  })
})

describe('now', () => {
  const view = (rows: ReturnType<typeof windowRow>[], batch = [statsRow('Forest')]) =>
    nowView(newestWindows(rememberAll(...rows)), batch, clock, now) as NowView

  test('without windows there is nothing to show', () => {
    expect(nowView(new Map(), [statsRow('Forest')], clock, now)).toBeNull()
  })

  test('it shows each class beside its normal, and says which time that is', () => {
    const { bars, range, filling, images, late } = view([
      windowRow('Forest', '14:10', { ndvi_avg: 0.6, count: 40, late_count: 2 }),
      windowRow('Forest', '14:00'),
    ])
    expect(bars).toMatchObject([{ className: 'Forest', mean: 0.6, sd: 0.1, normal: 0.5, count: 40, olderRange: null }])
    expect({ range, filling, images, late }).toEqual({ range: '14:10–14:20', filling: true, images: 40, late: 2 })
  })

  test('a class without images in the newest window shows its last one, and says so', () => {
    const { bars, images, classes } = view([windowRow('Forest', '14:10'), windowRow('River', '13:40')])
    expect(bars.map(bar => bar.olderRange)).toEqual([null, '13:40–13:50'])
    expect({ images, classes }).toEqual({ images: 100, classes: 1 })
  })

  test('a class of the batch view without any window has a normal but no bar', () => {
    const { bars } = view([windowRow('Forest', '14:10')], [statsRow('Forest'), statsRow('SeaLake', { ndvi_avg: -0.2 })])
    expect(bars[1]).toMatchObject({ className: 'SeaLake', mean: null, normal: -0.2, count: null })
  })

  test('the axis holds zero, every whisker and every normal, negative ones too', () => {
    const { axis } = view(
      [windowRow('SeaLake', '14:10', { ndvi_avg: -0.25, ndvi_stddev: 0.1 })],
      [statsRow('SeaLake', { ndvi_avg: -0.41 })],
    )
    expect(axis.min).toBeLessThanOrEqual(-0.41)
    expect(axis.max).toBeGreaterThanOrEqual(0)
  })

  test('unknown numbers (null) are kept as unknown', () => {
    const { bars, images } = view([windowRow('Forest', '14:10', { ndvi_avg: null, ndvi_stddev: null, count: null })])
    expect(bars[0]).toMatchObject({ mean: null, sd: null, count: null })
    expect(images).toBe(0)
  })

  test('a difference counts as away from normal only if chance does not explain it', () => {
    const away = (count: number) =>
      view([windowRow('Forest', '14:10', { ndvi_avg: 0.45, count })]).away.map(({ bar }) => bar.className)
    expect(away(4)).toEqual([])
    expect(away(400)).toEqual(['Forest'])
  })

  test('the description says in words what the chart shows', () => {
    expect(view([windowRow('Forest', '14:10', { ndvi_avg: 0.45 })]).description).toBe(
      'Bar chart of the mean NDVI per class, 14:10–14:20. Forest: 0.450 plus or minus 0.100, −0.050 from normal, 100 images.',
    )
  })
})

describe('the headline', () => {
  const words = (rows: ReturnType<typeof windowRow>[], batch = [statsRow('Forest'), statsRow('River')]) => {
    const view = nowView(newestWindows(rememberAll(...rows)), batch, clock, now) as NowView
    return headline(view)
      .map(({ text }) => text)
      .join('')
  }

  test('names the classes that are away from normal, the least likely first', () => {
    expect(
      words([
        windowRow('Forest', '14:10', { ndvi_avg: 0.44, count: 100 }),
        windowRow('River', '14:10', { ndvi_avg: 0.6, count: 100 }),
      ]),
    ).toBe('River is 0.100 above its normal, Forest 0.060 below.')
  })

  test('says so when all is as usual, and when there is no normal yet', () => {
    expect(words([windowRow('Forest', '14:10')])).toBe('Every class is near its normal.')
    expect(words([windowRow('Forest', '14:10')], [])).toContain('nothing to compare them with yet')
  })

  test('counts the alerts of the window, and does not pretend to know more than the answer holds', () => {
    const view = nowView(newestWindows(rememberAll(windowRow('Forest', '14:10'))), [], clock, now) as NowView
    expect(subline(view, [alertRow(), alertRow({ timestamp: '2026-11-22T14:00:00Z' })], 50)).toBe(
      '100 images of 1 class so far in the window 14:10–14:20, 1 alert.',
    )
    expect(subline(view, [alertRow(), alertRow()], 2)).toContain('2 or more alerts')
  })
})

describe('how it moved', () => {
  test('a line breaks where a window is missing, and marks the one that still fills', () => {
    const history = rememberAll(
      windowRow('Forest', '13:40'),
      windowRow('Forest', '14:00'),
      windowRow('Forest', '14:10'),
    )
    const view = trendView(history, [], 'ndvi', clock, now)
    expect(view?.lines[0]?.points.map(point => point.y)).toEqual([0.5, Number.NaN, 0.5, 0.5])
    expect(view?.lines[0]?.points.map(point => point.filling)).toEqual([false, false, false, true])
  })

  test('as a difference, each class is measured against its own normal; without one it has no line', () => {
    const history = rememberAll(windowRow('Forest', '14:00'), windowRow('River', '14:00', { ndvi_avg: 0.1 }))
    const view = trendView(history, [statsRow('River', { ndvi_avg: 0.3 })], 'difference', clock, now)
    expect(view?.lines.map(line => line.className)).toEqual(['River'])
    expect(view?.lines[0]?.points[0]?.y).toBeCloseTo(-0.2)
    expect(view?.description).toContain('River: −0.200')
  })

  test('the lines can be listed from the one that ends highest', () => {
    const history = rememberAll(
      windowRow('Forest', '14:00', { ndvi_avg: 0.1 }),
      windowRow('River', '14:00', { ndvi_avg: null }),
      windowRow('SeaLake', '14:00', { ndvi_avg: 0.3 }),
    )
    const lines = trendView(history, [], 'ndvi', clock, now)?.lines ?? []
    expect(linesByHeight(lines).map(line => line.className)).toEqual(['SeaLake', 'Forest', 'River'])
  })

  test('without windows there is no chart', () => {
    expect(trendView(EMPTY_HISTORY, [], 'ndvi', clock, now)).toBeNull()
  })
})

describe('what is wrong', () => {
  test('an alert says when, in local time with the UTC time beside it, and how far off', () => {
    const berlin = createClock('Europe/Berlin')
    expect(alertItems([alertRow()], null, berlin, now)[0]).toMatchObject({
      time: '15:12:03',
      timeTitle: '2026-11-22T14:12:03.000Z',
      imageId: 'Forest_7',
      ndvi: '0.210',
      off: '4.2 sd below',
      direction: 'below',
    })
  })

  test('an image flagged by two rules is two alerts, each with its own key', () => {
    const items = alertItems([alertRow(), alertRow({ rule: 'image-range' })], null, clock, now)
    expect(new Set(items.map(item => item.key)).size).toBe(2)
  })

  test('a rule that the page does not know and a score that is unknown are still shown', () => {
    expect(
      alertItems([alertRow({ rule: 'flood', score: null, baseline_version: null })], null, clock, now)[0],
    ).toMatchObject({
      rule: 'flood',
      ruleTitle: '',
      off: '–',
      direction: null,
    })
  })

  test('only the class in focus, and only the alerts of a time span, can be had', () => {
    const rows = [alertRow(), alertRow({ class_name: 'River' })]
    expect(alertItems(rows, 'River', clock, now)).toHaveLength(1)
    expect(alertsBetween(rows, at('14:12:03'), at('14:20'))).toBe(2)
    expect(alertsBetween(rows, at('14:00'), at('14:12:03'))).toBe(0)
  })
})

describe('all history', () => {
  test('shows how much of each class is still only in the speed layer', () => {
    const view = historyView([statsRow('Forest', { count: 1312 })], [statsRow('Forest', { count: 1000 })])
    expect(view?.items[0]).toMatchObject({ count: '1,312', batchCount: '1,000', speedOnly: '+312' })
    expect(view?.items[0]).toMatchObject({ red: '700', nir: '2,900', brightness: '0.250' })
    expect(view?.total.speedOnly).toBe('+312')
    expect(view?.summary).toBe(
      '1,312 images: 1,000 counted by the batch view, 312 (24%) still only in the speed layer.',
    )
  })

  test('a batch view published between the two requests never shows as less than nothing', () => {
    const view = historyView([statsRow('Forest', { count: 10 })], [statsRow('Forest', { count: 12 })])
    expect(view?.items[0]).toMatchObject({ speedOnly: '0', batchShare: 1 })
  })

  test('before the first batch view everything is in the speed layer', () => {
    const view = historyView([statsRow('Forest', { count: 10 })], [])
    expect(view?.items[0]).toMatchObject({ batchCount: '0', speedOnly: '+10', batchShare: 0 })
    expect(view?.summary).toContain('no batch view has counted any yet')
  })

  test('an unknown count stays unknown', () => {
    expect(historyView([statsRow('Forest', { count: null })], [])?.items[0]).toMatchObject({
      count: '–',
      speedOnly: '–',
      batchShare: null,
    })
  })

  test('without rows there is no table', () => {
    expect(historyView([], [])).toBeNull()
  })
})

describe('can I trust this', () => {
  const values = (report: ReturnType<typeof health>) =>
    Object.fromEntries(trustView(report, clock, now).cards.map(card => [card.id, card.value]))

  test('says how fresh, how late, how old the batch view and how much is quarantined', () => {
    expect(values(health())).toEqual({ fresh: '5 s ago', lag: '410 ms', batch: '12 min ago', quarantine: '0' })
  })

  test('names the cut: what arrived before it is counted exactly', () => {
    const batch = trustView(health(), clock, now).cards.find(card => card.id === 'batch')
    expect(batch?.detail).toContain('All 271,650 images that arrived before 13:00')
    expect(batch?.title).toContain('2026-11-22T13:00:00.000Z')
  })

  test('a system that has seen nothing claims nothing', () => {
    const report = health({
      speed: { lanes: [], lag_ms: null },
      batch: { cut: null, published_at: null, revision: null, images: null },
      quarantine: { count: null },
    })
    expect(values(report)).toEqual({ fresh: '–', lag: '–', batch: 'None yet', quarantine: '–' })
  })

  test('quarantined records ask for attention', () => {
    const card = trustView(health({ quarantine: { count: 4 } }), clock, now).cards.find(({ id }) => id === 'quarantine')
    expect(card).toMatchObject({ value: '4', tone: 'attention' })
  })

  test('each lane is listed, an idle one with unknowns', () => {
    expect(trustView(health(), clock, now).lanes).toEqual([
      { lane: 'tiles/0', lastEvent: '14:14:50', lastArrival: '5 s ago', lag: '320 ms' },
      { lane: 'tiles/1', lastEvent: '–', lastArrival: '–', lag: '–' },
    ])
  })
})
