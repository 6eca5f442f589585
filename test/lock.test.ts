import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'

interface Package {
  version?: string
  integrity?: string
  inBundle?: boolean
  hasInstallScript?: boolean
  os?: string | string[]
  cpu?: string | string[]
  dependencies?: Record<string, string>
  devDependencies?: Record<string, string>
  optionalDependencies?: Record<string, string>
}

const ROOT = join(import.meta.dirname, '..')
const TEXT = readFileSync(join(ROOT, 'package-lock.json'), 'utf8')
const { packages } = JSON.parse(TEXT) as { packages: Record<string, Package> }
const project = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as Package

/** Every package that npm fetches, by its path. A bundled one comes inside another. */
const fetched = Object.entries(packages).filter(([path, { inBundle }]) => path !== '' && !inBundle)

/** Packages of which each platform installs one, with how many there are: npm leaves out a few without a word. */
const PLATFORMS = { '@biomejs/biome': 10, '@duckdb/node-bindings': 8 } as const

/** `os cpu` that Node 24 or newer is locked for. */
const NODE_PLATFORMS = ['darwin arm64', 'darwin x64', 'linux arm64', 'linux x64', 'win32 x64']

describe('package-lock.json', () => {
  it('has the integrity of every package that is fetched', () => {
    expect(fetched.length).toBeGreaterThan(200)
    for (const [path, { integrity }] of fetched) expect(integrity, path).toMatch(/^sha512-[A-Za-z0-9+/]{86}==$/)
  })

  it('names no registry', () => {
    expect(TEXT).not.toContain('"resolved"')
    expect(TEXT).not.toMatch(/\bregistry\b.*\.tgz/)
  })

  it.each(Object.entries(PLATFORMS))('holds %s for each of its %i platforms', (name, count) => {
    const names = Object.keys(packages[`node_modules/${name}`]?.optionalDependencies ?? {})
    expect(names).toHaveLength(count)
    expect(names.filter(each => !packages[`node_modules/${each}`])).toEqual([])
  })

  it('holds a Node that runs the sources for each usual platform', () => {
    const names = Object.keys(project.optionalDependencies ?? {})
    const nodes = names.map(name => packages[`node_modules/${name}`] as Package)
    expect(nodes.map(({ os, cpu }) => `${[os].flat()} ${[cpu].flat()}`).sort()).toEqual(NODE_PLATFORMS)
    for (const { version } of nodes) {
      const [major, minor] = (version as string).split('.').map(Number) as [number, number]
      expect(major * 100 + minor).toBeGreaterThanOrEqual(24_02)
    }
  })

  it('is the one of package.json', () => {
    for (const kind of ['dependencies', 'devDependencies', 'optionalDependencies'] as const) {
      expect(packages['']?.[kind]).toEqual(project[kind])
    }
  })

  it('has no package whose install script is needed: esbuild only tries its program out', () => {
    const scripted = fetched.flatMap(([path, { hasInstallScript }]) => (hasInstallScript ? [path] : []))
    expect(scripted.filter(path => !/\/(esbuild|fsevents)$/.test(path))).toEqual([])
  })
})
