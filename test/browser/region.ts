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

/** Starts a system with its own state folder, which it can be started on again. `send` posts events to it. */
export async function openRegion() {
  const state = join(temporaryFolder(), 'state')
  const start = (port = 0) => startSystem(state, ['--slot', '1s', '--port', String(port)])
  const system = await start()
  return { system, state, start, send: (events: readonly WireEvent[]) => send(system, events) }
}

/** Starts a system with `count` ordinary images of four classes, all counted by the batch view. */
export async function openRegionWithHistory(count = 80) {
  const region = await openRegion()
  await region.send(ordinaryImages(count))
  await eventually(region.system.health, ({ batch }) => batch.images === count)
  return region
}

/**
 * Starts a system whose speed layer has baselines. It loads them once a minute and at its start, so this restarts it.
 */
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

/** Images of the current time, with the NDVI of their class ± 0.03. */
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
  /** Things a page must never do: console errors and warnings, requests to other origins. */
  complaints: string[]
}

/**
 * Opens the page in a new browser.
 *
 * @param search parameters of the address
 * @param pollSeconds delay between rounds of requests, seconds
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
    if (new URL(request.url()).origin !== new URL(url).origin) complaints.push(`requested ${request.url()}`)
  })
  const settings: Settings = { pollSeconds, signIn: null }
  await page.route('**/settings.json', route => route.fulfill({ json: settings }))
  await page.goto(`${url}/${search}`)
  return { page, complaints }
}

export const isLive = (page: Page) => page.waitForSelector('body[data-state=ready][data-phase=live]')

/** Waits until an element's text matches. */
export async function untilText(page: Page, selector: string, pattern: RegExp): Promise<string> {
  return eventually(
    async () => (await page.textContent(selector)) ?? '',
    text => pattern.test(text),
  )
}
