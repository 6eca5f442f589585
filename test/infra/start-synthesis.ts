import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestProject } from 'vitest/node'
import { FAILED } from './deployments.ts'

declare module 'vitest' {
  interface ProvidedContext {
    /** Folder in which a file for each deployment appears. */
    syntheses: string
  }
}

/** Starts to synthesize all deployments before the tests of infra, without waiting for them. */
export default function startSynthesis(project: TestProject): () => Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'landcover-syntheses-'))
  project.provide('syntheses', folder)
  const child = spawn(process.execPath, [join(import.meta.dirname, 'synthesize-all.ts'), folder], {
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let said = ''
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => (said += chunk))
  const ended = once(child, 'close').then(([code, signal]) => {
    if (code !== 0) writeFileSync(join(folder, FAILED), `synthesize-all.ts ended with ${code ?? signal}:\n${said}`)
  })
  return async () => {
    child.kill('SIGKILL')
    await ended
    rmSync(folder, { recursive: true })
  }
}
