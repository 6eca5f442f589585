import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { openState } from '../../functions/runtime/local/state.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'

const ROOT = join(import.meta.dirname, '../..')
const page = readFileSync(join(ROOT, 'docs/observe.md'), 'utf8')
const tutorial = page.split(/^## /m).find(section => section.startsWith('From a Sentinel-2 scene')) as string

/** The code blocks of the tutorial, in their order. */
const blocks = [...tutorial.matchAll(/^```(text|csv)\n(.*?)^```$/gms)].map(([, , text]) => text as string)
const commands = [...tutorial.matchAll(/^ {4}npm run (.*)$/gm)].map(([, command]) => command as string)

/** Runs a command of the page as npm does, without npm. */
function run(command: string, folder: string) {
  const [name, ...flags] = command.split(' ').filter(part => part !== '--') as [string, ...string[]]
  const { scripts } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'))
  const script = join(ROOT, /\S+\.ts$/.exec(scripts[name])?.[0] as string)
  const { stdout, stderr, status } = spawnSync(process.execPath, [script, ...flags], { cwd: folder, encoding: 'utf8' })
  return { stdout: stdout.replaceAll(folder, '…'), stderr, status }
}

describe('the tutorial of docs/observe.md', () => {
  it('shows what its commands say, and the numbers that they write', async () => {
    const folder = temporaryFolder()
    // Work that the system which the page has started does for the commands.
    await openState(join(folder, '.landcover/state'), { slotMs: 3_600_000, demo: false, createdMs: 1 })
    const names = commands.map(command => command.split(' ')[0])
    expect(names).toEqual(['generate', 'observe', 'observe', 'sites', 'observe'])
    const outcomes = commands.map(command => run(command, folder))
    expect(outcomes.map(({ status, stderr }) => status === 0 || stderr)).toEqual(commands.map(() => true))
    const [, explained, observed, , published] = outcomes
    expect(explained?.stdout).toBe(blocks[0])
    expect(observed?.stdout).toBe(blocks[1])
    expect(published?.stdout).toBe(blocks[3])
    const cells = (text: string) =>
      text
        .trim()
        .split('\n')
        .map(line => line.split(','))
    const [shown, written] = [cells(blocks[2] as string), cells(readFileSync(join(folder, 'events.csv'), 'utf8'))]
    const columns = (shown[0] as string[]).map(name => (written[0] as string[]).indexOf(name))
    expect(written.map(row => columns.map(column => row[column]))).toEqual(shown)
  })
})
