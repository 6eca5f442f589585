import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { type AddressInfo, createServer } from 'node:net'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { someEvents, writeEvents } from '../support/events-csv.ts'
import {
  eventually,
  publishedBy,
  run,
  runProduce,
  runStart,
  startSystem,
  totalCount,
  urlOf,
} from '../support/landcover.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'

async function produceSome(state: string, count: number): Promise<void> {
  const file = writeEvents(join(temporaryFolder(), 'events.csv'), someEvents(count))
  const produced = await runProduce(['--data', file, '--state', state, '--limit', '0', '--delay', '0']).finished
  expect(publishedBy(produced)).toBe(count)
}

describe('npm start', () => {
  it('prints the address of the dashboard, and serves it', async () => {
    const system = await startSystem(join(temporaryFolder(), 'state'))
    const page = await fetch(system.url)
    expect(page.headers.get('content-type')).toContain('text/html')
    expect(await page.text()).toContain('<title>')
    expect(await system.classStats()).toEqual([])
    await eventually(system.health, ({ status, quarantine }) => status === 'ok' && quarantine.count === 0)
  })

  it('shows a region with history from the start, and new events that stream in', async () => {
    const demo = runStart(['--port', '0', '--state', join(temporaryFolder(), 'state')])
    const url = await urlOf(demo)
    const count = async () => totalCount((await (await fetch(`${url}/api/class-stats`)).json()) as { count: number }[])
    const first = await count()
    expect(first).toBeGreaterThanOrEqual(27_000)
    await eventually(count, now => now >= first + 5)
    demo.child.kill('SIGINT')
    expect(await demo.finished).toMatchObject({ code: 0 })
  })

  it('accepts events over HTTP, a body with a key once, but no events from a page of another origin', async () => {
    const system = await startSystem(join(temporaryFolder(), 'state'))
    const send = async (headers: Record<string, string>) => {
      const body = someEvents(3)
        .map(event => JSON.stringify(event))
        .join('\n')
      return (await fetch(`${system.url}/api/events`, { method: 'POST', headers, body })).status
    }
    const headers = { 'Content-Type': 'application/x-ndjson', 'Idempotency-Key': 'a' }
    expect([await send(headers), await send(headers)]).toEqual([202, 202])
    expect(await send({ ...headers, 'Idempotency-Key': 'b' })).toBe(202)
    expect(await send({ 'Content-Type': 'text/plain' })).toBe(415)
    await eventually(system.classStats, rows => totalCount(rows) === 6)
    expect(await system.health()).toMatchObject({ quarantine: { count: 0 } })
  })

  it('ends with Ctrl-C: exit code 0, and a last message', async () => {
    const system = await startSystem(join(temporaryFolder(), 'state'))
    const { code, stdout } = await system.interrupt()
    expect(code).toBe(0)
    expect(stdout).toMatch(/\nStopped\.\n$/)
  })

  it('has all its data when it is started again', async () => {
    const state = join(temporaryFolder(), 'state')
    const first = await startSystem(state)
    await produceSome(state, 500)
    await eventually(first.classStats, rows => totalCount(rows) === 500)
    const before = await first.classStats()
    await first.interrupt()
    const second = await startSystem(state)
    expect(await second.classStats()).toEqual(before)
  })

  it('counts events that were published while it was not running', async () => {
    const state = join(temporaryFolder(), 'state')
    await produceSome(state, 300)
    const system = await startSystem(state)
    await eventually(system.classStats, rows => totalCount(rows) === 300)
  })

  it('removes the state with --fresh, and only then', async () => {
    const state = join(temporaryFolder(), 'state')
    await produceSome(state, 100)
    const first = await startSystem(state)
    await eventually(first.classStats, rows => totalCount(rows) === 100)
    await first.interrupt()
    const fresh = await startSystem(state, ['--fresh'])
    expect(await fresh.classStats()).toEqual([])
  })

  it('with --fresh does not remove a folder with other content', async () => {
    const folder = temporaryFolder()
    writeFileSync(join(folder, 'thesis.txt'), 'the only copy')
    const { code, stderr } = await runStart(['--fresh', '--state', folder, '--port', '0']).finished
    expect(code).toBe(1)
    expect(stderr).toContain(`${folder} is not a landcover state folder`)
  })
})

describe('npm start on the network', () => {
  it('says at the start what it runs with, and nothing about the network on loopback', async () => {
    const system = await startSystem(join(temporaryFolder(), 'state'), ['--slot', '5m'])
    const { stdout, stderr } = await system.interrupt()
    expect(stdout).toMatch(
      /\nlandcover [\d.]+, Node [\d.]+; event log: its own file; speed store: its own file; slots of 300 s; rules: class-zscore.*; no demo data\.\n/,
    )
    expect(stderr).not.toContain('Warning')
  })

  it('warns that there is no log-in, and answers requests for addresses', async () => {
    const system = await startSystem(join(temporaryFolder(), 'state'), ['--host', '0.0.0.0'])
    expect(system.stderr()).toMatch(
      /^Warning: everybody who reaches 0\.0\.0\.0 can read and send events without a log-in/,
    )
    await eventually(system.health, ({ status }) => status === 'ok')
  })

  it('takes events only with the token of a file', async () => {
    const file = join(temporaryFolder(), 'token')
    const token = 'f3b1c0de-f3b1c0de-f3b1c0de'
    writeFileSync(file, `${token}\n`)
    const state = join(temporaryFolder(), 'state')
    const system = await startSystem(state, ['--host', '0.0.0.0'], { LANDCOVER_TOKEN_FILE: file })
    expect(system.stderr()).toMatch(
      /^Warning: everybody who reaches 0\.0\.0\.0 can read without a log-in; --token-for all /,
    )
    const send = async (headers: Record<string, string>) => {
      const body = JSON.stringify(someEvents(1)[0])
      const sent = { method: 'POST', headers: { 'Content-Type': 'application/json', ...headers }, body }
      return (await fetch(`${system.url}/api/events`, sent)).status
    }
    expect([await send({}), await send({ Authorization: `Bearer ${token}` })]).toEqual([401, 202])
    expect(system.stderr() + system.stdout()).not.toContain(token)
  })

  it('refuses a short token without repeating it, and leaves no state', async () => {
    const state = join(temporaryFolder(), 'state')
    const { code, stderr } = await runStart(['--state', state, '--port', '0'], { LANDCOVER_TOKEN: 'hunter2' }).finished
    expect(code).toBe(1)
    expect(stderr).toContain('has at least 16 letters')
    expect(stderr).not.toContain('hunter2')
    expect(existsSync(state)).toBe(false)
  })

  it('refuses an address that this machine does not have', async () => {
    const state = join(temporaryFolder(), 'state')
    // TEST-NET-1 of RFC 5737: no machine has it.
    const { code, stderr } = await runStart(['--state', state, '--port', '0', '--host', '192.0.2.1']).finished
    expect(stderr).toContain('this machine has no address 192.0.2.1: give --host one of its own, or 0.0.0.0 for all\n')
    expect(code).toBe(1)
    expect(existsSync(state)).toBe(false)
  })
})

describe('npm start refuses', () => {
  it('an unknown flag, with exit code 2', async () => {
    const { code, stdout, stderr } = await runStart(['--prot', '8000']).finished
    expect(code).toBe(2)
    expect(stdout).toBe('')
    expect(stderr).toMatch(/^Unknown option '--prot'.*\nSee --help\.\n$/s)
  })

  it.each([
    [['--port', 'http'], /^--port takes a whole number from 0 to 65535, not 'http'\n/],
    [['--slot', '7m'], /^--slot: '7m' is not a slot length: write 1h, 5m or 10s/],
    [['--rules', 'class-zscore,magic'], /^--rules: there is no rule 'magic'; there are class-zscore, image-range\n/],
    [
      ['--allow-origin', 'https://example.org/page'],
      /^--allow-origin: 'https:\/\/example.org\/page' is not an origin: /,
    ],
    [['--allow-host', 'example.org:8000'], /^--allow-host: 'example.org:8000' is not a host name: write landcover/],
    [
      ['--host', 'example.org'],
      /^--host: 'example.org' is not an IP address: write 127.0.0.1, 192.168.1.5, or 0.0.0.0 /,
    ],
    [['--token-for', 'reads'], /^--token-for: 'reads' is not one of writes, all\n/],
    [['--token-for', 'all'], /^--token-for needs a token: set LANDCOVER_TOKEN, or LANDCOVER_TOKEN_FILE /],
    [['8000'], /^Unexpected argument '8000'/],
  ])('%j, with exit code 2 and the accepted values', async (args, message) => {
    const { code, stderr } = await runStart(['--state', join(temporaryFolder(), 'state'), ...args]).finished
    expect(stderr).toMatch(message)
    expect(stderr).toMatch(/See --help\.\n$/)
    expect(code).toBe(2)
  })

  it('a port that is in use, with exit code 1 and what to do', async () => {
    const taken = createServer().listen(0, '127.0.0.1')
    await once(taken, 'listening')
    onTestFinished(() => void taken.close())
    const { port } = taken.address() as AddressInfo
    const state = join(temporaryFolder(), 'state')
    const { code, stderr } = await runStart(['--no-demo', '--port', String(port), '--state', state]).finished
    expect(stderr).toBe(`port ${port} is taken: choose another with --port\n`)
    expect(code).toBe(1)
    expect(existsSync(state)).toBe(false)
  })

  it('a state that a system uses, with exit code 1 and what to do', async () => {
    const state = join(temporaryFolder(), 'state')
    await startSystem(state)
    const { code, stderr } = await runStart(['--no-demo', '--port', '0', '--state', state]).finished
    expect(stderr).toBe(`a landcover is already running on ${state}: stop it, or choose another folder with --state\n`)
    expect(code).toBe(1)
  })

  it('to replace a state that another system uses, and does not change it', async () => {
    const state = join(temporaryFolder(), 'state')
    const system = await startSystem(state)
    await produceSome(state, 50)
    await eventually(system.classStats, rows => totalCount(rows) === 50)
    const { code, stderr } = await runStart(['--fresh', '--no-demo', '--port', '0', '--state', state]).finished
    expect(stderr).toContain('already running')
    expect(code).toBe(1)
    await produceSome(state, 70)
    await eventually(system.classStats, rows => totalCount(rows) === 120)
  })

  it('a slot length that differs from that of the state', async () => {
    const state = join(temporaryFolder(), 'state')
    await (await startSystem(state, ['--slot', '1m'])).interrupt()
    const { code, stderr } = await runStart(['--no-demo', '--port', '0', '--state', state, '--slot', '5m']).finished
    expect(stderr).toContain(`--slot: the state in ${state} has slots of 60 s; --fresh starts again`)
    expect(code).toBe(2)
    await (await startSystem(state, ['--slot', '60s'])).interrupt()
  })

  it('settings that cannot be read, with the file and what to do', async () => {
    const state = temporaryFolder()
    writeFileSync(join(state, 'landcover.json'), '{"slotMs":')
    const { code, stderr } = await runStart(['--no-demo', '--port', '0', '--state', state]).finished
    expect(code).toBe(1)
    expect(stderr).toContain(join(state, 'landcover.json'))
    expect(stderr).toContain('Write this into it and start again')
    expect(stderr).not.toContain('--fresh')
    expect(stderr.trim().split('\n')).toHaveLength(2)
  })
})

/** Programs that start another one which can write files of this size at most, bytes. */
const withRoomFor = (bytes: number) => ['prlimit', `--fsize=${bytes}:`]
const hasPrlimit = spawnSync('prlimit', ['--version']).status === 0

describe.skipIf(!hasPrlimit)('a start that fails', () => {
  it.each([
    ['before it has settings', 0],
    ['after it has settings', 4_096],
  ])('%s leaves nothing of a new state', async (_, bytes) => {
    const folder = temporaryFolder()
    const empty = join(folder, 'empty')
    mkdirSync(empty)
    for (const state of [join(folder, 'new'), empty]) {
      const flags = ['--no-demo', '--port', '0', '--state', state]
      const { code, stderr } = await runStart(flags, {}, withRoomFor(bytes)).finished
      expect(stderr).toContain(state)
      expect(code).toBe(1)
    }
    expect(readdirSync(folder)).toEqual(['empty'])
    expect(readdirSync(empty)).toEqual([])
  })

  it('removes no file of a state that has lost its settings', async () => {
    const state = join(temporaryFolder(), 'state')
    const system = await startSystem(state)
    await produceSome(state, 10)
    await eventually(system.classStats, rows => totalCount(rows) === 10)
    await system.interrupt()
    const settings = readFileSync(join(state, 'landcover.json'))
    rmSync(join(state, 'landcover.json'))
    const flags = ['--no-demo', '--port', '0', '--state', state]
    expect((await runStart(flags, {}, withRoomFor(0)).finished).code).toBe(1)
    writeFileSync(join(state, 'landcover.json'), settings)
    const again = await startSystem(state)
    await eventually(again.classStats, rows => totalCount(rows) === 10)
  })
})

describe('a system that npm started', () => {
  it('ends when npm is told to end, and leaves its port and its state to the next', async () => {
    const state = join(temporaryFolder(), 'state')
    const start = () => {
      const npm = spawn('npm', ['start', '--', '--no-demo', '--port', '0', '--state', state], {
        cwd: join(import.meta.dirname, '../..'),
        stdio: ['ignore', 'pipe', 'inherit'],
      })
      onTestFinished(() => void npm.kill('SIGKILL'))
      let text = ''
      npm.stdout.setEncoding('utf8').on('data', more => (text += more))
      return { npm, stdout: () => text, closed: once(npm.stdout, 'close') }
    }
    const first = start()
    await eventually(
      async () => first.stdout(),
      text => text.includes('landcover is running'),
    )
    first.npm.kill('SIGTERM')
    // The pipe is closed when the system has ended, too.
    await first.closed
    expect(first.stdout()).toMatch(/\nStopped\.\n$/)
    const second = await startSystem(state)
    expect((await second.interrupt()).code).toBe(0)
  })
})

it.each([
  [
    'start',
    [
      '--port PORT',
      '--host ADDRESS',
      '--token-for SCOPE',
      '--state DIR',
      '--fresh',
      '--no-demo',
      '--slot LENGTH',
      '--lateness LENGTH',
      '--classes',
      '--rules',
    ],
  ],
  ['produce', ['--data FILE|FOLDER', '--limit N', '--delay SECONDS', '--topic NAME', '--state DIR', '--strict']],
  ['batch', ['--state DIR']],
])('%s explains its purpose with --help', async (script, flags) => {
  const [long, short] = await Promise.all(
    ['--help', '-h'].map(flag => run(`functions/cli/${script}.ts`, [flag]).finished),
  )
  expect(long).toMatchObject({ code: 0, stderr: '' })
  expect(short).toEqual(long)
  for (const flag of flags) expect(long?.stdout).toContain(flag)
})

it('a file that is given without its flag is refused, with the flag to give', async () => {
  for (const script of ['import', 'produce']) {
    const { code, stderr } = await run(`functions/cli/${script}.ts`, ['ndvi.csv']).finished
    expect(stderr).toBe("'ndvi.csv' is one argument too many: write --data ndvi.csv\nSee --help.\n")
    expect(code).toBe(2)
  }
})

it('every command says its version', async () => {
  const { version } = JSON.parse(readFileSync(join(import.meta.dirname, '../../package.json'), 'utf8'))
  for (const script of ['start', 'produce']) {
    const { code, stdout, stderr } = await run(`functions/cli/${script}.ts`, ['--version']).finished
    expect({ code, stdout, stderr }).toEqual({
      code: 0,
      stdout: `landcover ${version}, Node ${process.versions.node}\n`,
      stderr: '',
    })
  }
})

it('a state may be in a folder with an unusual name', async () => {
  const state = join(temporaryFolder(), "it's [my] data *?{x}", 'state')
  mkdirSync(state, { recursive: true })
  const system = await startSystem(state, ['--slot', '1s'])
  await produceSome(state, 60)
  await eventually(system.health, ({ batch }) => batch.images === 60)
  expect(totalCount(await system.classStats())).toBe(60)
})
