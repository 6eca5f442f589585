import { describe, expect, test } from 'vitest'
import { WindowsQuery } from '../../functions/serving/schemas.ts'
import { MIN_SCORES, parametersOf, RANGE_NAMES, RANGES } from '../../web/view-models/choice.ts'
import { exportUrls } from '../../web/view-models/questions.ts'
import { at, chosen, health, queries } from './factories.ts'

const addressOf = (search: string, before = '') => parametersOf(chosen(search), new URLSearchParams(before)).toString()

describe('the choice', () => {
  test('is in the address, except for the defaults', () => {
    const address = 'class=River&range=30d&scale=difference&rule=image-range&off=4&seen=hidden'
    expect(chosen(address)).toEqual({
      focus: 'River',
      range: '30d',
      scale: 'difference',
      rule: 'image-range',
      minScore: 4,
      hidesSeen: true,
    })
    expect(addressOf(address)).toBe(address)
    expect(addressOf('')).toBe('')
  })

  test('leaves other parameters of the address unchanged', () => {
    expect(addressOf('range=7d', 'from=a-link&range=24h&class=River')).toBe('from=a-link&range=7d')
  })

  test('is the default where the address has an invalid value', () => {
    expect(chosen(`range=9y&scale=x&off=minus&class=&rule=${'x'.repeat(257)}`)).toEqual(chosen())
  })
})

describe('the options', () => {
  test('are ranges from an hour to a year, in windows, hours or days', () => {
    const HOUR_MS = 3_600_000
    const minutes = { every: '10m', stepMs: HOUR_MS / 6 }
    const days = { every: '1d', stepMs: 24 * HOUR_MS }
    expect(RANGES).toEqual({
      '1h': { spanMs: HOUR_MS, ...minutes },
      '6h': { spanMs: 6 * HOUR_MS, ...minutes },
      '24h': { spanMs: 24 * HOUR_MS, every: '1h', stepMs: HOUR_MS },
      '7d': { spanMs: 168 * HOUR_MS, ...days },
      '30d': { spanMs: 720 * HOUR_MS, ...days },
      '1y': { spanMs: 8760 * HOUR_MS, ...days },
    })
  })

  test('are three distances; the default is six hours of NDVI with all unusual images', () => {
    expect([...MIN_SCORES]).toEqual([3, 4, 5])
    for (const score of MIN_SCORES) expect(chosen(`off=${score}`).minScore).toBe(score)
    const everything = { focus: null, range: '6h', scale: 'ndvi', rule: null, minScore: null, hidesSeen: false }
    expect(chosen()).toEqual(everything)
    expect(parametersOf({ ...chosen('range=1h&scale=difference&seen=hidden') }, new URLSearchParams()).toString()).toBe(
      'range=1h&scale=difference&seen=hidden',
    )
  })

  test('accept names as long as the API accepts them', () => {
    expect(chosen(`class=${'x'.repeat(256)}`).focus).toHaveLength(256)
  })
})

describe('the queries of the page', () => {
  test('for every range are valid for the API, and cover whole steps with the newest one', () => {
    const nowMs = at('14:15:30')
    for (const range of RANGE_NAMES) {
      const url = new URL(queries(`range=${range}`, nowMs).series.url, 'http://page')
      const { from = 0, every } = WindowsQuery.parse(Object.fromEntries(url.searchParams))
      const { stepMs, spanMs } = RANGES[range]
      expect([from % stepMs, every], range).toEqual([0, RANGES[range].every])
      expect(nowMs - from, range).toBeLessThan(spanMs)
      expect(nowMs - from, range).toBeGreaterThan(spanMs - stepMs)
    }
  })

  test('of a source that is days late end with its newest image, at any time', () => {
    const latestMs = at('14:15:30') - 30 * 3_600_000
    const report = health({ latest_image_at: new Date(latestMs).toISOString() })
    for (const range of RANGE_NAMES) {
      const url = new URL(queries(`range=${range}`, at('14:15:30'), report).series.url, 'http://page')
      const { from = 0, to = 0 } = WindowsQuery.parse(Object.fromEntries(url.searchParams))
      const { stepMs, spanMs } = RANGES[range]
      expect([to - from, to % stepMs], range).toEqual([spanMs, 0])
      expect(to > latestMs && to - latestMs <= stepMs, range).toBe(true)
    }
    const urlAt = (time: string) => queries('', at(time), report).series.url
    expect(urlAt('14:10:00')).toBe(urlAt('19:40:00'))
  })

  test('are the same for two pages with the same choice, at any second', () => {
    const urlsAt = (time: string) => Object.values(queries('', at(time))).map(({ url }) => url)
    expect(urlsAt('14:10:00')).toEqual(urlsAt('14:19:59'))
    expect(urlsAt('14:20:00')).not.toEqual(urlsAt('14:19:59'))
  })

  test('for hours and days repeat every half minute, for minutes in each round', () => {
    const state = (range: string, time: string) => queries(`range=${range}`, at(time)).series.state
    expect(state('6h', '14:10:00')).toBeUndefined()
    expect(state('24h', '14:10:00')).toBe(state('24h', '14:10:29'))
    expect(state('24h', '14:10:00')).not.toBe(state('24h', '14:10:30'))
  })

  test('for the batch view repeat when a new view is published', () => {
    const { batch } = health()
    const next = health({ batch: { ...batch, published_at: '2026-11-22T15:03:00.000Z' } })
    expect(queries().batch.state).toBe(queries().statistics.state)
    expect(queries().batch.state).not.toBe(queries('', undefined, next).batch.state)
  })

  test('for unusual images contain the filters', () => {
    const url = (search: string) => queries(search).unusualImages.url
    expect(url('')).toBe('/api/anomalies?limit=50')
    expect(url('class=River&rule=image-range&off=4')).toBe(
      '/api/anomalies?limit=50&class=River&rule=image-range&min_score=4',
    )
    expect(exportUrls(queries(), chosen()).trend).not.toContain('class')
  })

  test('can be exported as CSV: for the chosen class, with the max number of unusual images', () => {
    const search = 'class=River&off=3'
    expect(exportUrls(queries(search), chosen(search))).toEqual({
      refused: '/api/quarantine?limit=100&format=csv',
      incidents: '/api/incidents?limit=1000&format=csv',
      now: '/api/realtime/ndvi?format=csv',
      trend: '/api/windows?every=10m&from=2026-11-22T08%3A20%3A00.000Z&class=River&format=csv',
      unusualImages: '/api/anomalies?limit=1000&class=River&min_score=3&format=csv',
      history: '/api/class-stats?format=csv',
    })
  })
})
