import { existsSync, globSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { describe, expect, it } from 'vitest'

const ROOT = join(import.meta.dirname, '../..')
const read = (page: string) => readFileSync(join(ROOT, page), 'utf8')

/** Pages that lead people through the code: the paths in them must be there. */
const GUIDES = ['docs/architecture.md', 'docs/glossary.md', 'CONTRIBUTING.md', 'SECURITY.md']

/** Words of our own that pages and code use without explaining them. */
const OWN_WORDS = [
  'archive',
  'arrival slot',
  'baseline',
  'claim',
  'cursor',
  'cut',
  'delivery',
  'event',
  'heartbeat',
  'lane',
  'late',
  'look-back',
  'missed',
  'position',
  'quarantine',
  'record',
  'redrive',
  'replay',
  'revision',
  'view',
  'watermark',
  'window',
]

/** Paths of the repository in a page's code marks; patterns and placeholders are left out. */
function pathsIn(text: string): string[] {
  return [...text.matchAll(/`((?:functions|infra|web|test|data|docs)\/[^`\s*<{}]*)`/g)].map(
    ([, path]) => path as string,
  )
}

function relativeLinksIn(text: string): string[] {
  return [...text.matchAll(/\]\((?!https?:|#|mailto:)([^)#\s]+)/g)].map(([, target]) => target as string)
}

describe('a page that leads through the code', () => {
  it.each(GUIDES)('names only files that are there: %s', page => {
    const paths = pathsIn(read(page))
    expect(paths.filter(path => !existsSync(join(ROOT, path)))).toEqual([])
  })

  it('names files at all', () => {
    expect(pathsIn(read('docs/architecture.md')).length).toBeGreaterThan(30)
  })
})

it('every link between pages leads somewhere', () => {
  const pages = ['README.md', 'CONTRIBUTING.md', 'SECURITY.md', 'CHANGELOG.md', ...globSync('docs/*.md', { cwd: ROOT })]
  const dead = pages.flatMap(page =>
    relativeLinksIn(read(page))
      .filter(target => !existsSync(join(ROOT, dirname(page), target)))
      .map(target => `${page}: ${target}`),
  )
  expect(dead).toEqual([])
})

describe('the glossary', () => {
  const rows = read('docs/glossary.md')
    .split('\n')
    .filter(line => line.startsWith('| '))
    .slice(2)
    .map(line => line.split('|').map(cell => cell.trim()))

  it.each(OWN_WORDS)('explains %s', word => {
    expect(rows.map(([, term]) => term)).toContain(word)
  })

  it('has its words in order, each once', () => {
    const words = rows.map(([, term]) => term as string)
    expect(words).toEqual([...new Set(words)].sort())
  })

  it('says where each is defined', () => {
    expect(rows.filter(([, , , file]) => !existsSync(join(ROOT, (file as string).replaceAll('`', ''))))).toEqual([])
  })
})

it('CONTRIBUTING names only scripts that there are', () => {
  const { scripts } = JSON.parse(read('package.json')) as { scripts: Record<string, string> }
  const named = [...read('CONTRIBUTING.md').matchAll(/npm run ([\w:]+)/g)].map(([, name]) => name as string)
  expect(named.filter(name => !(name in scripts))).toEqual([])
})

it('the changelog begins with the version of the package', () => {
  const { version } = JSON.parse(read('package.json')) as { version: string }
  expect(/^## (\S+)/m.exec(read('CHANGELOG.md'))?.[1]).toBe(version)
})
