import { existsSync } from 'node:fs'
import { type Browser, chromium } from 'playwright-core'
import { onTestFinished } from 'vitest'

/** Flags with which root can start the browser, and the browser sends no requests of its own. */
export const CHROMIUM_FLAGS = ['--no-sandbox', '--disable-background-networking'] as const

const PLACES = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome']

/** Path of the browser's program; undefined if there is none. */
export function chromiumProgram(): string | undefined {
  return process.env.CHROMIUM ?? PLACES.find(existsSync)
}

/**
 * Starts a browser without a window. It is closed at the end of the test.
 *
 * @param flags in addition to CHROMIUM_FLAGS
 * @throws Error that says how to install a browser, if there is none
 */
export async function launchBrowser(flags: readonly string[] = []): Promise<Browser> {
  const executablePath = chromiumProgram()
  if (!executablePath)
    throw new Error('Chromium was not found: run apt-get install chromium, or set CHROMIUM to the path of its program')
  const browser = await chromium.launch({ executablePath, args: [...CHROMIUM_FLAGS, ...flags] })
  onTestFinished(() => browser.close())
  return browser
}
