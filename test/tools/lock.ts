import { spawnSync } from 'node:child_process'
import { copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

/**
 * `npm run lock`: completes package-lock.json after a dependency changed. `npm install` leaves out, or without
 * integrity, what other platforms need; npm finds it again where no node_modules says which platform this is.
 */

const ROOT = fileURLToPath(new URL('../..', import.meta.url))
const LOCK = 'package-lock.json'

interface Lock {
  packages: Record<string, { integrity?: string; inBundle?: boolean; resolved?: string }>
}

const folder = mkdtempSync(join(tmpdir(), 'landcover-lock-'))
try {
  for (const file of ['package.json', '.npmrc']) copyFileSync(join(ROOT, file), join(folder, file))
  const lock = JSON.parse(readFileSync(join(ROOT, LOCK), 'utf8')) as Lock
  for (const [path, { integrity, inBundle }] of Object.entries(lock.packages)) {
    // npm looks up what is not there, and leaves alone what is there without integrity.
    if (path !== '' && !integrity && !inBundle) delete lock.packages[path]
  }
  writeFileSync(join(folder, LOCK), JSON.stringify(lock))
  const npm = spawnSync('npm', ['install', '--package-lock-only', '--ignore-scripts'], {
    cwd: folder,
    stdio: 'inherit',
  })
  if (npm.status === 0) copyFileSync(join(folder, LOCK), join(ROOT, LOCK))
  else process.stderr.write(`npm could not complete ${LOCK}, which is as it was: see what it says above\n`)
  process.exitCode = npm.status ?? 1
} finally {
  rmSync(folder, { recursive: true })
}
