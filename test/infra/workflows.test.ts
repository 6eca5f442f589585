import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'

const ROOT = join(import.meta.dirname, '../..')
const FOLDER = join(ROOT, '.github/workflows')
const { scripts } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as { scripts: object }

const files = readdirSync(FOLDER)

it('there are workflows', () => {
  expect(files.sort()).toEqual(['ci.yml', 'release.yml'])
})

describe.each(files)('the workflow %s', file => {
  const text = readFileSync(join(FOLDER, file), 'utf8')
  const lines = text.split('\n')
  /** What follows a key, wherever it stands. */
  const all = (key: string) =>
    lines.flatMap(line => new RegExp(`^\\s*(?:- )?${key}:\\s*(.*)$`).exec(line)?.[1] ?? []).map(value => value.trim())
  /** The jobs, each with its lines. */
  const jobs = text
    .slice(text.indexOf('\njobs:'))
    .split(/^ {2}(?=[\w-]+:$)/m)
    .slice(1)

  it('takes each action at a commit, and says which version that is: a tag can be moved', () => {
    const uses = all('uses')
    expect(uses.length).toBeGreaterThan(0)
    for (const action of uses) expect(action).toMatch(/^[\w-]+\/[\w-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$/)
  })

  it('takes an action at the same commit everywhere', () => {
    const commits = new Set(all('uses'))
    const names = new Set(Array.from(commits, action => action.split('@')[0]))
    expect(commits.size).toBe(names.size)
  })

  it('is not run with the rights of the project on the code of others', () => {
    expect(text).not.toContain('pull_request_target')
    expect(text).not.toContain('workflow_run')
  })

  it('declares its permissions, and may write nothing but a token for AWS', () => {
    expect(text).toMatch(/^permissions:/m)
    const allowed = lines.filter(line => /^\s+[\w-]+: (read|write)\b/.test(line)).map(line => line.trim())
    expect(allowed.filter(line => !['contents: read', 'id-token: write'].includes(line))).toEqual([])
    expect(text).not.toContain('write-all')
  })

  it('lets only jobs of an environment ask for a token for AWS', () => {
    for (const job of jobs) {
      expect(/id-token: write/.test(job), job.split('\n')[0]).toBe(/^ {4}environment: /m.test(job))
    }
  })

  it('has no secret', () => {
    expect(text).not.toContain('secrets.')
    expect(text).not.toMatch(/AWS_(SECRET|ACCESS_KEY)/)
  })

  it('keeps the token out of the checked out code', () => {
    const checkouts = all('uses').filter(action => action.startsWith('actions/checkout@'))
    expect(all('persist-credentials')).toEqual(checkouts.map(() => 'false'))
  })

  it('puts nothing from outside into the text of a command', () => {
    for (const command of all('run')) expect(command).not.toContain('${{')
  })

  it('runs once at a time, and for some time at most', () => {
    expect(text).toMatch(/^concurrency:\n {2}group: /m)
    expect(all('timeout-minutes')).toHaveLength(jobs.length)
  })

  it('runs commands that there are', () => {
    const named = Array.from(text.matchAll(/npm run ([\w:]+)/g), ([, script]) => script as string)
    expect(named.filter(script => !Object.hasOwn(scripts, script))).toEqual([])
  })
})

it('the release goes to prod last, behind what it would change there', () => {
  const text = readFileSync(join(FOLDER, 'release.yml'), 'utf8')
  const order = Array.from(text.matchAll(/^ {2}([\w-]+):\n(?: {4}needs: ([\w-]+)\n)?/gm), ([, job, needs]) => [
    job,
    needs,
  ])
  const jobs = order.filter(([job]) => ['check', 'dev', 'prod-diff', 'prod'].includes(job as string))
  expect(jobs).toEqual([
    ['check', undefined],
    ['dev', 'check'],
    ['prod-diff', 'dev'],
    ['prod', 'prod-diff'],
  ])
})
