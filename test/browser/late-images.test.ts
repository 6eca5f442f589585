import { join } from 'node:path'
import { expect, it } from 'vitest'
import { HOUR_MS } from '../../functions/core/time.ts'
import { startSystem } from '../support/landcover.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'
import { countedIn, image, isLive, openDashboard, send, untilText } from './region.ts'

it('shows images that come a day after they were taken as the latest ones, with their time', async () => {
  const system = await startSystem(join(temporaryFolder(), 'state'), ['--lateness', '2d'])
  const { page, complaints } = await openDashboard(system)
  const takenMs = Date.now() - 30 * HOUR_MS
  await send(system, [image('Forest', 'a', 0.7, takenMs), image('Forest', 'b', 0.6, takenMs)])
  await countedIn(system, 2)
  await isLive(page)
  expect(await untilText(page, '#subline', /images/)).toMatch(
    /^Latest image: \d{1,2} \w+ .*\d\d:\d\d\. 2 images of 1 class so far in the window \d{1,2} \w+ /,
  )
  await untilText(page, '#now-title', /^Latest images$/)
  expect(await page.textContent('#now-note')).toMatch(/, not complete yet$/)
  expect(await page.isVisible('#now-message')).toBe(false)
  // The series ends with them, too.
  await untilText(page, '#trend-text', /Forest: 0\.650\.$/)
  expect(complaints).toEqual([])
})
