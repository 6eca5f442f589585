import { describe, expect, test } from 'vitest'
import type { Round } from '../../web/api.ts'
import { afterRound, bannerOf, CONNECTING, pillOf, refused } from '../../web/view-models/connection.ts'

const good: Round = {
  changed: { alerts: { rows: [], next: null } },
  unchanged: ['windows', 'joined', 'batch', 'health'],
  failed: [],
}
const partial: Round = {
  changed: {},
  unchanged: ['windows', 'joined', 'batch'],
  failed: [
    { name: 'alerts', reason: 'HTTP 500' },
    { name: 'health', reason: 'HTTP 500' },
  ],
}
const bad: Round = { changed: {}, unchanged: [], failed: [{ name: 'alerts', reason: 'no answer in time' }] }
const afterRounds = (...rounds: Round[]) =>
  rounds.reduce((connection, round, index) => afterRound(connection, round, index * 1000), CONNECTING)

describe('the connection', () => {
  test('goes from loading to live, and nothing is announced', () => {
    expect(pillOf(CONNECTING, false, false)).toEqual({ tone: 'wait', text: 'Connecting' })
    expect(pillOf(afterRounds(good), false, false)).toEqual({ tone: 'good', text: 'Live' })
    expect(bannerOf(afterRounds(good), 5000, 0)).toBeNull()
  })

  test('a loss keeps what is known, says how old it is and when it tries again', () => {
    const banner = bannerOf(afterRounds(good, bad), 4200, 30_500)
    expect(banner).toMatchObject({
      tone: 'bad',
      title: 'Connection lost',
      detail: 'Showing what was known 30 s ago. Trying again in 5 s.',
      retry: true,
    })
  })

  test('a page that never connected does not pretend to show anything', () => {
    expect(bannerOf(afterRounds(bad), null, 0)).toMatchObject({
      title: 'No connection',
      detail: 'The server does not answer. Trying now…',
    })
  })

  test('a recovery is said once', () => {
    expect(afterRounds(good, bad, good).recovered).toBe(true)
    expect(bannerOf(afterRounds(good, bad, good), 5000, 0)?.title).toBe('Connected again')
    expect(afterRounds(good, bad, good, good).recovered).toBe(false)
  })

  test('a recovery is said after a round that brought only some, too, and of the first good round never', () => {
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

  test('is what the last round came to', () => {
    const some: Round = { changed: {}, unchanged: ['health'], failed: [{ name: 'alerts', reason: 'HTTP 500' }] }
    expect(afterRounds(some)).toEqual({
      phase: 'partial',
      failed: ['alerts'],
      everLoaded: true,
      lastGoodMs: 0,
      recovered: false,
    })
    expect(afterRounds(good, bad)).toEqual({
      phase: 'lost',
      failed: ['alerts'],
      everLoaded: true,
      lastGoodMs: 0,
      recovered: false,
    })
    expect(afterRounds({ ...good, unchanged: [] }).phase).toBe('live')
  })

  test('the pill and the banner say a loss as it is', () => {
    expect(pillOf(afterRounds(bad), false, false)).toEqual({ tone: 'bad', text: 'No connection' })
    expect(pillOf(afterRounds(good, bad), true, true)).toEqual({ tone: 'bad', text: 'Connection lost' })
    expect(pillOf(afterRounds(partial), true, true)).toEqual({ tone: 'attention', text: 'Partly updated' })
    expect(pillOf(afterRounds(good), true, true)).toEqual({ tone: 'attention', text: 'Degraded' })
    expect(pillOf(afterRounds(good), false, true)).toEqual({ tone: 'wait', text: 'Waiting for events' })
    const detail = (retryInMs: number | null, nowMs: number) =>
      bannerOf(afterRounds(good, bad), retryInMs, nowMs)?.detail
    expect(detail(0, 1000)).toBe('Showing what was known 1 s ago. Trying again in 1 s.')
    expect(detail(1001, 0)).toBe('Showing what was known 1 s ago. Trying again in 2 s.')
    expect(bannerOf(afterRounds(bad, good, bad), null, 31_000)?.detail).toBe(
      'Showing what was known 30 s ago. Trying now…',
    )
    expect(bannerOf({ ...CONNECTING, phase: 'refused' }, null, 0)?.detail).toBe('')
  })

  test('every part has words for people', () => {
    const names = ['windows', 'series', 'alerts', 'joined', 'batch', 'statistics', 'health'] as const
    const failed = names.map(name => ({ name, reason: 'HTTP 500' }))
    const connection = afterRound(CONNECTING, { ...good, failed }, 0)
    expect(bannerOf(connection, 5000, 0)).toEqual({
      tone: 'attention',
      title: 'Partly updated',
      detail:
        'Could not refresh the newest windows, how it moved, the alerts, the class statistics, the batch view, the distributions and the system’s health; the last known is shown.',
      retry: false,
    })
  })

  test('names the parts that could not be refreshed', () => {
    expect(bannerOf(afterRounds(good, partial), 5000, 0)?.detail).toBe(
      'Could not refresh the alerts and the system’s health; the last known is shown.',
    )
    expect(pillOf(afterRounds(good, partial), false, false).text).toBe('Partly updated')
  })

  test('the pill tells a degraded system and one without events from a live one', () => {
    expect(pillOf(afterRounds(good), true, false).text).toBe('Degraded')
    expect(pillOf(afterRounds(good), false, true).text).toBe('Waiting for events')
  })

  test('a reader who could not sign in is told so, and can try again, whatever else is done', () => {
    expect(pillOf(refused('access_denied'), false, false)).toEqual({ tone: 'bad', text: 'Not signed in' })
    expect(bannerOf(refused('access_denied'), null, 0)).toEqual({
      tone: 'bad',
      title: 'Signing in failed',
      detail: 'access_denied',
      retry: true,
    })
  })
})
