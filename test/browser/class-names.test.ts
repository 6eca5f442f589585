import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import type { ClassRow } from '../../functions/serving/schemas.ts'
import { eventually, startSystem } from '../support/landcover.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'
import { countedIn, image, isLive, openDashboard, send, untilText } from './region.ts'

const NAMES = ['Plot 7B', 'USDA Corn', 'غابة مختلطة', 'riparian_forest_on_alluvium_'.repeat(6)]

it('shows class names as people wrote them; long names do not widen the page or the table', async () => {
  const folder = temporaryFolder()
  const classes = join(folder, 'classes.csv')
  writeFileSync(classes, `class_name\n${NAMES.join('\n')}\n`)
  const system = await startSystem(join(folder, 'state'), ['--slot', '1s', '--classes', classes])
  const { page, complaints } = await openDashboard(system)
  // A new class counts from the next slot on.
  const [{ known_since }] = (await system.get<ClassRow[]>('/api/classes')).filter(
    row => row.class_name === NAMES[0],
  ) as [ClassRow]
  await eventually(
    async () => Date.now(),
    now => now > Date.parse(known_since ?? ''),
  )
  await send(
    system,
    NAMES.map((name, at) => image(name, `image-${at}`, at / 10)),
  )
  await countedIn(system, NAMES.length)
  await isLive(page)
  await untilText(page, '#now-text', /Plot 7B: 0\.000/)
  expect((await page.locator('#history-body .class-name').allTextContents()).sort()).toEqual([...NAMES].sort())
  for (const width of [320, 390, 1280]) {
    await page.setViewportSize({ width, height: 844 })
    const hidden = () =>
      page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth)
    await expect.poll(hidden, { message: `${width}`, timeout: 30_000 }).toBeLessThanOrEqual(0)
    const widest = () =>
      page.$$eval('#history-body th, .line-key li', cells => Math.max(...cells.map(({ clientWidth }) => clientWidth)))
    await expect.poll(widest, { message: `${width}`, timeout: 30_000 }).toBeLessThan(400)
  }
  expect(complaints).toEqual([])
})
