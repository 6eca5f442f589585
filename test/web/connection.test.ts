import { describe, expect, test } from 'vitest'
import type { Round } from '../../web/api.ts'
import { afterRound, bannerOf, CONNECTING, pillOf, refused } from '../../web/view-models/connection.ts'

const good: Round = {
  changed: { unusualImages: { rows: [], next: null } },
  unchanged: ['windows', 'joined', 'batch', 'health'],
  failed: [],
}
const partial: Round = {
  changed: {},
  unchanged: ['windows', 'joined', 'batch'],
  failed: [
    { name: 'unusualImages', reason: 'HTTP 500' },
    { name: 'health', reason: 'HTTP 500' },
  ],
}
const bad: Round = { changed: {}, unchanged: [], failed: [{ name: 'unusualImages', reason: 'no answer in time' }] }
const afterRounds = (...rounds: Round[]) =>
  rounds.reduce((connection, round, index) => afterRound(connection, round, index * 1000), CONNECTING)

describe('the connection', () => {
  test('goes from loading to live without a banner', () => {
    expect(pillOf(CONNECTING, false, false)).toEqual({ tone: 'wait', text: 'Connecting' })
    expect(pillOf(afterRounds(good), false, false)).toEqual({ tone: 'good', text: 'Live' })
    expect(bannerOf(afterRounds(good), 5000, 0)).toBeNull()
  })

  test('a loss shows the age of the data and the time until the next attempt', () => {
    const banner = bannerOf(afterRounds(good, bad), 4200, 30_500)
    expect(banner).toMatchObject({
      tone: 'bad',
      title: 'Connection lost',
      detail: 'Showing the data from 30 s ago. Next attempt in 5 s.',
      retry: true,
    })
  })

  test('a page that never connected does not claim to show data', () => {
    expect(bannerOf(afterRounds(bad), null, 0)).toMatchObject({
      title: 'No connection',
      detail: 'The server does not respond. Reconnecting now…',
    })
  })

  test('a recovery is reported once', () => {
    expect(afterRounds(good, bad, good).recovered).toBe(true)
    expect(bannerOf(afterRounds(good, bad, good), 5000, 0)?.title).toBe('Connected again')
    expect(afterRounds(good, bad, good, good).recovered).toBe(false)
  })

  test('a recovery is also reported after a partial round, and never after the first good round', () => {
    expect(afterRounds(good, partial, good).recovered).toBe(true)
    expect(bannerOf(afterRounds(good, partial, good), 5000, 0)).toEqual({
      tone: 'good',
      title: 'Connected again',
      detail: 'Everything is up to date.',
      retry: false,
    })
    expect(afterRounds(good).recovered).toBe(false)
    expect(afterRounds(bad, partial).recovered).toBe(false)
    expect(CONNECTING).toEqual({ phase: 'loading', failed: [], everLoaded: false, lastGoodMs: null, recovered: false })
  })

  test('is the result of the last round', () => {
    const some: Round = { changed: {}, unchanged: ['health'], failed: [{ name: 'unusualImages', reason: 'HTTP 500' }] }
    expect(afterRounds(some)).toEqual({
      phase: 'partial',
      failed: ['unusualImages'],
      everLoaded: true,
      lastGoodMs: 0,
      recovered: false,
    })
    expect(afterRounds(good, bad)).toEqual({
      phase: 'lost',
      failed: ['unusualImages'],
      everLoaded: true,
      lastGoodMs: 0,
      recovered: false,
    })
    expect(afterRounds({ ...good, unchanged: [] }).phase).toBe('live')
  })

  test('the pill and the banner report a loss precisely', () => {
    expect(pillOf(afterRounds(bad), false, false)).toEqual({ tone: 'bad', text: 'No connection' })
    expect(pillOf(afterRounds(good, bad), true, true)).toEqual({ tone: 'bad', text: 'Connection lost' })
    expect(pillOf(afterRounds(partial), true, true)).toEqual({ tone: 'attention', text: 'Partly updated' })
    expect(pillOf(afterRounds(good), true, true)).toEqual({ tone: 'attention', text: 'Degraded' })
    expect(pillOf(afterRounds(good), false, true)).toEqual({ tone: 'wait', text: 'Waiting for images' })
    const detail = (retryInMs: number | null, nowMs: number) =>
      bannerOf(afterRounds(good, bad), retryInMs, nowMs)?.detail
    expect(detail(0, 1000)).toBe('Showing the data from 1 s ago. Next attempt in 1 s.')
    expect(detail(1001, 0)).toBe('Showing the data from 1 s ago. Next attempt in 2 s.')
    expect(bannerOf(afterRounds(bad, good, bad), null, 31_000)?.detail).toBe(
      'Showing the data from 30 s ago. Reconnecting now…',
    )
    expect(bannerOf({ ...CONNECTING, phase: 'refused' }, null, 0)?.detail).toBe('')
  })

  test('every answer has a name for people', () => {
    const names = ['windows', 'series', 'unusualImages', 'joined', 'batch', 'statistics', 'health'] as const
    const failed = names.map(name => ({ name, reason: 'HTTP 500' }))
    const connection = afterRound(CONNECTING, { ...good, failed }, 0)
    expect(bannerOf(connection, 5000, 0)).toEqual({
      tone: 'attention',
      title: 'Partly updated',
      detail:
        'Could not update the newest windows, NDVI over time, the unusual images, the class statistics, the batch view, the distributions and the system’s health. The last known data is shown.',
      retry: false,
    })
  })

  test('names the answers that could not be updated', () => {
    expect(bannerOf(afterRounds(good, partial), 5000, 0)?.detail).toBe(
      'Could not update the unusual images and the system’s health. The last known data is shown.',
    )
    expect(pillOf(afterRounds(good, partial), false, false).text).toBe('Partly updated')
  })

  test('the pill distinguishes a degraded system, an empty one and a live one', () => {
    expect(pillOf(afterRounds(good), true, false).text).toBe('Degraded')
    expect(pillOf(afterRounds(good), false, true).text).toBe('Waiting for images')
  })

  test('a failed sign-in is shown, with its reason and a button to retry', () => {
    expect(pillOf(refused('access_denied'), false, false)).toEqual({ tone: 'bad', text: 'Not signed in' })
    expect(bannerOf(refused('access_denied'), null, 0)).toEqual({
      tone: 'bad',
      title: 'Sign-in failed',
      detail: 'access_denied',
      retry: true,
    })
  })
})
