import { spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))

interface Ended {
  exitCode: number | null
  output: string
}

/** Runs `npm run simulate` in its own process, with a planted bug if one is named. */
export const simulate = (flags: string[], plantedBug?: string) => run('test/simulation/simulate.ts', flags, plantedBug)

/** Plays histories of appends to the embedded log, as `simulate` plays histories of the whole system. */
export const simulateAppends = (histories: number, plantedBug?: string) =>
  run('test/simulation/appends.ts', [`${histories}`], plantedBug)

/** Measures and publishes a small scene, and compares with what is defined. */
export const judgeScene = (plantedBug?: string) => run('test/images/judge-scene.ts', [], plantedBug)

/** Judges generated series by the rules for alerts. */
export const judgeSeries = (plantedBug?: string) => run('test/evaluation/judge-series.ts', [], plantedBug)

/** Reads files of people. */
export const judgeFiles = (plantedBug?: string) => run('test/files/judge-files.ts', [], plantedBug)

/** Plays histories of messages to receivers. */
export const judgeTelling = (histories: number, plantedBug?: string) =>
  run('test/notify/judge-telling.ts', [`${histories}`], plantedBug)

/** Plays histories of imports. */
export const judgeImports = (histories: number, plantedBug?: string) =>
  run('test/simulation/judge-imports.ts', [`${histories}`], plantedBug)

function run(script: string, args: readonly string[], plantedBug: string | undefined): Promise<Ended> {
  const plant = plantedBug === undefined ? [] : ['--import', './test/simulation/plant.ts']
  const child = spawn(process.execPath, [...plant, script, ...args], {
    cwd: ROOT,
    env: { ...process.env, PLANTED_BUG: plantedBug ?? '' },
  })
  let output = ''
  for (const stream of [child.stdout, child.stderr]) stream.on('data', text => (output += text))
  return new Promise(resolve => child.on('close', exitCode => resolve({ exitCode, output })))
}
