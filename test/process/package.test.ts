import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { COMMANDS } from '../../functions/cli/landcover.ts'
import { makePackage } from '../../infra/tools/package.ts'
import { someEvents, writeEvents } from '../support/events-csv.ts'
import { eventually, run, totalCount, urlOf } from '../support/landcover.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'

const ROOT = join(import.meta.dirname, '../..')
const readJson = (path: string) => JSON.parse(readFileSync(path, 'utf8'))

/** Folder outside of the checkout in which npm has installed the package, as users of it do. */
let folder: string
const landcover = (args: readonly string[]) => run(join(folder, 'node_modules/.bin/landcover'), args)

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'landcover-installed-'))
  writeFileSync(join(folder, 'package.json'), '{}')
  const file = await makePackage(folder)
  // Takes from npm's cache what a checkout has installed, and asks a registry for nothing but what is missing there.
  const options = ['--prefer-offline', '--ignore-scripts', '--no-audit', '--no-fund']
  const { status, stderr } = spawnSync('npm', ['install', ...options, file], { cwd: folder, encoding: 'utf8' })
  if (status !== 0) throw new Error(`npm cannot install the package: ${stderr}`)
})

afterAll(() => rmSync(folder, { recursive: true, force: true }))

describe('the package', () => {
  it('starts the system, which serves the page, counts what is sent and imported, and stops', async () => {
    const state = join(temporaryFolder(), 'state')
    const system = landcover(['start', '--no-demo', '--port', '0', '--slot', '1s', '--state', state])
    const url = await urlOf(system)
    const page = await (await fetch(url)).text()
    const script = /src="\.\/(assets\/[^"]+\.js)"/.exec(page)?.[1]
    expect((await fetch(`${url}/${script}`)).status).toBe(200)
    const body = someEvents(3).map(event => JSON.stringify(event))
    const headers = { 'Content-Type': 'application/x-ndjson' }
    expect((await fetch(`${url}/api/events`, { method: 'POST', headers, body: body.join('\n') })).status).toBe(202)
    const count = async () => totalCount(await (await fetch(`${url}/api/class-stats`)).json())
    await eventually(count, now => now === 3)

    // Parquet files, DuckDB and the SQL of the package take part in an import.
    const history = writeEvents(join(folder, 'history.csv'), someEvents(53).slice(3))
    const imported = await landcover(['import', '--data', history, '--state', state]).finished
    expect(imported).toMatchObject({ code: 0, stdout: expect.stringContaining('import: 50 events of 1 file') })
    await eventually(count, now => now === 53)
    system.child.kill('SIGTERM')
    expect(await system.finished).toMatchObject({ code: 0, stdout: expect.stringMatching(/\nStopped\.\n$/) })
  })

  it('describes its commands by the names under which it has them', async () => {
    const help = await landcover(['--help']).finished
    expect(help.code).toBe(0)
    for (const name of Object.keys(COMMANDS)) expect(help.stdout).toMatch(new RegExp(`^  ${name} +\\w`, 'm'))
    for (const name of Object.keys(COMMANDS)) {
      const { code, stdout } = await landcover([name, '--help']).finished
      expect([code, stdout], name).toEqual([0, expect.stringContaining(`Usage: landcover ${name}`)])
      expect(stdout, name).not.toMatch(/npm (run|start)/)
    }
  })

  it('says what its commands are when it is called with another one', async () => {
    const { code, stdout, stderr } = await landcover(['sart']).finished
    expect([code, stdout]).toEqual([2, ''])
    expect(stderr).toMatch(/^'sart' is not a command: the commands are start, produce, .*\nSee landcover --help\.\n$/)
  })

  it('says which versions it has', async () => {
    const { version } = readJson(join(ROOT, 'package.json'))
    const { stdout } = await landcover(['--version']).finished
    expect(stdout).toBe(`landcover ${version}, Node ${process.versions.node}\n`)
  })

  it('tells an old Node what to do, in one line', () => {
    const file = join(temporaryFolder(), 'another-version.cjs')
    writeFileSync(file, "Object.defineProperty(process.versions, 'node', { value: '22.14.0' })")
    const program = join(folder, 'node_modules/.bin/landcover')
    const { status, stderr } = spawnSync(process.execPath, ['--require', file, program, 'start'], { encoding: 'utf8' })
    expect(status).toBe(1)
    expect(stderr).toMatch(
      /^landcover needs Node 24\.2 or newer, and this is Node 22\.14\.0: install a newer one, [^\n]+npx [^\n]+\n$/,
    )
  })

  it('has the packages in the versions of the lock, without those that only development needs', () => {
    const { packages: locked } = readJson(join(ROOT, 'package-lock.json'))
    const { packages: installed } = readJson(join(folder, 'node_modules/landcover/npm-shrinkwrap.json'))
    const paths = Object.keys(installed).filter(path => path !== '')
    expect(paths.length).toBeGreaterThan(50)
    for (const path of paths) {
      expect(installed[path], path).toMatchObject({ version: locked[path].version, integrity: locked[path].integrity })
      expect(locked[path].dev, path).toBeUndefined()
    }
    expect(paths.filter(path => /node_modules\/node-/.test(path))).toEqual([])
  })
})

it('every command of a checkout that works on a system is one of the package', () => {
  const { scripts } = readJson(join(ROOT, 'package.json')) as { scripts: Record<string, string> }
  const commands = Object.entries(scripts).filter(([, line]) => / functions\/cli\/\w+\.ts$/.test(line))
  expect(Object.keys(COMMANDS)).toEqual(commands.map(([name]) => name))
})
