import { existsSync } from 'node:fs'
import { type Browser, chromium } from 'playwright-core'
import { onTestFinished } from 'vitest'

/** For a browser that root may start, and that asks for nothing by itself. */
export const CHROMIUM_FLAGS = ['--no-sandbox', '--disable-background-networking'] as const

const PLACES = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome']

/** The browser's program; undefined where there is none. */
export function chromiumProgram(): string | undefined {
  return process.env.CHROMIUM ?? PLACES.find(existsSync)
}

/**
 * A browser without a window, which ends with the test that started it.
 *
 * @param flags beside the usual ones
 * @throws Error that says how to get one where there is none
 */
export async function launchBrowser(flags: readonly string[] = []): Promise<Browser> {
  const executablePath = chromiumProgram()
  if (!executablePath)
    throw new Error('there is no Chromium: apt-get install chromium, or name its program in CHROMIUM')
  const browser = await chromium.launch({ executablePath, args: [...CHROMIUM_FLAGS, ...flags] })
  onTestFinished(() => browser.close())
  return browser
}
