import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { runStart, urlOf } from '../support/landcover.ts'

/**
 * Asks the running system whatever its own description allows, and what it does not: `npm run fuzz`. It needs
 * requirements.txt of this folder in the interpreter that PYTHON names.
 */

const LEAST_CASES = 2_000

const folder = mkdtempSync(join(tmpdir(), 'landcover-fuzz-'))
const system = runStart(['--state', join(folder, 'state'), '--port', '0'])
process.exitCode = 1
try {
  const url = await urlOf(system)
  const fuzzer = spawn(
    process.env.PYTHON ?? 'python3',
    [
      '-m',
      'schemathesis.cli',
      '--config-file',
      join(import.meta.dirname, 'schemathesis.toml'),
      'run',
      `${url}/api/openapi.json`,
      '--checks',
      'all',
      '--max-examples',
      '150',
      '--no-color',
      '--seed',
      '7',
    ],
    {
      cwd: folder,
      env: { ...process.env, SCHEMATHESIS_HOOKS: join(import.meta.dirname, 'hooks.py') },
      stdio: ['ignore', 'pipe', 'inherit'],
    },
  )
  let said = ''
  fuzzer.stdout.setEncoding('utf8').on('data', (text: string) => {
    said += text
    process.stdout.write(text)
  })
  const [code] = await once(fuzzer, 'close')
  const cases = Number(/(\d+) generated/.exec(said)?.[1] ?? 0)
  if (cases < LEAST_CASES) process.stderr.write(`${cases} cases are fewer than ${LEAST_CASES}\n`)
  else if (code === 0) process.exitCode = 0
} finally {
  system.child.kill('SIGTERM')
  await system.finished
  rmSync(folder, { recursive: true })
}
