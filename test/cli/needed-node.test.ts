import { spawnSync } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { temporaryFolder } from '../support/temporary-folder.ts'

const ROOT = join(import.meta.dirname, '../..')
const CHECK = 'functions/cli/needed-node.cjs'
const { scripts } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as { scripts: Record<string, string> }

/** Runs a program whose processes all take themselves for another version of Node. */
function underNode(version: string, command: string, args: readonly string[]) {
  const file = join(temporaryFolder(), 'another-version.cjs')
  writeFileSync(file, `Object.defineProperty(process.versions, 'node', { value: '${version}' })`)
  const env = { ...process.env, NODE_OPTIONS: `--require=${file}` }
  const { status, stdout, stderr } = spawnSync(command, args, { cwd: ROOT, env, encoding: 'utf8' })
  return { status, stdout, stderr }
}

const saysWhatToDo = (version: string) => ({
  status: 1,
  stdout: '',
  stderr: expect.stringMatching(
    new RegExp(`^landcover needs Node 24\\.2 or newer, and this is Node ${version}: run npm ci, [^\\n]+\\n$`),
  ),
})

describe('a Node that is too old to run the sources', () => {
  it.each(['start', 'test'])('is reported by npm %s in one line, with what to do', script => {
    expect(underNode('20.20.2', 'npm', ['run', '--silent', script])).toEqual(saysWhatToDo('20.20.2'))
  })

  it.each(['0.12.18', '20.20.2', '23.11.1', '24.0.0', '24.1.9'])('can be version %s', version => {
    expect(underNode(version, process.execPath, [CHECK])).toEqual(saysWhatToDo(version))
  })

  it.each(['24.2.0', '24.21.0', '25.0.0', '26.10.0'])('cannot be version %s', version => {
    expect(underNode(version, process.execPath, [CHECK])).toEqual({ status: 0, stdout: '', stderr: '' })
  })

  it('is detected by every command that runs our code, or by the script that npm runs before it', () => {
    const checks = (name: string): boolean =>
      /^node (-r \.\/)?functions\/cli\/needed-node\.cjs /.test(scripts[name] ?? '') ||
      (scripts[`pre${name}`] === 'npm run --silent build:web' && name !== 'build:web')
    const runsCode = Object.entries(scripts).filter(([, line]) => /^(node|vite|vitest)\b/.test(line))
    expect(runsCode.length).toBeGreaterThan(15)
    expect(runsCode.flatMap(([name]) => (checks(name) ? [] : [name]))).toEqual([])
  })
})
