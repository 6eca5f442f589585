import { createServer, request } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { expect, it, onTestFinished } from 'vitest'
import { startSystem } from '../support/landcover.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'
import { countedIn, image, isLive, openDashboard, send, untilText } from './region.ts'

/** Starts a proxy that removes a path, as nginx does with `proxy_pass http://landcover/`. */
async function proxyBelow(path: string, origin: string): Promise<string> {
  const server = createServer((asked, answer) => {
    if (!asked.url?.startsWith(`${path}/`)) return answer.writeHead(404).end()
    const { method, headers } = asked
    const url = new URL(origin + asked.url.slice(path.length))
    const passed = request(url, { method, headers: { ...headers, host: url.host } }, response => {
      answer.writeHead(response.statusCode ?? 502, response.headers)
      response.pipe(answer)
    })
    passed.on('error', () => answer.destroy())
    asked.pipe(passed)
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => {
    server.closeAllConnections()
    server.close()
  })
  return `http://localhost:${(server.address() as AddressInfo).port}`
}

it.each(['the system itself', 'a proxy that removes it'])('the page works below a path of %s', async by => {
  const isProxied = by !== 'the system itself'
  const args = ['--slot', '1s', ...(isProxied ? [] : ['--base-path', '/land/cover'])]
  const running = await startSystem(join(temporaryFolder(), 'state'), args)
  const api = isProxied ? running.url : `${running.url}/land/cover`
  const get = async <Answer>(path: string) => (await (await fetch(api + path)).json()) as Answer
  const system = { ...running, url: api, get, classStats: () => get('/api/class-stats') } as typeof running
  const origin = isProxied ? await proxyBelow('/land/cover', running.url) : running.url
  const { page, complaints } = await openDashboard({ ...system, url: `${origin}/land/cover` })
  await send(system, [image('Forest', 'image-1', 0.5)])
  await countedIn(system, 1)
  await isLive(page)
  await untilText(page, '#now-text', /Forest: 0\.500/)
  const [saving] = await Promise.all([
    page.waitForEvent('download'),
    page.locator('[data-card="now"] a[data-table]').first().click(),
  ])
  expect(new URL(saving.url()).pathname).toMatch(/^\/land\/cover\/api\//)
  expect(await saving.failure()).toBeNull()
  await page.getByRole('link', { name: 'API documentation' }).click()
  await expect.poll(() => page.title()).toMatch(/API|landcover/i)
  expect(new URL(page.url()).pathname).toBe('/land/cover/api/docs')
  expect(complaints).toEqual([])
})
