import { spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))

/** Runs `npm run simulate` as a process of its own, with a bug planted in the source if one is named. */
export function simulate(flags: string[], plantedBug?: string): Promise<{ exitCode: number | null; output: string }> {
  const plant = plantedBug === undefined ? [] : ['--import', './test/simulation/plant.ts']
  const child = spawn(process.execPath, [...plant, 'test/simulation/simulate.ts', ...flags], {
    cwd: ROOT,
    env: { ...process.env, PLANTED_BUG: plantedBug ?? '' },
  })
  let output = ''
  for (const stream of [child.stdout, child.stderr]) stream.on('data', text => (output += text))
  return new Promise(resolve => child.on('close', exitCode => resolve({ exitCode, output })))
}
