import { globSync, readFileSync } from 'node:fs'
import { join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))

/** Reads the project's TypeScript below some of its folders. Paths are relative to the root. */
export function sourcesIn(...folders: string[]): { file: string; source: string }[] {
  return folders
    .flatMap(folder => globSync(`${folder}/**/*.ts`, { cwd: ROOT }))
    .filter(file => !file.startsWith('web/dist/'))
    .map(file => ({ file: relative('.', file), source: readFileSync(join(ROOT, file), 'utf8') }))
}
