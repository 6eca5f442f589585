import { spawnSync } from 'node:child_process'
import { existsSync, globSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { readConfigFile } from '../../functions/cli/config-file.ts'
import { COMMANDS } from '../../functions/cli/landcover.ts'
import { START_FLAGS } from '../../functions/cli/start-flags.ts'
import { parseLogAddress } from '../../functions/runtime/config/log-address.ts'
import { parseStoreAddress } from '../../functions/runtime/config/store-address.ts'
import { parseHosts, parseListenAddress } from '../../functions/runtime/local/hosts.ts'
import { LIVE_PATH, METRICS_PATH, READY_PATH } from '../../functions/runtime/local/probes.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'

const ROOT = join(import.meta.dirname, '../..')
const FOLDER = join(ROOT, 'infra/containers')
const read = (name: string) => readFileSync(join(FOLDER, name), 'utf8')
const found = (text: string, pattern: RegExp) => Array.from(text.matchAll(pattern), match => match[1] as string)

const DOCKERFILE = read('Dockerfile')
const COMPOSE = read('compose.yaml')
const KUBERNETES = read('kubernetes.yaml')
const UNIT = read('landcover.service')
const { version, scripts } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as {
  version: string
  scripts: Record<string, string>
}
const STATE = '/var/lib/landcover'

/** Settings in a file of Kubernetes: the lines below `landcover.json: |`. */
function settingsOfKubernetes(): string {
  const file = join(temporaryFolder(), 'landcover.json')
  writeFileSync(file, /^ {2}landcover\.json: \|\n((?: {4}.*\n)+)/m.exec(KUBERNETES)?.[1] ?? '')
  return file
}

describe('the files for containers and services', () => {
  it('call landcover with flags that it has', () => {
    const calls = [
      /^CMD .*$/m.exec(DOCKERFILE)?.[0],
      COMPOSE.split('\n  landcover:\n')[1]?.split('    ports:')[0],
      /args: \[start.*$/m.exec(KUBERNETES)?.[0],
      /^ExecStart=.*$/m.exec(UNIT)?.[0],
    ]
    const flags = calls.flatMap(call => found(call ?? '', /(?<=[\s"])--([a-z-]+)/g))
    expect(new Set(flags)).toEqual(new Set(['no-demo', 'host', 'state', 'log', 'store', 'config']))
    for (const flag of flags) expect(START_FLAGS).toHaveProperty(flag)
    expect(Object.keys(COMMANDS)).toContain(/ENTRYPOINT \["landcover"\]\nCMD \["(\w+)"/.exec(DOCKERFILE)?.[1])
  })

  it('have addresses that landcover reads', () => {
    expect(parseLogAddress(/--log=(\S+)/.exec(COMPOSE)?.[1] ?? '')).toMatchObject({
      kind: 'kafka',
      topic: 'image-events',
    })
    expect(COMPOSE).toContain('--topic=image-events')
    expect(parseStoreAddress(/--store=(\S+)/.exec(COMPOSE)?.[1] ?? '')).toMatchObject({ kind: 'cassandra' })
    expect(parseListenAddress(/--host", "([^"]+)/.exec(DOCKERFILE)?.[1] ?? '').isOpen).toBe(true)
  })

  it.each([
    ['landcover.json', () => join(FOLDER, 'landcover.json')],
    ['kubernetes.yaml', settingsOfKubernetes],
  ])('have settings in %s that landcover reads', (_, file) => {
    const settings = readConfigFile(file(), START_FLAGS)
    expect(settings).toMatchObject({ port: START_FLAGS.port.default, 'no-demo': true, state: `${STATE}/state` })
    expect(() => parseListenAddress(String(settings.host))).not.toThrow()
    if (settings['allow-host'] !== undefined) expect(() => parseHosts(String(settings['allow-host']))).not.toThrow()
  })

  it('ask for probes and metrics where they are', () => {
    expect(found(KUBERNETES, /path: (\/\S+)/g).sort()).toEqual([LIVE_PATH, LIVE_PATH, METRICS_PATH, READY_PATH])
    expect(found(DOCKERFILE, /localhost:8000(\/\w+)/g)).toEqual([READY_PATH])
  })

  it('have one port, one folder of the state and one user', () => {
    const { default: port } = START_FLAGS.port
    expect(found(DOCKERFILE, /EXPOSE (\d+)/g)).toEqual([port])
    expect(COMPOSE).toContain(`- "127.0.0.1:${port}:${port}"`)
    expect(KUBERNETES).toContain(`containerPort: ${port}`)
    for (const text of [DOCKERFILE, COMPOSE, KUBERNETES, UNIT]) expect(text).toContain(STATE)
    const [user] = found(DOCKERFILE, /^USER (\d+):\d+$/gm)
    expect(found(KUBERNETES, /(?:runAsUser|runAsGroup|fsGroup): (\d+)/g)).toEqual([user, user, user])
  })

  it('name the version of the package, and the engines of the tests', () => {
    const tags = [DOCKERFILE, COMPOSE, KUBERNETES].flatMap(text => found(text, /(?<![\w/-])landcover:(\d[\w.]*)/g))
    expect(tags.length).toBeGreaterThan(2)
    expect(new Set(tags)).toEqual(new Set([version]))
    expect(UNIT).toContain(`landcover-${version}.tgz`)
    const engine = (name: string) => readFileSync(join(ROOT, `test/engines/${name}/pom.xml`), 'utf8')
    for (const tag of found(COMPOSE, /image: (?:apache\/kafka|cassandra):(\S+)/g)) {
      expect(engine('kafka') + engine('cassandra')).toContain(`<version>${tag}</version>`)
    }
    // The check of the version at the start of landcover.
    const needed = /NEEDED = \[(\d+),/.exec(readFileSync(join(ROOT, 'functions/cli/needed-node.cjs'), 'utf8'))?.[1]
    expect(new Set(found(DOCKERFILE, /^FROM node:(\d+)-/gm))).toEqual(new Set([needed]))
  })

  it('use files and scripts that there are', () => {
    const [copied = ''] = found(DOCKERFILE, /^COPY (package\S+ .*) \.\/$/gm)
    for (const name of copied.split(' ')) expect(existsSync(join(ROOT, name)), name).toBe(true)
    for (const name of found(DOCKERFILE, /npm run --silent ([\w:]+)/g)) expect(scripts).toHaveProperty([name])
    const named = ['Dockerfile', 'compose.yaml', 'kubernetes.yaml'].flatMap(name =>
      found(read(name), /(infra\/containers\/[\w.]+)/g),
    )
    expect(named.length).toBeGreaterThan(3)
    for (const name of named) expect(existsSync(join(ROOT, name)), name).toBe(true)
  })

  it('leave out of the image what a checkout may have beside its files', () => {
    const ignored = read('Dockerfile.dockerignore').trim().split('\n')
    const kept = readFileSync(join(ROOT, '.gitignore'), 'utf8').trim().split('\n')
    const isLeftOut = (path: string) =>
      ignored.some(
        each => each.replace('**/', '') === path.split('/').findLast(Boolean) || each === path.replace(/^\/|\/$/g, ''),
      )
    expect(kept.filter(path => !isLeftOut(path))).toEqual([])
    expect(globSync('infra/containers/*', { cwd: ROOT }).length).toBe(6)
  })
})

/** Programs beside the Python of test/infra/requirements.txt. Two are optional: pip install check-jsonschema kubernetes-validate. */
const tool = (name: string) => join(dirname(process.env.PYTHON ?? '/none/python'), name)
const LINTS = [
  [tool('hadolint'), ['infra/containers/Dockerfile']],
  [tool('check-jsonschema'), ['--builtin-schema', 'vendor.compose-spec', 'infra/containers/compose.yaml']],
  [tool('kubernetes-validate'), ['--strict', 'infra/containers/kubernetes.yaml']],
  ['/usr/bin/systemd-analyze', ['verify', '--man=no', 'infra/containers/landcover.service']],
] as const

it.each(LINTS.filter(([program]) => existsSync(program)))('%s %j finds nothing', (program, args) => {
  const { status, stdout, stderr } = spawnSync(program, args, { cwd: ROOT, encoding: 'utf8' })
  expect({ status, said: status === 0 ? '' : stdout + stderr }).toEqual({ status: 0, said: '' })
})
