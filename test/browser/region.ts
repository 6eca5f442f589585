import { join } from 'node:path'
import type { BrowserContextOptions, Page } from 'playwright-core'
import { expect } from 'vitest'
import type { WireEvent } from '../../functions/core/event.ts'
import type { Settings } from '../../web/settings.ts'
import { launchBrowser } from '../support/browser.ts'
import { wireEvent } from '../support/factories.ts'
import { eventually, type System, startSystem, totalCount } from '../support/landcover.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'

const CLASSES = { Forest: 0.7, Pasture: 0.6, River: 0.2, SeaLake: -0.2 } as const
export type ClassName = keyof typeof CLASSES

/** A system of its own with a state that outlives it, and how to send it images. */
export async function openRegion() {
  const state = join(temporaryFolder(), 'state')
  const start = (port = 0) => startSystem(state, ['--slot', '1s', '--port', String(port)])
  const system = await start()
  return { system, start, send: (events: readonly WireEvent[]) => send(system, events) }
}

/** The same after so many ordinary images of four classes, all of them counted by the batch view. */
export async function openRegionWithHistory(count = 80) {
  const region = await openRegion()
  await region.send(ordinaryImages(count))
  await eventually(region.system.health, ({ batch }) => batch.images === count)
  return region
}

/** The same with a speed layer that knows what is normal: it looks for a new normal once a minute, and when it starts. */
export async function openRegionWithNormal() {
  const { system, start } = await openRegionWithHistory()
  await system.interrupt()
  const again = await start()
  return { system: again, send: (events: readonly WireEvent[]) => send(again, events) }
}

export async function send({ url }: Pick<System, 'url'>, events: readonly WireEvent[]): Promise<void> {
  const body = events.map(event => JSON.stringify(event)).join('\n')
  const headers = { 'Content-Type': 'application/x-ndjson' }
  const { status } = await fetch(`${url}/api/events`, { method: 'POST', headers, body })
  expect(status).toBe(202)
}

export function image(class_name: string, image_id: string, ndvi_mean: number, atMs = Date.now()): WireEvent {
  return wireEvent({ class_name, image_id, ndvi_mean, timestamp: new Date(atMs).toISOString() })
}

/** Images of now whose NDVI is what their class's is, give or take 0.03. */
function ordinaryImages(count: number): WireEvent[] {
  const classes = Object.entries(CLASSES)
  return Array.from({ length: count }, (_, index) => {
    const [className, ndvi] = classes[index % classes.length] as [ClassName, number]
    return image(className, `${className}_${index}`, ndvi + ((Math.floor(index / classes.length) % 7) - 3) / 100)
  })
}

export const countedIn = (system: System, count: number) =>
  eventually(system.classStats, rows => totalCount(rows) === count)

export interface Dashboard {
  page: Page
  /** What a page should never do: errors on its console, requests to elsewhere. */
  complaints: string[]
}

/**
 * Opens the page in a browser of its own.
 *
 * @param search the address's parameters
 * @param pollSeconds between rounds of questions
 */
export async function openDashboard(
  { url }: Pick<System, 'url'>,
  {
    search = '',
    pollSeconds = 0.3,
    ...context
  }: { search?: string; pollSeconds?: number } & BrowserContextOptions = {},
): Promise<Dashboard> {
  const browser = await launchBrowser()
  const page = await (await browser.newContext({ timezoneId: 'Europe/Berlin', ...context })).newPage()
  const complaints: string[] = []
  page.on('console', message => {
    if (message.type() === 'error' || message.type() === 'warning') complaints.push(message.text())
  })
  page.on('pageerror', error => complaints.push(String(error)))
  page.on('request', request => {
    if (new URL(request.url()).origin !== new URL(url).origin) complaints.push(`asked for ${request.url()}`)
  })
  const settings: Settings = { pollSeconds, signIn: null }
  await page.route('**/settings.json', route => route.fulfill({ json: settings }))
  await page.goto(`${url}/${search}`)
  return { page, complaints }
}

export const isLive = (page: Page) => page.waitForSelector('body[data-state=ready][data-phase=live]')

/** Waits until an element's text is right. */
export async function untilText(page: Page, selector: string, isRight: RegExp): Promise<string> {
  return eventually(
    async () => (await page.textContent(selector)) ?? '',
    text => isRight.test(text),
  )
}
