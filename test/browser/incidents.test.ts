import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { generateSites, looksCsv } from '../../data/sites.ts'
import { DAY_MS } from '../../functions/core/time.ts'
import { run } from '../support/landcover.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'
import { isLive, openDashboard, openRegionWithHistory, untilText } from './region.ts'

it('shows incidents after an import of past looks, and an open one in the headline', async () => {
  const { system, state } = await openRegionWithHistory()
  const { page, complaints } = await openDashboard(system)
  await isLive(page)
  expect(await page.isVisible('#incidents')).toBe(false)
  const days = 1_100
  const fromMs = Date.now() - days * DAY_MS
  const looks = generateSites({ seed: 1, sites: 8, days, fromMs, cuts: new Map([[2, days - 80]]) })
  const file = join(temporaryFolder(), 'looks.csv')
  writeFileSync(file, looksCsv(looks, 'Forest'))
  expect(await run('functions/cli/import.ts', ['--data', file, '--state', state]).finished).toMatchObject({ code: 0 })
  await page.waitForSelector('#incidents', { state: 'visible' })
  expect(await page.textContent('#incidents-body')).toMatch(/^Openlarge changesite_2Forest−0\.\d{3}/)
  expect(await page.textContent('#incidents-note')).toBe('1 open')
  await untilText(page, '#headline', /^1 open incident: site_2 is 0\.\d\d NDVI below normal since /)
  await page.click('#incidents-body button')
  await page.selectOption('#decide-kind', 'assign')
  await page.fill('#decide-text', 'Bob')
  await page.fill('#decide-by', 'Ann')
  await page.click('#decide-save')
  await untilText(page, '#incidents-body', /Bob has it/)
  await page.click('#incidents-body button')
  expect(await page.inputValue('#decide-by')).toBe('Ann')
  await page.click('#decide-save')
  await untilText(page, '#incidents-body', /acknowledged by Ann, Bob has it/)
  expect(complaints).toEqual([])
})
