import { existsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { eventually, runStart, startSystem, urlOf } from '../support/landcover.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'

function settingsFile(content: unknown): string {
  const file = join(temporaryFolder(), 'landcover.json')
  writeFileSync(file, typeof content === 'string' ? content : JSON.stringify(content))
  return file
}

describe('a file of settings', () => {
  it('gives values of flags, below those of the command line', async () => {
    const state = join(temporaryFolder(), 'state')
    const file = settingsFile({ port: 0, 'no-demo': true, slot: '5m', state: '/nowhere/at/all', rules: 'class-zscore' })
    const system = runStart(['--config', file, '--state', state])
    await urlOf(system)
    expect(system.stdout()).toContain('; slots of 300 s; rules: class-zscore; no demo data.')
    expect(existsSync(state)).toBe(true)
  })

  it('is below the variables of the environment', async () => {
    const state = join(temporaryFolder(), 'state')
    const file = settingsFile({ log: 'kafka://nowhere:9092/topic', state, port: 0 })
    // The log that the variable names is refused: it took the place of the one in the file.
    const { code, stderr } = await runStart(['--config', file], { LANDCOVER_LOG: 'carrier-pigeon://' }).finished
    expect(code).toBe(1)
    expect(stderr).toContain('carrier-pigeon')
    expect(existsSync(state)).toBe(false)
  })

  it.each([
    ['{"prot": 1}', /: 'prot' is not a setting; the settings are port, host, state, /],
    ['{"fresh": true}', /: 'fresh' is not a setting; /],
    ['{"accept-lost-records": true}', /: 'accept-lost-records' is not a setting; /],
    ['{"config": "other.json"}', /: 'config' is not a setting; /],
    ['{"__proto__": "x"}', /: '__proto__' is not a setting; /],
    ['{"no-demo": "yes"}', /: no-demo: write true or false\n/],
    ['{"port": true}', /: port: write PORT as a text in quotes, or a number\n/],
    ['{"port": null}', /: port: write PORT as a text/],
    ['{"classes": ["a.csv"]}', /: classes: write FILE\.csv as a text/],
    ['{"port": "eighty"}', /^--port takes a whole number from 0 to 65535, not 'eighty'\n/],
    ['[]', / is not a JSON object: write for example \{"port": 8000, /],
    ['port: 8000', / is not JSON: /],
    ['', / is not JSON: /],
  ])('with %s is refused, and leaves no state', async (content, message) => {
    const state = join(temporaryFolder(), 'state')
    const { code, stderr } = await runStart(['--config', settingsFile(content), '--state', state]).finished
    expect(code).toBe(2)
    expect(stderr).toMatch(message)
    expect(stderr).not.toContain('    at ')
    expect(existsSync(state)).toBe(false)
  })

  it('that is not there is named', async () => {
    const { code, stderr } = await runStart(['--config', '/no/such/file.json']).finished
    expect([code, stderr]).toEqual([2, expect.stringContaining('--config: cannot read /no/such/file.json (ENOENT)')])
  })
})

describe('--log-level', () => {
  const lines = (text: string) =>
    text
      .split('\n')
      .filter(line => line.startsWith('{'))
      .map(line => JSON.parse(line) as Record<string, unknown>)

  it('debug writes a line for each request, without its parameters', async () => {
    const system = await startSystem(join(temporaryFolder(), 'state'), ['--log-level', 'debug'])
    expect((await fetch(`${system.url}/api/sites?name=the-secret-grove`)).status).toBe(400)
    const request = async () => lines(system.stderr()).find(({ path }) => path === '/api/sites')
    expect(await eventually(request, line => line !== undefined)).toMatchObject({
      level: 'debug',
      message: 'request',
      method: 'GET',
      status: 400,
      isCut: false,
      ms: expect.any(Number),
    })
    expect(system.stderr()).not.toContain('the-secret-grove')
  })

  it('is info by default, which writes none for a request', async () => {
    const system = await startSystem(join(temporaryFolder(), 'state'))
    await system.health()
    const { stderr } = await system.interrupt()
    expect(lines(stderr).filter(({ message }) => message === 'request')).toEqual([])
  })

  it('refuses a level that it does not know', async () => {
    const { code, stderr } = await runStart(['--log-level', 'loud']).finished
    expect([code, stderr]).toEqual([2, "--log-level: 'loud' is none of debug, info, warn\nSee --help.\n"])
  })
})
