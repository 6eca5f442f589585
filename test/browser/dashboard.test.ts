import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Download, Page } from 'playwright-core'
import { describe, expect, it } from 'vitest'
import { writeEvents } from '../support/events-csv.ts'
import { eventually, runProduce, totalCount } from '../support/landcover.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'
import {
  countedIn,
  image,
  isLive,
  openDashboard,
  openRegion,
  openRegionWithHistory,
  openRegionWithNormal,
  send,
  untilText,
} from './region.ts'

/** Content of a canvas, as a data URL. */
const pixelsOf = (page: Page, selector: string) =>
  page.$eval(selector, canvas => (canvas as HTMLCanvasElement).toDataURL())

const hiddenWidth = (page: Page) =>
  page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth)

async function downloaded(page: Page, selector: string): Promise<{ name: string; bytes: Buffer }> {
  const [download] = await Promise.all([page.waitForEvent('download') as Promise<Download>, page.click(selector)])
  return { name: download.suggestedFilename(), bytes: await readFile(await download.path()) }
}

describe('the dashboard', () => {
  it('is empty at first, and shows images within seconds of their arrival', async () => {
    const { system, send } = await openRegion()
    const { page, complaints } = await openDashboard(system)
    await page.waitForSelector('body[data-state=empty]')
    expect(await page.textContent('#pill')).toBe('Waiting for images')
    expect(await page.isVisible('#empty >> text=No images yet')).toBe(true)

    // All images are in one window. A batch run may count them meanwhile: then there is a normal to compare them with.
    const atMs = Date.now()
    await send([image('Forest', 'a', 0.2, atMs)])
    await untilText(page, '#now-text', /Forest: 0\.200,.* 1 image\./)
    const first = await pixelsOf(page, '#now-chart')
    await send([image('Forest', 'b', 0.8, atMs), image('River', 'c', 0.1, atMs)])
    await untilText(page, '#now-text', /Forest: 0\.500 plus or minus 0\.424,.* 2 images\. River: 0\.100,.* 1 image\./)
    expect(await pixelsOf(page, '#now-chart')).not.toBe(first)
    expect(await page.textContent('#history-body')).toContain('Forest')
    expect(await page.textContent('#pill')).toBe('Live')
    expect(complaints).toEqual([])
  })

  it('shows an unusual image within seconds, with its difference and rule; unusual images can be filtered and marked as seen', async () => {
    const { system, send } = await openRegionWithNormal()
    const { page, complaints } = await openDashboard(system)
    await untilText(page, '#unusual-images-message', /^No unusual images\./)
    await send([image('River', 'flood', 0.9), image('River', 'dry', 0.21)])
    const unusualImages = page.locator('#unusual-images-body tr')
    await unusualImages.first().waitFor()
    expect(await unusualImages.count()).toBe(1)
    const text = (await unusualImages.first().textContent()) ?? ''
    expect(text).toMatch(/River.*flood.*0\.900.*sd above.*class-zscore/)

    await page.selectOption('#min-score', '5')
    await page.waitForURL(/off=5/)
    await unusualImages.first().waitFor()
    await page.click('#key button:has-text("Forest")')
    await untilText(page, '#unusual-images-message', /No unusual image matches the filters\./)
    await page.click('#key button:has-text("Forest")')
    await unusualImages.first().waitFor()

    await page.click('#see-all')
    await page.check('#hide-seen')
    await untilText(page, '#unusual-images-message', /You have marked all unusual images as seen\./)
    await page.reload()
    await untilText(page, '#unusual-images-message', /You have marked all unusual images as seen\./)
    await page.uncheck('#hide-seen')
    await unusualImages.first().waitFor()
    expect(await unusualImages.first().locator('input').isChecked()).toBe(true)
    expect(complaints).toEqual([])
  })

  it('reports a lost connection, keeps the data, and reconnects by itself', async () => {
    const { system, start } = await openRegionWithHistory()
    const { page, complaints } = await openDashboard(system)
    await isLive(page)
    const known = await page.textContent('#history-body')
    await system.kill()
    await untilText(page, '#pill', /Connection lost/)
    await untilText(page, '#banner', /Connection lost\. Showing the data from \d+ s ago\. (Next|Reconnecting)/)
    expect(await page.textContent('#history-body')).toBe(known)

    const again = await start(Number(new URL(system.url).port))
    await send(again, [image('Forest', 'after', 0.7)])
    await untilText(page, '#banner', /Connected again/)
    await untilText(page, '#history-foot', /81/)
    await page.waitForSelector('#banner', { state: 'hidden' })
    // The browser itself logs each failed request.
    expect(complaints.filter(text => !text.includes('ERR_CONNECTION'))).toEqual([])
  })

  it('requests nothing while its tab is hidden, and starts immediately when it is shown again', async () => {
    const { system, send } = await openRegionWithHistory()
    const { page } = await openDashboard(system)
    await isLive(page)
    const setHidden = (hidden: boolean) =>
      page.evaluate(value => {
        Object.defineProperty(document, 'hidden', { value, configurable: true })
        document.dispatchEvent(new Event('visibilitychange'))
      }, hidden)
    await setHidden(true)
    await page.waitForTimeout(300)
    let asked = 0
    page.on('request', () => asked++)
    await send([image('Forest', 'meanwhile', 0.7)])
    await countedIn(system, 81)
    await page.waitForTimeout(1_500)
    expect(asked).toBe(0)
    expect(await page.textContent('#history-foot')).toContain('80')
    await setHidden(false)
    await untilText(page, '#history-foot', /81/)
  })

  it('loads all data for a new choice, also when the choice aborts a round that has some answers', async () => {
    const { system } = await openRegionWithHistory()
    const { page, complaints } = await openDashboard(system, { pollSeconds: 60 })
    let slow = true
    await page.route('**/api/health', async route => {
      if (slow) await sleep(1_000)
      await route.continue().catch(() => {})
    })
    await page.reload()
    await page.waitForResponse(response => response.url().includes('/api/batch/class-stats'))
    await page.waitForTimeout(200)
    slow = false
    await page.click('label:has([value="24h"])')
    await isLive(page)
    await untilText(page, '#history-note', /^80 images, all counted by the batch view\.$/)
    await untilText(page, '#trend-note', /^1 hour$/)
    await untilText(page, '#headline', /^Every class is near normal\.$/)
    expect(complaints).toEqual([])
  })

  it('shows failed answers as unknown, and claims nothing else about them', async () => {
    const { system } = await openRegionWithHistory()
    const { page } = await openDashboard(system)
    await page.route('**/api/batch/**', route => route.fulfill({ status: 503, json: {} }))
    await page.route('**/api/anomalies?*class=River*', route => route.fulfill({ status: 503, json: {} }))
    await page.reload()
    await untilText(page, '#history-note', /could not be loaded/)
    expect(await page.textContent('#headline')).toContain('The normal values could not be loaded')
    expect(await page.textContent('#history-foot')).not.toMatch(/\b0\b/)
    await untilText(page, '#unusual-images-message', /^No unusual images\./)
    await page.click('#key button:has-text("River")')
    await untilText(page, '#banner', /Could not update .*the unusual images/)
    expect(await page.textContent('#unusual-images-message')).toBe('Loading…')
    expect(await page.textContent('#wrong-note')).toBe('')
    await page.unroute('**/api/anomalies?*class=River*')
    await untilText(page, '#unusual-images-message', /^No recent unusual images of River\.$/)
  })

  it('loads older unusual images from the next pages of the API', async () => {
    const { system } = await openRegionWithHistory()
    const { page, complaints } = await openDashboard(system, { search: '?off=5' })
    const flood = {
      ...{ class_name: 'River', image_id: 'flood', timestamp: '2026-11-01T12:00:00.000Z', rule: 'class-zscore' },
      ...{ ndvi_mean: 0.9, ndvi_min: null, ndvi_max: null, score: 35.2, baseline_version: 1 },
    }
    const link = (after: string) => ({ Link: `<?limit=50&min_score=5&after=${after}>; rel="next"` })
    await page.route('**/api/anomalies*', route => {
      const after = new URL(route.request().url()).searchParams.get('after')
      if (after === 'b') return route.fulfill({ json: [flood] })
      return route.fulfill({ json: [], headers: link(after === 'a' ? 'b' : 'a') })
    })
    await untilText(page, '#unusual-images-message', /looks at older ones/)
    await page.click('#more-unusual-images')
    await page.locator('#unusual-images-body tr', { hasText: 'flood' }).waitFor()
    expect(await page.isVisible('#more-unusual-images')).toBe(false)
    await page.waitForTimeout(700)
    expect(await page.textContent('#unusual-images-body')).toContain('35.2 sd above')
    expect(complaints).toEqual([])
  })

  it('reports an unknown class, and the reader can choose another', async () => {
    const { system } = await openRegionWithHistory()
    const { page } = await openDashboard(system, { search: '?class=forest' })
    await untilText(page, '#unusual-images-message', /^There is no image of the class “forest”\.$/)
    await page.click('#key button[aria-pressed=true]')
    await untilText(page, '#unusual-images-message', /^No unusual images\./)
    expect(new URL(page.url()).search).toBe('')
  })

  it('shows refused records as text, and nothing when there are none', async () => {
    const { system, state } = await openRegionWithHistory()
    const { page, complaints } = await openDashboard(system)
    await isLive(page)
    expect(await page.isVisible('#refused')).toBe(false)
    const markup = '<img src=x onerror=alert(1)>'
    const event = { ...image('Forest', markup, 0.5), class_name: 'Moon' }
    const file = writeEvents(join(temporaryFolder(), 'events.csv'), [event])
    expect(await runProduce(['--data', file, '--state', state]).finished).toMatchObject({ code: 0 })
    await page.waitForSelector('#refused', { state: 'visible' })
    expect(await page.textContent('#refused-body')).toMatch(/Unknown class.*record \d+, line 1.*Moon/)
    expect(await page.textContent('#refused-body code')).toContain(markup)
    expect(await page.locator('#refused-body img').count()).toBe(0)
    expect(await page.textContent('#refused-note')).toBe('1 record or line')
    expect(complaints).toEqual([])
  })

  it('shows the reasons of a degraded health', async () => {
    const { system } = await openRegionWithHistory()
    const { page } = await openDashboard(system)
    await isLive(page)
    const reason = 'Records wait for 90 s to be counted: the newest are missing.'
    const health = { ...(await system.health()), status: 'degraded', reasons: [reason] }
    await page.route('**/api/health', route => route.fulfill({ json: health }))
    await untilText(page, '#pill', /Degraded/)
    await page.click('#pill')
    expect(await page.textContent('#reasons')).toBe(reason)
    expect(await page.isVisible('#reasons')).toBe(true)
  })
})

describe('a link', () => {
  it('opens its choice, and changes with the choice', async () => {
    const { system } = await openRegionWithHistory()
    const { page, complaints } = await openDashboard(system, {
      search: '?class=River&range=30d&scale=difference&from=x',
    })
    await isLive(page)
    await untilText(page, '#trend-note', /1 UTC day, difference from normal/)
    expect(await page.isChecked('input[value="30d"]')).toBe(true)
    expect(await page.getAttribute('#key button:has-text("River")', 'aria-pressed')).toBe('true')

    // With the keyboard, then with the mouse.
    await page.focus('input[value="30d"]')
    await page.keyboard.press('ArrowLeft')
    await page.keyboard.press('ArrowLeft')
    await untilText(page, '#trend-note', /1 hour,/)
    await page.click('label:has([value=ndvi])')
    await page.click('#key button:has-text("River")')
    const chosen = new URL(page.url()).searchParams
    expect(Object.fromEntries(chosen)).toEqual({ range: '24h', from: 'x' })
    await page.reload()
    await isLive(page)
    await untilText(page, '#trend-note', /^1 hour$/)
    expect(complaints).toEqual([])
  })
})

describe('data can be saved', () => {
  it('as the API’s CSV, for the current choice', async () => {
    const { system, send } = await openRegionWithHistory()
    const { page, complaints } = await openDashboard(system, { search: '?class=River' })
    await isLive(page)
    await send([image('River', 'another', 0.2)])
    await untilText(page, '#history-foot', /81/)
    const { name, bytes } = await downloaded(page, '[data-card=trend] a')
    expect(name).toBe('landcover-windows.csv')
    const [head = '', ...rows] = bytes.toString().trim().split('\r\n')
    expect(head.split(',').slice(0, 2)).toEqual(['class_name', 'window_start'])
    const column = head.split(',').indexOf('count')
    expect(rows.every(row => row.startsWith('River,'))).toBe(true)
    expect(rows.reduce((sum, row) => sum + Number(row.split(',')[column]), 0)).toBe(21)

    for (const [card, columns] of [
      ['now', 'class_name,window_start'],
      ['unusualImages', 'class_name,image_id'],
      ['history', 'class_name,count'],
    ]) {
      const table = await downloaded(page, `[data-card=${card}] a`)
      expect(table.bytes.toString(), card).toMatch(new RegExp(`^${columns}`))
    }
    expect(complaints).toEqual([])
  })

  it.each(['now', 'trend'])('as a picture of the chart: %s', async card => {
    const { system } = await openRegionWithHistory()
    const { page, complaints } = await openDashboard(system, { viewport: { width: 390, height: 844 } })
    await isLive(page)
    await page.waitForSelector(`[data-card=${card}] button`)
    const { name, bytes } = await downloaded(page, `[data-card=${card}] button`)
    expect(name).toBe(`landcover-${card}.png`)
    expect(bytes.subarray(1, 4).toString()).toBe('PNG')
    const chart = await page.$eval(`#${card}-chart`, canvas => [canvas.clientWidth, canvas.clientHeight])
    const [width, height] = [bytes.readUInt32BE(16), bytes.readUInt32BE(20)]
    expect(width).toBe((chart[0] ?? 0) + 48)
    expect(height).toBeGreaterThan((chart[1] ?? 0) + 48)
    expect(complaints).toEqual([])
  })
})

describe('the page fits', () => {
  it('on a small phone and on a wide screen', async () => {
    const { system } = await openRegionWithHistory()
    const { page, complaints } = await openDashboard(system)
    await isLive(page)
    for (const width of [320, 390, 768, 1024, 1280, 2560]) {
      await page.setViewportSize({ width, height: 844 })
      await expect.poll(() => hiddenWidth(page), { message: `${width}`, timeout: 30_000 }).toBeLessThanOrEqual(0)
      for (const chart of ['now', 'trend']) {
        const isWithin = async () => {
          const box = await page.locator(`#${chart}-chart`).boundingBox()
          return box && box.x >= 0 && box.x + box.width <= width
        }
        await expect.poll(isWithin, { message: `${chart} at ${width}`, timeout: 30_000 }).toBe(true)
      }
    }
    expect(complaints).toEqual([])
  })

  it('into 120 KB, compressed, including its data', async () => {
    const { system } = await openRegionWithHistory()
    const { page } = await openDashboard(system)
    const session = await page.context().newCDPSession(page)
    await session.send('Network.enable')
    let bytes = 0
    session.on('Network.loadingFinished', ({ encodedDataLength }) => {
      bytes += encodedDataLength
    })
    await page.reload()
    await isLive(page)
    expect(bytes).toBeGreaterThan(20_000)
    expect(bytes).toBeLessThan(120 * 1024)
  })

  it.each([1280, 390])('the content does not move while it loads: %i pixels', async width => {
    const { system } = await openRegionWithHistory()
    const { page } = await openDashboard(system, { viewport: { width, height: 844 } })
    await isLive(page)
    await page.waitForTimeout(1_000)
    const shift = await page.evaluate(
      () =>
        new Promise<number>(resolve => {
          let sum = 0
          new PerformanceObserver(list => {
            for (const entry of list.getEntries()) sum += (entry as PerformanceEntry & { value: number }).value
          }).observe({ type: 'layout-shift', buffered: true })
          setTimeout(() => resolve(sum), 200)
        }),
    )
    // The limit for a good score (https://web.dev/articles/cls).
    expect(shift).toBeLessThan(0.1)
  })

  it('light and dark mode, also when the mode changes', async () => {
    const { system } = await openRegionWithHistory()
    const { page, complaints } = await openDashboard(system, { colorScheme: 'light' })
    await isLive(page)
    const ground = () => page.evaluate(() => getComputedStyle(document.body).backgroundColor)
    const [light, drawn] = [await ground(), await pixelsOf(page, '#trend-chart')]
    await page.emulateMedia({ colorScheme: 'dark' })
    await eventually(ground, colour => colour !== light)
    await eventually(
      () => pixelsOf(page, '#trend-chart'),
      now => now !== drawn,
    )
    expect(complaints).toEqual([])
  })
})

it('twice as many updates do not use more memory', { timeout: 1_800_000 }, async () => {
  const { system } = await openRegionWithHistory()
  const { page, complaints } = await openDashboard(system, { pollSeconds: 0.02 })
  await isLive(page)
  let rounds = 0
  page.on('response', response => {
    if (response.url().endsWith('/api/health')) rounds++
  })
  let sent = 0
  const after = async (count: number) => {
    while (rounds < count || sent < count / 2) {
      await send(system, [image('Forest', `image-${sent++}`, 0.7)])
      await page.waitForTimeout(50)
    }
    const session = await page.context().newCDPSession(page)
    const sizes: number[] = []
    // A round that is under way holds memory, too: the smallest of several sizes is without one.
    for (let i = 0; i < 10; i++) {
      await session.send('HeapProfiler.collectGarbage')
      sizes.push((await session.send('Runtime.getHeapUsage')).usedSize)
    }
    await session.detach()
    return Math.min(...sizes)
  }
  const half = await after(180)
  const whole = await after(360)
  expect(whole).toBeLessThan(1.15 * half)
  expect(totalCount(await system.classStats())).toBeGreaterThan(80)
  expect(complaints).toEqual([])
})
