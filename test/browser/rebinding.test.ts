import { join } from 'node:path'
import { expect, it } from 'vitest'
import { launchBrowser } from '../support/browser.ts'
import { wireEvent } from '../support/factories.ts'
import { startSystem } from '../support/landcover.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'

it('a foreign page whose host name resolves to this machine can neither read nor send', async () => {
  const system = await startSystem(join(temporaryFolder(), 'state'))
  const browser = await launchBrowser([
    '--host-resolver-rules=MAP evil.example 127.0.0.1',
    // Newer browsers ask people first; the server must not depend on it.
    '--disable-features=LocalNetworkAccessChecks,BlockInsecurePrivateNetworkRequests',
  ])
  const page = await browser.newPage()
  const { port } = new URL(system.url)
  const ask = async (site: string) => {
    const home = `http://${site}:${port}/somewhere`
    // Page that its own server gave before the name was moved to this machine.
    await page.route(home, route => route.fulfill({ contentType: 'text/html', body: '<title>a page</title>' }))
    await page.goto(home)
    return page.evaluate(
      async body => {
        const read = await fetch('/api/class-stats')
        const headers = { 'Content-Type': 'application/json' }
        const sent = await fetch('/api/events', { method: 'POST', headers, body })
        return [read.status, sent.status]
      },
      JSON.stringify(wireEvent({ timestamp: new Date().toISOString() })),
    )
  }
  expect(await ask('evil.example')).toEqual([421, 421])
  expect(await ask('localhost')).toEqual([200, 202])
})
