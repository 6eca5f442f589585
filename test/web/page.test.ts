import { describe, expect, test } from 'vitest'
import type { Answers } from '../../web/answers.ts'
import type { Round } from '../../web/api.ts'
import {
  choose,
  currentQueries,
  hasUnusualImagesForChoice,
  isEmpty,
  newPage,
  nextUnusualImagesUrl,
  raiseUnusualImageLimit,
  receive,
  serverNow,
  unusualImageRows,
} from '../../web/page.ts'
import { judgedState } from '../../web/view-models/questions.ts'
import { at, chosen, statsRow, systemHealth, unusualImage, windowStats } from './factories.ts'

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
  test('removes the older unusual images, and resets their number', () => {
    const { page, take } = open()
    take({ unusualImages: { rows: Array.from({ length: 50 }, () => unusualImage()), next: null } })
    expect(raiseUnusualImageLimit(page)).toBe(true)
    expect(currentQueries(page).unusualImages.url).toContain('limit=100')
    page.olderUnusualImages = { rows: [unusualImage()], next: null }
    choose(page, { range: '30d' })
    expect([page.unusualImageLimit, page.olderUnusualImages?.rows.length]).toEqual([100, 1])
    choose(page, { minScore: 4 })
    expect([page.unusualImageLimit, page.olderUnusualImages]).toEqual([50, null])
  })

  test('has no unusual images until the new ones are loaded', () => {
    const { page, take } = open()
    take({ unusualImages: { rows: [unusualImage()], next: null } })
    expect(hasUnusualImagesForChoice(page)).toBe(true)
    choose(page, { focus: 'River' })
    expect(hasUnusualImagesForChoice(page)).toBe(false)
    receive(page, currentQueries(page), {
      changed: {},
      unchanged: [],
      failed: [{ name: 'unusualImages', reason: 'HTTP 503' }],
    })
    expect(hasUnusualImagesForChoice(page)).toBe(false)
    receive(page, currentQueries(page), { changed: {}, unchanged: ['unusualImages'], failed: [] })
    expect(hasUnusualImagesForChoice(page)).toBe(true)
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

describe('unusual images', () => {
  test('continue with the next page, and then with the page after it', () => {
    const { page, take } = open()
    take({ unusualImages: { rows: [], next: '/a' } })
    expect(nextUnusualImagesUrl(page)).toBe('/a')
    page.olderUnusualImages = { rows: [unusualImage()], next: null }
    expect([nextUnusualImagesUrl(page), unusualImageRows(page).length]).toEqual([null, 1])
  })

  test('are requested in a longer answer only when the last one was full, up to a thousand', () => {
    const { page, take } = open()
    const fill = (count: number) =>
      take({ unusualImages: { rows: Array.from({ length: count }, () => unusualImage()), next: '/a' } })
    fill(49)
    expect(raiseUnusualImageLimit(page)).toBe(false)
    const limits = Array.from({ length: 6 }, () => {
      fill(page.unusualImageLimit)
      return raiseUnusualImageLimit(page) && page.unusualImageLimit
    })
    expect(limits).toEqual([100, 200, 400, 800, 1000, false])
  })
})

test('the system is not shown as empty before this is known', () => {
  const { page, take } = open()
  expect(isEmpty(page)).toBe(false)
  take({ windows: [] })
  expect(isEmpty(page)).toBe(false)
  take({ joined: [] })
  expect(isEmpty(page)).toBe(true)
  take({ joined: [statsRow('Forest')] })
  expect(isEmpty(page)).toBe(false)
})

test('incidents are asked for again for some minutes after a batch view: they come after it', () => {
  const publishedMs = at('14:00:00')
  const { batch, ...report } = systemHealth()
  const published = { ...report, batch: { ...batch, publishedMs } }
  const stateAt = (seconds: number) => judgedState(published, publishedMs + seconds * 1_000)
  expect(stateAt(29)).toBe(stateAt(0))
  expect(stateAt(30)).not.toBe(stateAt(0))
  expect(stateAt(300)).not.toBe(stateAt(240))
  expect(stateAt(600)).not.toBe(stateAt(240))
  expect(stateAt(6_000)).toBe(stateAt(600))
})
