import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { buffer } from 'node:stream/consumers'
import Provider from 'oidc-provider'
import type { Page } from 'playwright-core'
import { expect, it, onTestFinished } from 'vitest'
import type { Settings } from '../../web/settings.ts'
import { launchBrowser } from '../support/browser.ts'
import { someEvents, writeEvents } from '../support/events-csv.ts'
import { eventually, runProduce, startSystem, totalCount } from '../support/landcover.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'
import { isLive } from './region.ts'

const EVENTS = 60
const CLIENT = 'page'
/** Lifetime of a token. The page renews a token a minute before it expires: these, two seconds after their issue. */
const TOKEN_SECONDS = 62

type Answer = (request: IncomingMessage, response: ServerResponse) => Promise<void> | void

async function listen(answer: Answer): Promise<{ url: string; server: Server }> {
  const server = createServer((request, response) => void answer(request, response))
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(() => {
    server.closeAllConnections()
    server.close()
  })
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, server }
}

/** Starts the real system behind a server that acts as CloudFront, API Gateway and Cognito of a stage with sign-in. */
async function openStage() {
  const folder = temporaryFolder()
  const system = await startSystem(`${folder}/state`, ['--slot', '2s'])
  const file = writeEvents(`${folder}/events.csv`, someEvents(EVENTS))
  await runProduce(['--data', file, '--state', `${folder}/state`, '--limit', '0', '--delay', '0']).finished
  await eventually(system.classStats, rows => totalCount(rows) === EVENTS)

  const signInServer = { answer: (() => {}) as Answer }
  const { url: issuer } = await listen((request, response) => signInServer.answer(request, response))
  const asked = { tokens: 0, refused: 0 }
  let provider: Provider
  const { url: page } = await listen(async (request, response) => {
    const path = request.url ?? '/'
    if (path === '/settings.json') {
      const settings: Partial<Settings> = {
        signIn: {
          issuer,
          clientId: CLIENT,
          authorizationEndpoint: `${issuer}/auth`,
          logoutEndpoint: `${issuer}/session/end`,
          tokenPath: '/oauth2/token',
        },
      }
      response.writeHead(200, { 'Content-Type': 'application/json' }).end(JSON.stringify(settings))
      return
    }
    if (path === '/oauth2/token') {
      asked.tokens++
      return forward(request, response, `${issuer}/token`)
    }
    if (path.startsWith('/api/')) {
      const token = /^Bearer (.+)$/.exec(request.headers.authorization ?? '')?.[1]
      const known = token ? await provider.AccessToken.find(token) : undefined
      if (!known?.scope?.split(' ').includes('openid')) {
        asked.refused++
        response.writeHead(401).end()
        return
      }
    }
    return forward(request, response, system.url + path)
  })
  provider = new Provider(issuer, {
    clients: [
      {
        client_id: CLIENT,
        application_type: 'native',
        token_endpoint_auth_method: 'none',
        grant_types: ['authorization_code', 'refresh_token'],
        response_types: ['code'],
        redirect_uris: [`${page}/`],
      },
    ],
    issueRefreshToken: async () => true,
    rotateRefreshToken: true,
    ttl: { AccessToken: TOKEN_SECONDS },
    cookies: { keys: ['for tests'] },
  })
  const callback = provider.callback()
  signInServer.answer = (request, response) => callback(request, response)
  return { page, issuer, asked }
}

async function forward(request: IncomingMessage, response: ServerResponse, url: string): Promise<void> {
  const { host: _, connection: __, ...headers } = request.headers
  const body = request.method === 'POST' ? { body: await buffer(request) } : {}
  const answer = await fetch(url, {
    method: request.method ?? 'GET',
    headers: headers as Record<string, string>,
    ...body,
  })
  const kept = [...answer.headers].filter(
    ([name]) => !/^(transfer-encoding|content-encoding|content-length)$/.test(name),
  )
  response.writeHead(answer.status, Object.fromEntries(kept)).end(Buffer.from(await answer.arrayBuffer()))
}

async function signIn(page: Page): Promise<void> {
  await page.fill('input[name=login]', 'somebody')
  await page.fill('input[name=password]', 'a password')
  await page.click('button[type=submit]')
  // Consent, which the first sign-in requires.
  await page.click('button[type=submit]')
}

it('shows the dashboard after a sign-in, as long as the tab is open', async () => {
  const stage = await openStage()
  expect((await fetch(`${stage.page}/api/health`)).status).toBe(401)
  const page = await (await launchBrowser()).newPage()
  const wrong: string[] = []
  // Errors on the pages of the sign-in server do not count.
  const isOurs = (url: string) => url.startsWith(stage.page)
  page.on('console', message => {
    if (message.type() === 'error' && isOurs(message.location().url)) wrong.push(message.text())
  })
  page.on('pageerror', error => wrong.push(String(error)))

  // The sign-in keeps the parameters of a link.
  await page.goto(`${stage.page}/?from=a-link`)
  await signIn(page)
  await isLive(page)
  expect(page.url()).toBe(`${stage.page}/?from=a-link`)
  expect(stage.asked).toEqual({ tokens: 1, refused: 1 })

  await page.reload()
  await isLive(page)
  expect(stage.asked.tokens).toBe(2)

  // The next round of requests uses a new token, one for all requests.
  await page.waitForResponse(response => response.url().includes('/api/health'))
  await eventually(
    async () => stage.asked.tokens,
    tokens => tokens >= 3,
  )
  await page.waitForResponse(response => response.url().includes('/api/health') && response.ok())
  expect(stage.asked.refused).toBe(1)
  expect(stage.asked.tokens).toBeLessThan(6)

  // A plain link would be refused. The page downloads the file with its token.
  const [table] = await Promise.all([page.waitForEvent('download'), page.click('[data-card=history] a')])
  expect(table.suggestedFilename()).toBe('landcover-classes.csv')
  expect(await readFile(await table.path(), 'utf8')).toMatch(/^class_name,count,/)
  expect(stage.asked.refused).toBe(1)

  const stored = await page.evaluate(() => JSON.stringify([{ ...localStorage }, document.cookie]))
  expect(stored).toBe('[{},""]')
  await page.click('text=Sign out')
  await page.waitForURL(`${stage.issuer}/session/end**`)
  expect(wrong).toEqual([])
})

it('reports a refused sign-in, and the reader can retry', async () => {
  const stage = await openStage()
  const page = await (await launchBrowser()).newPage()
  await page.goto(stage.page)
  await page.click('text=Cancel')
  await page.waitForSelector('#banner:not([hidden])')
  expect(await page.textContent('#banner-title')).toBe('Sign-in failed.')
  await page.click('#retry')
  await signIn(page)
  await isLive(page)
})
