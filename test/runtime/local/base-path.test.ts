import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { belowBasePath, parseBasePath } from '../../../functions/runtime/local/base-path.ts'
import { startHttpServer } from '../../../functions/runtime/local/http-server.ts'
import { LIVE_PATH } from '../../../functions/runtime/local/probes.ts'
import { collectingLogger } from '../../support/factories.ts'
import { temporaryFolder } from '../../support/temporary-folder.ts'

describe('a base path', () => {
  it.each([
    ['/', ''],
    ['/landcover', '/landcover'],
    ['/landcover/', '/landcover'],
    ['/apps/land-cover_1.2~x', '/apps/land-cover_1.2~x'],
  ])('%s is read as %s', (text, expected) => expect(parseBasePath(text)).toBe(expected))

  it.each([
    'landcover',
    'landcover/',
    '//landcover',
    '/a//b',
    '/a/../b',
    '/.',
    '/a b',
    '/ä',
    '/a?b',
    'https://e.org/a',
    '/a//',
  ])('%s is refused', text => expect(() => parseBasePath(text)).toThrow(`'${text}' is not a path: write /landcover`))

  it.each([
    ['/landcover/', '/'],
    ['/landcover/api/health?a=b', '/api/health?a=b'],
    ['/landcover', undefined],
    ['/landcovers/', undefined],
    ['/', undefined],
    ['/api/health', undefined],
  ])('a target %s is %s below it', (target, below) => expect(belowBasePath(target, '/landcover')).toBe(below))
})

describe('a server with a base path', () => {
  async function open() {
    const site = temporaryFolder()
    mkdirSync(join(site, 'assets'))
    writeFileSync(join(site, 'index.html'), '<title>page</title>')
    writeFileSync(join(site, 'assets/a.js'), '1')
    const paths: string[] = []
    const answer = async ({ path }: { path: string }) => {
      paths.push(path)
      return { statusCode: 200, headers: {}, body: '[]' }
    }
    const options = {
      site,
      address: '127.0.0.1',
      port: 0,
      allowedOrigins: [],
      allowedHosts: [],
      basePath: '/land/cover',
    }
    const server = await startHttpServer(options)
    const live = async () => ({ statusCode: 200, headers: {}, body: 'live' })
    const probes = new Map([[LIVE_PATH, live]])
    server.serve({ serving: answer, ingest: answer, decisions: answer, probes, logger: collectingLogger() })
    onTestFinished(() => server.close())
    const ask = (path: string, method = 'GET') =>
      fetch(`http://127.0.0.1:${server.port}${path}`, { method, redirect: 'manual' })
    return { ask, paths }
  }

  it('answers page, files and API below it, and gives the API its own paths', async () => {
    const { ask, paths } = await open()
    for (const path of ['/land/cover/', '/land/cover/?range=day', '/land/cover/assets/a.js']) {
      expect((await ask(path)).status, path).toBe(200)
    }
    expect((await ask('/land/cover/api/windows?class=Forest')).status).toBe(200)
    expect((await ask('/land/cover/api/events', 'POST')).status).toBe(200)
    expect(paths).toEqual(['/api/windows', '/api/events'])
  })

  it('leads from the path without a slash to the page, with the choice of the page', async () => {
    const { ask } = await open()
    const response = await ask('/land/cover?range=day')
    expect([response.status, response.headers.get('location')]).toEqual([308, '/land/cover/?range=day'])
  })

  it('has nothing elsewhere, and says where the page is', async () => {
    const { ask, paths } = await open()
    for (const path of ['/', '/api/windows', '/land', '/land/covers/', '/assets/a.js', '/land/cover/none']) {
      const response = await ask(path)
      expect([response.status, (await response.json()).detail], path).toEqual([
        404,
        'GET /land/cover/ is the dashboard.',
      ])
    }
    expect((await ask('/api/events', 'POST')).status).toBe(404)
    expect(paths).toEqual([])
  })

  it('answers probes at their own paths only: a proxy that passes the base path on shows no metrics', async () => {
    const { ask } = await open()
    expect((await ask(LIVE_PATH)).status).toBe(200)
    expect((await ask(`/land/cover${LIVE_PATH}`)).status).toBe(404)
  })
})
