import { describe, expect, test } from 'vitest'
import { WindowsQuery } from '../../functions/serving/schemas.ts'
import { parametersOf, RANGE_NAMES, RANGES } from '../../web/view-models/choice.ts'
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
