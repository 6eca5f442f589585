import { describe, expect, test } from 'vitest'
import type { Answers } from '../../web/answers.ts'
import type { Round } from '../../web/api.ts'
import {
  alertRows,
  choose,
  hasAlertsOfChoice,
  isEmpty,
  newPage,
  nextAlerts,
  questionsNow,
  raiseAlertLimit,
  receive,
  serverNow,
} from '../../web/page.ts'
import { alert, at, chosen, statsRow, systemHealth, windowStats } from './factories.ts'

const roundOf = (changed: Partial<Answers>): Round => ({ changed, unchanged: [], failed: [] })

function open(search = '') {
  const clock = { local: at('10:00:00'), elapsed: 0 }
  const page = newPage(chosen(search), { local: () => clock.local, elapsed: () => clock.elapsed })
  const take = (changed: Partial<Answers>) => receive(page, questionsNow(page), roundOf(changed))
  const later = (ms: number) => {
    clock.local += ms
    clock.elapsed += ms
  }
  return { page, clock, take, later }
}

describe('the server’s now', () => {
  test('is what the server said last and the time since, however wrong the local clock is or is set', () => {
    const { page, clock, take, later } = open()
    expect(serverNow(page)).toBe(at('10:00:00'))
    take({ health: systemHealth() })
    later(7_000)
    clock.local = 0
    expect(serverNow(page)).toBe(at('14:15:07'))
  })
})

describe('what is chosen', () => {
  test('anew leaves nothing of the alerts that were looked for further back, nor of how many', () => {
    const { page, take } = open()
    take({ alerts: { rows: Array.from({ length: 50 }, () => alert()), next: null } })
    expect(raiseAlertLimit(page)).toBe(true)
    expect(questionsNow(page).alerts.url).toContain('limit=100')
    page.further = { rows: [alert()], next: null }
    choose(page, { range: '30d' })
    expect([page.alertLimit, page.further?.rows.length]).toEqual([100, 1])
    choose(page, { minScore: 4 })
    expect([page.alertLimit, page.further]).toEqual([50, null])
  })

  test('has no alerts until those that were asked for are there', () => {
    const { page, take } = open()
    take({ alerts: { rows: [alert()], next: null } })
    expect(hasAlertsOfChoice(page)).toBe(true)
    choose(page, { focus: 'River' })
    expect(hasAlertsOfChoice(page)).toBe(false)
    receive(page, questionsNow(page), { changed: {}, unchanged: [], failed: [{ name: 'alerts', reason: 'HTTP 503' }] })
    expect(hasAlertsOfChoice(page)).toBe(false)
    receive(page, questionsNow(page), { changed: {}, unchanged: ['alerts'], failed: [] })
    expect(hasAlertsOfChoice(page)).toBe(true)
  })

  test('is another range than the series has, until that is there', () => {
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
  test('go on where the API has not looked yet, and there from where that ended', () => {
    const { page, take } = open()
    take({ alerts: { rows: [], next: '/a' } })
    expect(nextAlerts(page)).toBe('/a')
    page.further = { rows: [alert()], next: null }
    expect([nextAlerts(page), alertRows(page).length]).toEqual([null, 1])
  })

  test('are more in one answer only where that was full, up to a thousand', () => {
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

test('nothing is empty before it is known', () => {
  const { page, take } = open()
  expect(isEmpty(page)).toBe(false)
  take({ windows: [] })
  expect(isEmpty(page)).toBe(false)
  take({ joined: [] })
  expect(isEmpty(page)).toBe(true)
  take({ joined: [statsRow('Forest')] })
  expect(isEmpty(page)).toBe(false)
})
