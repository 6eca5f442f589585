import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import type { AxeResults } from 'axe-core'
import type { BrowserContextOptions, Page } from 'playwright-core'
import { expect, it } from 'vitest'
import { eventually } from '../support/landcover.ts'
import { image, isLive, openDashboard, openRegion, openRegionWithHistory, send, untilText } from './region.ts'

const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')

/** What breaks the rules of WCAG 2.2 AA, or good practice, and where. */
async function violations(page: Page): Promise<string[]> {
  await page.evaluate(AXE)
  const { violations, passes } = await page.evaluate(async () => {
    const { axe } = globalThis as unknown as { axe: { run(): Promise<AxeResults> } }
    return axe.run()
  })
  expect(passes.length).toBeGreaterThan(20)
  return violations.flatMap(({ id, nodes }) =>
    nodes.map(({ target, failureSummary }) => `${id} ${target} ${failureSummary}`),
  )
}

const PHONE: BrowserContextOptions = { viewport: { width: 390, height: 844 }, isMobile: true, hasTouch: true }

it.each<[string, BrowserContextOptions]>([
  ['light', { colorScheme: 'light' }],
  ['dark', { colorScheme: 'dark' }],
  ['on a phone', PHONE],
  ['dark on a phone', { ...PHONE, colorScheme: 'dark' }],
  ['with more contrast, less motion', { contrast: 'more', reducedMotion: 'reduce' }],
])('nothing on the page is out of reach: %s', async (_, options) => {
  const { system, start } = await openRegionWithHistory()
  await system.interrupt()
  const again = await start()
  await send(again, [image('River', 'flood', 0.9)])
  const { page } = await openDashboard(again, options)
  await isLive(page)
  await page.waitForSelector('#alerts-body input')
  await page.click('#lanes summary')
  expect(await violations(page)).toEqual([])
  await page.check('#alerts-body input')
  await page.click('#key button:has-text("River")')
  expect(await violations(page)).toEqual([])
})

it.each(['light', 'dark'] as const)('nor while there is nothing, or when nobody answers: %s', async colorScheme => {
  const { system } = await openRegion()
  const { page } = await openDashboard(system, { colorScheme, pollSeconds: 1 })
  await page.waitForSelector('body[data-state=empty]')
  expect(await violations(page)).toEqual([])
  await system.kill()
  await untilText(page, '#pill', /Connection lost/)
  expect(await violations(page)).toEqual([])
})

it('nor while it loads', async () => {
  const { system } = await openRegion()
  const { page } = await openDashboard(system)
  await page.route('**/api/**', () => {})
  await page.reload()
  expect(await page.getAttribute('body', 'data-state')).toBe('loading')
  expect(await violations(page)).toEqual([])
})

it('everything can be done with the keyboard, in the order in which it is seen', async () => {
  const { system } = await openRegionWithHistory()
  const { page } = await openDashboard(system)
  await isLive(page)
  const reached: string[] = []
  await eventually(
    async () => {
      await page.keyboard.press('Tab')
      const at = await page.evaluate(() => {
        const element = document.activeElement as HTMLElement | null
        const { top = 0 } = element?.getBoundingClientRect() ?? {}
        const name = element?.getAttribute('aria-label') ?? (element as HTMLInputElement | null)?.value
        return { what: `${element?.tagName} ${element?.id || name || element?.textContent}`, top: top + scrollY }
      })
      reached.push(at.what)
      return at.what
    },
    what => what.startsWith('BODY') || reached.length > 60,
  )
  expect(reached.slice(0, 2)).toEqual(['A Skip to content', 'A pill'])
  for (const needed of [
    'BUTTON Forest',
    'INPUT 6h',
    'INPUT ndvi',
    'SELECT rule',
    'SELECT min-score',
    'INPUT hide-seen',
  ]) {
    expect(
      reached.some(what => what.startsWith(needed)),
      needed,
    ).toBe(true)
  }
  for (const [before, after] of [
    ['BUTTON Forest', 'INPUT 6h'],
    ['INPUT 6h', 'INPUT ndvi'],
    ['INPUT ndvi', 'SELECT rule'],
  ] as const) {
    const place = (what: string) => reached.findIndex(each => each.startsWith(what))
    expect(place(before)).toBeLessThan(place(after))
  }
})
