import { describe, expect, test } from 'vitest'
import { WindowsQuery } from '../../functions/serving/schemas.ts'
import { MIN_SCORES, parametersOf, RANGE_NAMES, RANGES } from '../../web/view-models/choice.ts'
import { exportUrls } from '../../web/view-models/questions.ts'
import { at, chosen, health, questions } from './factories.ts'

const addressOf = (search: string, before = '') => parametersOf(chosen(search), new URLSearchParams(before)).toString()

describe('what is chosen', () => {
  test('stands in the address, and what is so by default does not', () => {
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

  test('leaves alone what else is in the address', () => {
    expect(addressOf('range=7d', 'from=a-link&range=24h&class=River')).toBe('from=a-link&range=7d')
  })

  test('is the default where the address says what there is not', () => {
    expect(chosen(`range=9y&scale=x&off=minus&class=&rule=${'x'.repeat(257)}`)).toEqual(chosen())
  })
})

describe('what there is to choose', () => {
  test('is ranges from an hour to a year, told by windows, hours or days', () => {
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

  test('is one distance of three, and by default six hours of every alert as NDVI', () => {
    expect([...MIN_SCORES]).toEqual([3, 4, 5])
    for (const score of MIN_SCORES) expect(chosen(`off=${score}`).minScore).toBe(score)
    const everything = { focus: null, range: '6h', scale: 'ndvi', rule: null, minScore: null, hidesSeen: false }
    expect(chosen()).toEqual(everything)
    expect(parametersOf({ ...chosen('range=1h&scale=difference&seen=hidden') }, new URLSearchParams()).toString()).toBe(
      'range=1h&scale=difference&seen=hidden',
    )
  })

  test('may have names as long as the API takes', () => {
    expect(chosen(`class=${'x'.repeat(256)}`).focus).toHaveLength(256)
  })
})

describe('what the page asks', () => {
  test('of every range is what the API takes, whole steps, the newest among them', () => {
    const nowMs = at('14:15:30')
    for (const range of RANGE_NAMES) {
      const url = new URL(questions(`range=${range}`, nowMs).series.url, 'http://page')
      const { from = 0, every } = WindowsQuery.parse(Object.fromEntries(url.searchParams))
      const { stepMs, spanMs } = RANGES[range]
      expect([from % stepMs, every], range).toEqual([0, RANGES[range].every])
      expect(nowMs - from, range).toBeLessThan(spanMs)
      expect(nowMs - from, range).toBeGreaterThan(spanMs - stepMs)
    }
  })

  test('is the same of two pages that show the same, whatever the second', () => {
    expect(questions('', at('14:10:00'))).toEqual(questions('', at('14:19:59')))
    expect(questions('', at('14:20:00'))).not.toEqual(questions('', at('14:19:59')))
  })

  test('of hours and days is asked for every half minute, of minutes in each round', () => {
    const state = (range: string, time: string) => questions(`range=${range}`, at(time)).series.state
    expect(state('6h', '14:10:00')).toBeUndefined()
    expect(state('24h', '14:10:00')).toBe(state('24h', '14:10:29'))
    expect(state('24h', '14:10:00')).not.toBe(state('24h', '14:10:30'))
  })

  test('of the batch view is asked for when there is another', () => {
    const { batch } = health()
    const next = health({ batch: { ...batch, published_at: '2026-11-22T15:03:00.000Z' } })
    expect(questions().batch.state).toBe(questions().statistics.state)
    expect(questions().batch.state).not.toBe(questions('', undefined, next).batch.state)
  })

  test('of alerts is limited as chosen', () => {
    const url = (search: string) => questions(search).alerts.url
    expect(url('')).toBe('/api/anomalies?limit=50')
    expect(url('class=River&rule=image-range&off=4')).toBe(
      '/api/anomalies?limit=50&class=River&rule=image-range&min_score=4',
    )
    expect(exportUrls(questions(), chosen()).trend).not.toContain('class')
  })

  test('can be had as a table: of the class in focus, with every alert that one answer may hold', () => {
    const search = 'class=River&off=3'
    expect(exportUrls(questions(search), chosen(search))).toEqual({
      now: '/api/realtime/ndvi?format=csv',
      trend: '/api/windows?every=10m&from=2026-11-22T08%3A20%3A00.000Z&class=River&format=csv',
      alerts: '/api/anomalies?limit=1000&class=River&min_score=3&format=csv',
      history: '/api/class-stats?format=csv',
    })
  })
})
