import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { generateSites, looksCsv } from '../../data/sites.ts'
import { DAY_MS } from '../../functions/core/time.ts'
import { run } from '../support/landcover.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'
import { violations } from './axe.ts'
import { isLive, openDashboard, openRegionWithHistory, untilText } from './region.ts'

const DAYS = 1_100

/** Starts a system with eight forests of three years, one of which was cut. */
async function openRegionWithSites() {
  const region = await openRegionWithHistory()
  const fromMs = Date.now() - DAYS * DAY_MS
  const looks = generateSites({ seed: 1, sites: 8, days: DAYS, fromMs, cuts: new Map([[2, DAYS - 80]]) })
  const file = join(temporaryFolder(), 'looks.csv')
  writeFileSync(file, looksCsv(looks, 'Forest'))
  const imported = run('functions/cli/import.ts', ['--data', file, '--state', region.state])
  expect(await imported.finished).toMatchObject({ code: 0 })
  return region
}

it('a site has a page with its images, what is normal, its incident, and pictures and tables to save', async () => {
  const { system } = await openRegionWithSites()
  const { page, complaints } = await openDashboard(system)
  await isLive(page)
  await page.click('#incidents-body a')
  await untilText(page, '#site-title', /^site_2, Forest$/)
  expect(new URL(page.url()).hash).toBe('#/sites/site_2')
  await untilText(page, '#site-sentence', /^Open incident: −0\.\d\d NDVI from normal since /)
  expect(await page.textContent('#site-incidents-body')).toMatch(/^Openlarge changesite_2Forest−0\.\d{3}/)
  expect(await page.isVisible('#incidents')).toBe(false)
  expect(await page.locator('#site-rows tr').count()).toBe(25)
  await page.click('#site-more')
  expect(await page.locator('#site-rows tr').count()).toBeGreaterThan(100)
  expect(await page.locator('#site-rows tr[data-unusual]').count()).toBeGreaterThan(3)
  expect(await page.locator('#site-rows tr[data-unclear]').count()).toBeGreaterThan(10)

  const [picture] = await Promise.all([page.waitForEvent('download'), page.click('#site-png')])
  const bytes = readFileSync(await picture.path())
  expect(bytes.subarray(1, 4).toString()).toBe('PNG')
  const [table] = await Promise.all([page.waitForEvent('download'), page.click('#site-csv')])
  expect(readFileSync(await table.path(), 'utf8')).toMatch(/^timestamp,site_id,.*,is_clear,ndvi_normal,/)

  await page.click('label:has(input[name="site-years"][value="1"])')
  await untilText(page, '#site-note', /^4\d images/)
  await page.goBack()
  await page.waitForSelector('#incidents', { state: 'visible' })
  expect(await page.isVisible('#site')).toBe(false)
  expect(complaints).toEqual([])
})

it('an address of a site opens its page, and an unknown site is said to be one', async () => {
  const { system } = await openRegionWithSites()
  const { page } = await openDashboard(system, { search: '#/sites/site_3' })
  await untilText(page, '#site-sentence', /^No open incident\./)
  const unknown = await openDashboard(system, { search: '#/sites/no%20such' })
  await untilText(unknown.page, '#site-message', /^There is no site “no such”/)
})

it.each([{ colorScheme: 'light' }, { colorScheme: 'dark', viewport: { width: 390, height: 844 } }] as const)(
  'the page of a site is accessible: %j',
  async options => {
    const { system } = await openRegionWithSites()
    const { page } = await openDashboard(system, { ...options, search: '#/sites/site_2' })
    await untilText(page, '#site-sentence', /^Open incident/)
    expect(await violations(page)).toEqual([])
    const hidden = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth)
    expect(hidden).toBeLessThanOrEqual(0)
  },
)
