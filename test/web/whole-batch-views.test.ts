import { describe, expect, it } from 'vitest'
import { historyView } from '../../web/view-models/all-history.ts'
import { createClock } from '../../web/view-models/format.ts'
import { trustView } from '../../web/view-models/trust.ts'
import { at, health, statisticsRow, statsRow, systemHealth } from './factories.ts'

const clock = createClock('UTC')
const now = at('14:15:00')

describe('all history', () => {
  const summary = (count: number, batch: number) =>
    historyView([statsRow('Forest', { count })], [statsRow('Forest', { count: batch })], [])?.summary

  it('gives the images that the batch view has not counted, with significant digits', () => {
    expect(summary(1, 1)).toBe('1 image, all counted by the batch view.')
    expect(summary(2, 3)).toBe('2 images, all counted by the batch view.')
    const shares = [
      [100_000, 99_901, 'under 0.1%'],
      [1_000, 999, '0.1%'],
      [2, 1, '50%'],
      [1_000, 900, '10%'],
      [1_000, 901, '9.9%'],
      [1_000, 895, '11%'],
    ] as const
    for (const [count, batch, share] of shares)
      expect(summary(count, batch)).toContain(`(${share}) only in the speed layer`)
  })

  it('divides the count between the layers; the share of zero images is unknown', () => {
    const counts = (count: number, batch: number) => {
      const view = historyView([statsRow('Forest', { count })], [statsRow('Forest', { count: batch })], [])
      return [view?.items[0]?.batchShare, view?.items[0]?.speedOnly, view?.total.batchShare]
    }
    expect(counts(4, 1)).toEqual([0.25, '+3', 0.25])
    expect(counts(1, 0)).toEqual([0, '+1', 0])
    expect(counts(1, 1)).toEqual([1, '0', 1])
    expect(counts(0, 0)).toEqual([null, '0', null])
  })

  it('has no distribution for a class with an unknown quantile, and no scale without a distribution', () => {
    for (const name of ['ndvi_p05', 'ndvi_p25', 'ndvi_p50', 'ndvi_p75', 'ndvi_p95']) {
      const view = historyView([statsRow('Forest')], [], [statisticsRow('Forest', { [name]: null })])
      expect(view, name).toMatchObject({ scale: null, items: [{ distribution: null }] })
    }
    const whole = historyView([statsRow('Forest')], [], [statisticsRow('Forest')])
    expect(whole?.scale).toEqual({ min: '0.0', max: '0.7' })
    const { description: _, ...places } = whole?.items[0]?.distribution ?? {}
    const rounded = Object.entries(places).map(([name, place]) => [name, Number(place).toFixed(4)])
    expect(Object.fromEntries(rounded)).toEqual({
      p05: '0.4286',
      p25: '0.6429',
      p50: '0.7143',
      p75: '0.7857',
      p95: '1.0000',
    })
  })
})

describe('the quality of the data', () => {
  it('consists of four cards and the lanes', () => {
    const report = systemHealth({ quarantine: { count: 1 }, speed: { lanes: health().speed.lanes, lag_ms: 0 } })
    expect(trustView(report, clock, now)).toEqual({
      cards: [
        {
          id: 'fresh',
          value: '5 s ago',
          detail: 'The newest image was taken at 14:14:50.',
          title: '2026-11-22T14:14:55.000Z',
          tone: 'calm',
        },
        {
          id: 'lag',
          value: '0 ms',
          detail: 'All images that have arrived are counted on this page.',
          title: '',
          tone: 'calm',
        },
        {
          id: 'batch',
          value: '12 min ago',
          detail: 'All 271,650 images that arrived before 13:00, recounted exactly (revision 3).',
          title: 'cut 2026-11-22T13:00:00.000Z, published 2026-11-22T14:03:00.000Z',
          tone: 'calm',
        },
        {
          id: 'quarantine',
          value: '1',
          detail: 'Records that could not be read. They are stored with the reason, and not counted on this page.',
          title: '',
          tone: 'attention',
        },
      ],
      reasons: [],
      lanes: [
        { lane: 'tiles/0', lastEvent: '14:14:50', lastArrival: '5 s ago', lag: '320 ms' },
        { lane: 'tiles/1', lastEvent: '–', lastArrival: '–', lag: '0 ms' },
      ],
      lanesSummary: '2 lanes',
    })
  })

  const details = (report: ReturnType<typeof systemHealth>) =>
    trustView(report, clock, now).cards.map(({ detail, title, tone }) => [detail, title, tone])

  it('shows unknown values before the first image', () => {
    const nothing = { ...health().batch, cut: null, published_at: null, revision: null, images: null }
    expect(details(systemHealth({ speed: { lanes: [], lag_ms: null }, batch: nothing }))).toEqual([
      ['No image has arrived yet.', '', 'calm'],
      ['Not measured yet.', '', 'calm'],
      ['Until the first view is published, all numbers come from the speed layer.', '', 'calm'],
      ['All records could be read.', '', 'calm'],
    ])
  })

  it('distinguishes a view of imports from a view with a cut', () => {
    const batch = { ...health().batch, cut: null, images: 1 }
    const published = 'published 2026-11-22T14:03:00.000Z'
    const rest = 'Newer images are in the speed layer.'
    const [, lag, imports] = details(systemHealth({ batch }))
    expect(lag?.[0]).toBe('Age of the oldest record that is not counted yet.')
    expect(imports?.slice(0, 2)).toEqual([
      `All 1 image of the imported history, counted exactly (revision 3). ${rest}`,
      published,
    ])
    const unnumbered = details(systemHealth({ batch: { ...batch, images: null, revision: null } }))[2]
    expect(unnumbered?.[0]).toBe(`All images of the imported history, counted exactly. ${rest}`)
  })

  it('uses the newest times of all lanes', () => {
    const [first] = health().speed.lanes
    const lane = (second: string) => ({
      ...(first as NonNullable<typeof first>),
      last_event_at: `2026-11-22T14:14:${second}.000Z`,
      last_arrival_at: `2026-11-22T14:14:${second}.000Z`,
    })
    const view = trustView(
      systemHealth({ speed: { lanes: [lane('20'), lane('40'), lane('30')], lag_ms: 1 } }),
      clock,
      now,
    )
    expect(view.cards[0]).toMatchObject({ value: '20 s ago', detail: 'The newest image was taken at 14:14:40.' })
    expect(view.lanes.map(({ lastEvent }) => lastEvent)).toEqual(['14:14:20', '14:14:40', '14:14:30'])
    expect(trustView(systemHealth({ speed: { lanes: [lane('20')], lag_ms: 1 } }), clock, now).lanesSummary).toBe(
      '1 lane',
    )
  })
})
