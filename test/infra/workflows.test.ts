import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'

const ROOT = join(import.meta.dirname, '../..')
const FOLDER = join(ROOT, '.github/workflows')
const { scripts } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as { scripts: object }

const files = readdirSync(FOLDER)

it('the workflows are ci and release', () => {
  expect(files.sort()).toEqual(['ci.yml', 'release.yml'])
})

describe.each(files)('the workflow %s', file => {
  const text = readFileSync(join(FOLDER, file), 'utf8')
  const lines = text.split('\n')
  /** Values of a key, anywhere in the file. */
  const all = (key: string) =>
    lines.flatMap(line => new RegExp(`^\\s*(?:- )?${key}:\\s*(.*)$`).exec(line)?.[1] ?? []).map(value => value.trim())
  /** Text of each job. */
  const jobs = text
    .slice(text.indexOf('\njobs:'))
    .split(/^ {2}(?=[\w-]+:$)/m)
    .slice(1)

  it('uses each action at a fixed commit, with its version as a comment: a tag could be moved', () => {
    const uses = all('uses')
    expect(uses.length).toBeGreaterThan(0)
    for (const action of uses) expect(action).toMatch(/^[\w-]+\/[\w-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$/)
  })

  it('uses an action at the same commit everywhere', () => {
    const commits = new Set(all('uses'))
    const names = new Set(Array.from(commits, action => action.split('@')[0]))
    expect(commits.size).toBe(names.size)
  })

  it('does not run code from pull requests with the rights of the project', () => {
    expect(text).not.toContain('pull_request_target')
    expect(text).not.toContain('workflow_run')
  })

  it('declares its permissions, and may write only the token for AWS', () => {
    expect(text).toMatch(/^permissions:/m)
    const allowed = lines.filter(line => /^\s+[\w-]+: (read|write)\b/.test(line)).map(line => line.trim())
    expect(allowed.filter(line => !['contents: read', 'id-token: write'].includes(line))).toEqual([])
    expect(text).not.toContain('write-all')
  })

  it('lets only jobs with an environment request a token for AWS', () => {
    for (const job of jobs) {
      expect(/id-token: write/.test(job), job.split('\n')[0]).toBe(/^ {4}environment: /m.test(job))
    }
  })

  it('uses no secrets', () => {
    expect(text).not.toContain('secrets.')
    expect(text).not.toMatch(/AWS_(SECRET|ACCESS_KEY)/)
  })

  it('keeps the token out of the checkout', () => {
    const checkouts = all('uses').filter(action => action.startsWith('actions/checkout@'))
    expect(all('persist-credentials')).toEqual(checkouts.map(() => 'false'))
  })

  it('puts no expressions into the text of a command', () => {
    for (const command of all('run')) expect(command).not.toContain('${{')
  })

  it('runs one at a time, with a time limit', () => {
    expect(text).toMatch(/^concurrency:\n {2}group: /m)
    expect(all('timeout-minutes')).toHaveLength(jobs.length)
  })

  it('runs only npm scripts that exist', () => {
    const named = Array.from(text.matchAll(/npm run ([\w:]+)/g), ([, script]) => script as string)
    expect(named.filter(script => !Object.hasOwn(scripts, script))).toEqual([])
  })
})

it('the release deploys to prod last, after showing what it would change there', () => {
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

it('the release verifies dev after it is deployed, before prod may be approved', () => {
  const text = readFileSync(join(FOLDER, 'release.yml'), 'utf8')
  const steps = [
    'cdk deploy --all --require-approval never -c stage=dev',
    'npm run verify -- --stage dev',
    '  prod-diff:',
  ]
  const places = steps.map(step => text.indexOf(step))
  expect(places).not.toContain(-1)
  expect(places).toEqual(places.toSorted((a, b) => a - b))
})
