import { spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { PLANTED_BATCH_BUGS, PLANTED_BUGS } from '../simulation/planted-bugs.ts'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))
const HISTORIES = 500

/** More than the rarest bug has been seen to need, several times over. */
const HISTORIES_TO_CATCH = 2_000
const BATCH_HISTORIES_TO_CATCH = 300

function simulate(flags: string[], plantedBug?: string): Promise<{ exitCode: number | null; output: string }> {
  const plant = plantedBug === undefined ? [] : ['--import', './test/simulation/plant.ts']
  const child = spawn(process.execPath, [...plant, 'test/simulation/simulate.ts', ...flags], {
    cwd: ROOT,
    env: { ...process.env, PLANTED_BUG: plantedBug ?? '' },
  })
  let output = ''
  for (const stream of [child.stdout, child.stderr]) stream.on('data', text => (output += text))
  return new Promise(resolve => child.on('close', exitCode => resolve({ exitCode, output })))
}

describe('the system', () => {
  it(`breaks no law in ${HISTORIES} random histories`, { timeout: 120_000 }, async () => {
    const { exitCode, output } = await simulate(['--histories', `${HISTORIES}`])
    expect(output).toContain('no law broken')
    expect(exitCode).toBe(0)
  })
})

describe('the simulation catches the planted bug', () => {
  it.each([
    ...PLANTED_BUGS.map(({ name }) => [name, HISTORIES_TO_CATCH, '--without', 'batch'] as const),
    ...PLANTED_BATCH_BUGS.map(({ name }) => [name, BATCH_HISTORIES_TO_CATCH, '--batch-in', '1'] as const),
  ])('%s', { timeout: 300_000 }, async (name, histories, ...flags) => {
    const { exitCode, output } = await simulate(['--histories', `${histories}`, ...flags], name)
    expect(output).toContain('breaks a law')
    expect(output).toContain('smallest that does: npm run simulate')
    expect(exitCode).toBe(1)
  })
})
