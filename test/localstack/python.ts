import { spawn, spawnSync } from 'node:child_process'
import { createHash, randomBytes } from 'node:crypto'
import { existsSync, globSync } from 'node:fs'
import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { describe } from 'vitest'
import { ENGINES_FOLDER } from '../engines/java.ts'

/** Oldest supported Python. On an older one LocalStack starts, but fails at the first call of a function. */
const OLDEST = '(3, 12)'
const REQUIREMENTS = join(import.meta.dirname, 'requirements.txt')
const EXECUTOR = join(import.meta.dirname, 'executor')

const NO_PYTHON = 'LocalStack needs Python 3.12 or later: install one as python3.12, python3.13 or with pyenv'

/** Python that is new enough; null if there is none. */
function findPython(): string | null {
  const named = ['python3.14', 'python3.13', 'python3.12', 'python3']
  const kept = globSync(join(homedir(), '.pyenv/versions/3.*/bin/python3')).sort().reverse()
  const check = `import sys, venv, ensurepip; sys.exit(sys.version_info < ${OLDEST})`
  return [...named, ...kept].find(python => spawnSync(python, ['-c', check]).status === 0) ?? null
}

/** Test group that needs LocalStack. If LocalStack cannot be installed, it is skipped with the reason; never on CI. */
export function describeWithLocalStack(name: string, tests: () => void): void {
  const reason = process.env.CI || findPython() ? null : NO_PYTHON
  if (reason) describe.skip(`${name} (skipped: ${reason})`, tests)
  else describe(name, tests)
}

/**
 * Python of a virtual environment with LocalStack and our executor. The first call creates it from a locked list of
 * packages. The name of its folder contains a digest of its input.
 *
 * @throws Error with pip's output if it fails
 */
export async function localStackPython(): Promise<string> {
  const python = findPython()
  if (!python) throw new Error(NO_PYTHON)
  const digest = createHash('sha256').update(await readFile(REQUIREMENTS))
  for (const file of globSync('**/*.{py,mjs,toml}', { cwd: EXECUTOR }).sort()) {
    digest.update(file).update(await readFile(join(EXECUTOR, file)))
  }
  const folder = join(ENGINES_FOLDER, `localstack-${digest.digest('hex').slice(0, 12)}`)
  const found = join(folder, 'bin/python')
  const done = join(folder, 'complete')
  if (existsSync(done)) return found
  // A virtual environment contains its own path, so it is created in place. A folder that only one process can create is the lock.
  const claim = `${folder}.claim`
  await mkdir(ENGINES_FOLDER, { recursive: true })
  await mkdir(claim).catch(() => {
    throw new Error(
      `${claim} exists: another process is installing LocalStack. If there is no such process, remove this folder`,
    )
  })
  try {
    await rm(folder, { recursive: true, force: true })
    await run(python, ['-m', 'venv', folder])
    await run(found, ['-m', 'pip', 'install', '--quiet', '--no-deps', '--requirement', REQUIREMENTS])
    // Built from a copy, because setuptools leaves folders in the source.
    const copy = join(folder, `executor-${randomBytes(4).toString('hex')}`)
    await run('cp', ['-r', EXECUTOR, copy])
    await run(found, ['-m', 'pip', 'install', '--quiet', '--no-deps', '--no-build-isolation', copy])
    await writeFile(`${done}.new`, '')
    await rename(`${done}.new`, done)
  } finally {
    await rm(claim, { recursive: true })
  }
  return found
}

async function run(command: string, programArguments: string[]): Promise<void> {
  const child = spawn(command, programArguments, { stdio: ['ignore', 'pipe', 'pipe'] })
  let said = ''
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => (said += chunk))
  const code = await new Promise((resolve, reject) => child.once('error', reject).once('close', resolve))
  if (code !== 0) throw new Error(`${command} ${programArguments.join(' ')} failed:\n${said.slice(-4000)}`)
}
