import { describe, expect, test } from 'vitest'
import type { Answers } from '../../web/answers.ts'
import type { Round } from '../../web/api.ts'
import {
  alertRows,
  choose,
  currentQueries,
  hasAlertsForChoice,
  isEmpty,
  newPage,
  nextAlertsUrl,
  raiseAlertLimit,
  receive,
  serverNow,
} from '../../web/page.ts'
import { alert, at, chosen, statsRow, systemHealth, windowStats } from './factories.ts'

const roundOf = (changed: Partial<Answers>): Round => ({ changed, unchanged: [], failed: [] })

function open(search = '') {
  const clock = { local: at('10:00:00'), elapsed: 0 }
  const page = newPage(chosen(search), { local: () => clock.local, elapsed: () => clock.elapsed })
  const take = (changed: Partial<Answers>) => receive(page, currentQueries(page), roundOf(changed))
  const later = (ms: number) => {
    clock.local += ms
    clock.elapsed += ms
  }
  return { page, clock, take, later }
}

describe('the server’s time', () => {
  test('is the server’s last time plus the elapsed time, even when the local clock is wrong or changes', () => {
    const { page, clock, take, later } = open()
    expect(serverNow(page)).toBe(at('10:00:00'))
    take({ health: systemHealth() })
    later(7_000)
    clock.local = 0
    expect(serverNow(page)).toBe(at('14:15:07'))
  })
})

describe('a new choice', () => {
  test('removes the older alerts, and resets their number', () => {
    const { page, take } = open()
    take({ alerts: { rows: Array.from({ length: 50 }, () => alert()), next: null } })
    expect(raiseAlertLimit(page)).toBe(true)
    expect(currentQueries(page).alerts.url).toContain('limit=100')
    page.olderAlerts = { rows: [alert()], next: null }
    choose(page, { range: '30d' })
    expect([page.alertLimit, page.olderAlerts?.rows.length]).toEqual([100, 1])
    choose(page, { minScore: 4 })
    expect([page.alertLimit, page.olderAlerts]).toEqual([50, null])
  })

  test('has no alerts until the new ones are loaded', () => {
    const { page, take } = open()
    take({ alerts: { rows: [alert()], next: null } })
    expect(hasAlertsForChoice(page)).toBe(true)
    choose(page, { focus: 'River' })
    expect(hasAlertsForChoice(page)).toBe(false)
    receive(page, currentQueries(page), {
      changed: {},
      unchanged: [],
      failed: [{ name: 'alerts', reason: 'HTTP 503' }],
    })
    expect(hasAlertsForChoice(page)).toBe(false)
    receive(page, currentQueries(page), { changed: {}, unchanged: ['alerts'], failed: [] })
    expect(hasAlertsForChoice(page)).toBe(true)
  })

  test('leaves the previous range in the series until the new one is loaded', () => {
    const { page, take } = open('range=7d')
    take({ series: [windowStats('Forest', '14:00')] })
    expect(page.seriesRange).toBe('7d')
    choose(page, { range: '6h' })
    take({ windows: [] })
    expect(page.seriesRange).toBe('7d')
    take({ series: [] })
    expect(page.seriesRange).toBe('6h')
  })
})

describe('alerts', () => {
  test('continue with the next page, and then with the page after it', () => {
    const { page, take } = open()
    take({ alerts: { rows: [], next: '/a' } })
    expect(nextAlertsUrl(page)).toBe('/a')
    page.olderAlerts = { rows: [alert()], next: null }
    expect([nextAlertsUrl(page), alertRows(page).length]).toEqual([null, 1])
  })

  test('are requested in a longer answer only when the last one was full, up to a thousand', () => {
    const { page, take } = open()
    const fill = (count: number) => take({ alerts: { rows: Array.from({ length: count }, () => alert()), next: '/a' } })
    fill(49)
    expect(raiseAlertLimit(page)).toBe(false)
    const limits = Array.from({ length: 6 }, () => {
      fill(page.alertLimit)
      return raiseAlertLimit(page) && page.alertLimit
    })
    expect(limits).toEqual([100, 200, 400, 800, 1000, false])
  })
})

test('the system is not empty before that is known', () => {
  const { page, take } = open()
  expect(isEmpty(page)).toBe(false)
  take({ windows: [] })
  expect(isEmpty(page)).toBe(false)
  take({ joined: [] })
  expect(isEmpty(page)).toBe(true)
  take({ joined: [statsRow('Forest')] })
  expect(isEmpty(page)).toBe(false)
})
