import type { BrowserContextOptions } from 'playwright-core'
import { expect, it } from 'vitest'
import { eventually } from '../support/landcover.ts'
import { violations } from './axe.ts'
import {
  image,
  isLive,
  openDashboard,
  openRegion,
  openRegionWithHistory,
  openRegionWithNormal,
  untilText,
} from './region.ts'

const PHONE: BrowserContextOptions = { viewport: { width: 390, height: 844 }, isMobile: true, hasTouch: true }

it.each<[string, BrowserContextOptions]>([
  ['light', { colorScheme: 'light' }],
  ['dark', { colorScheme: 'dark' }],
  ['on a phone', PHONE],
  ['dark on a phone', { ...PHONE, colorScheme: 'dark' }],
  ['with more contrast, less motion', { contrast: 'more', reducedMotion: 'reduce' }],
])('the page is accessible: %s', async (_, options) => {
  const { system, send } = await openRegionWithNormal()
  await send([image('River', 'flood', 0.9)])
  const { page } = await openDashboard(system, options)
  await isLive(page)
  await page.waitForSelector('#unusual-images-body input')
  await page.click('#lanes summary')
  expect(await violations(page)).toEqual([])
  await page.check('#unusual-images-body input')
  await page.click('#key button:has-text("River")')
  expect(await violations(page)).toEqual([])
})

it.each(['light', 'dark'] as const)(
  'the page is accessible when it is empty and when the connection is lost: %s',
  async colorScheme => {
    const { system } = await openRegion()
    const { page } = await openDashboard(system, { colorScheme, pollSeconds: 1 })
    await page.waitForSelector('body[data-state=empty]')
    expect(await violations(page)).toEqual([])
    await system.kill()
    await untilText(page, '#pill', /Connection lost/)
    expect(await violations(page)).toEqual([])
  },
)

it('the page is accessible while it loads', async () => {
  const { system } = await openRegion()
  const { page } = await openDashboard(system)
  await page.route('**/api/**', () => {})
  await page.reload()
  expect(await page.getAttribute('body', 'data-state')).toBe('loading')
  expect(await violations(page)).toEqual([])
})

it('all controls can be reached and used with the keyboard', async () => {
  const { system } = await openRegionWithHistory()
  const { page } = await openDashboard(system)
  await isLive(page)
  const focused = () =>
    page.evaluate(() => {
      const element = document.activeElement as HTMLInputElement | null
      const name = element?.id || element?.value || element?.textContent
      return element === document.body ? null : `${element?.tagName} ${element?.dataset.picture ?? name}`
    })
  const reached: string[] = []
  for (;;) {
    await page.keyboard.press('Tab')
    const element = await focused()
    // After the last element the focus leaves the page.
    if (element === null) break
    expect(reached.length, `no way out: ${reached.join(', ')}`).toBeLessThan(60)
    reached.push(element)
  }
  const wanted = ['A Skip to content', 'A pill', 'BUTTON Forest', 'INPUT 6h', 'INPUT ndvi', 'SELECT rule']
  wanted.push('SELECT min-score', 'INPUT hide-seen', 'A CSV', 'SUMMARY By lane', 'A API documentation')
  const places = wanted.map(what => reached.findIndex(each => each.startsWith(what)))
  expect(places).not.toContain(-1)
  // The CSV link of the first card comes before the card to its right.
  const inOrder = places.filter((_, at) => wanted[at] !== 'A CSV')
  expect(inOrder).toEqual(inOrder.toSorted((one, other) => one - other))

  const press = async (selector: string, key: string) => {
    await page.focus(selector)
    await page.keyboard.press(key)
  }
  await press('#key button:has-text("River")', 'Enter')
  await press('input[value="6h"]', 'ArrowRight')
  await press('input[value="ndvi"]', 'ArrowRight')
  await press('#min-score', 'ArrowDown')
  await press('#hide-seen', 'Space')
  await press('#lanes summary', 'Enter')
  await untilText(page, '#trend-note', /hour, difference from/)
  expect(Object.fromEntries(new URL(page.url()).searchParams)).toEqual({
    ...{ class: 'River', range: '24h', scale: 'difference', off: '3', seen: 'hidden' },
  })
  expect(await page.isVisible('#lanes table')).toBe(true)
})

it('when the focused row is hidden, the focus moves to the next row', async () => {
  const { system, send } = await openRegionWithNormal()
  await send(['one', 'two', 'three'].map((name, index) => image('River', name, 0.9 - index / 100)))
  const { page } = await openDashboard(system, { search: '?seen=hidden' })
  const boxes = page.locator('#unusual-images-body input')
  await eventually(
    () => boxes.count(),
    count => count === 3,
  )
  const names = await boxes.evaluateAll(all => all.map(box => box.getAttribute('aria-label')))
  const focused = () => page.evaluate(() => document.activeElement?.getAttribute('aria-label'))
  await boxes.nth(1).focus()
  await page.keyboard.press('Space')
  expect(await focused()).toBe(names[2])
  await page.keyboard.press('Space')
  expect(await focused()).toBe(names[0])
})
