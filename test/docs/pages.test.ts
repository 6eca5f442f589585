import { existsSync, globSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { describe, expect, it } from 'vitest'

const ROOT = join(import.meta.dirname, '../..')
const read = (page: string) => readFileSync(join(ROOT, page), 'utf8')

const PAGES = ['README.md', 'CONTRIBUTING.md', 'SECURITY.md', ...globSync('docs/*.md', { cwd: ROOT })]

/** Words of our own that pages and code use without explaining them. */
const OWN_WORDS = [
  'archive',
  'arrival slot',
  'baseline',
  'checkpoint',
  'claim',
  'compaction',
  'consumer',
  'cursor',
  'cut',
  'decision',
  'delivery',
  'event',
  'heartbeat',
  'incident',
  'lane',
  'late',
  'ledger',
  'look',
  'look-back',
  'mapping',
  'missed',
  'mute',
  'part',
  'piece',
  'position',
  'post',
  'preset',
  'producer',
  'publication',
  'quarantine',
  'receiver',
  'record',
  'redrive',
  'replay',
  'revision',
  'route',
  'runtime',
  'scene',
  'score',
  'site',
  'stage',
  'suspicion',
  'thread',
  'unusual image',
  'verdict',
  'view',
  'watermark',
  'window',
  'zone',
]

/** Paths of the repository in a page's code marks; patterns and placeholders are left out. */
function pathsIn(text: string): string[] {
  return [...text.matchAll(/`((?:functions|infra|web|test|data|docs)\/[^`\s*<{}]*)`/g)].map(
    ([, path]) => path as string,
  )
}

function linksIn(text: string): string[] {
  return [...text.matchAll(/\]\((?!https?:|mailto:)([^)\s]+)/g)].map(([, target]) => target as string)
}

function isAlive(page: string, link: string): boolean {
  const [path, heading] = link.split('#') as [string, string?]
  const target = path === '' ? page : join(dirname(page), path)
  if (!existsSync(join(ROOT, target))) return false
  return heading === undefined || headingsOf(read(target)).includes(heading)
}

/** Folders that `npm run build:web` makes: a fresh clone has none. */
const BUILT = ['web/dist']

/** Names by which links lead to the headings of a page, as GitHub makes them. */
function headingsOf(text: string): string[] {
  return [...text.matchAll(/^#+ (.+)$/gm)].map(([, heading]) =>
    (heading as string)
      .toLowerCase()
      .replace(/[^\p{L}\p{N}_ -]/gu, '')
      .replaceAll(' ', '-'),
  )
}

describe('a page', () => {
  it.each(PAGES)('names only files that are there: %s', page => {
    const paths = pathsIn(read(page))
    expect(paths.filter(path => !BUILT.includes(path) && !existsSync(join(ROOT, path)))).toEqual([])
  })

  it('names files at all', () => {
    expect(pathsIn(read('docs/architecture.md')).length).toBeGreaterThan(30)
  })
})

describe('a link between pages', () => {
  const links = [...PAGES, 'CHANGELOG.md'].flatMap(page => linksIn(read(page)).map(link => ({ page, link })))

  it('leads to a file that is there, and to a heading in it', () => {
    expect(links.filter(({ page, link }) => !isAlive(page, link))).toEqual([])
  })

  it('is checked at all, also with a heading', () => {
    expect(links.filter(({ link }) => link.includes('#')).length).toBeGreaterThan(10)
    expect(isAlive('docs/architecture.md', 'runbook.md#make-a-class-known')).toBe(true)
    expect(isAlive('docs/architecture.md', 'runbook.md#make-a-class')).toBe(false)
    expect(isAlive('docs/architecture.md', '#layers')).toBe(true)
    expect(isAlive('docs/architecture.md', 'docs/runbook.md')).toBe(false)
  })
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
