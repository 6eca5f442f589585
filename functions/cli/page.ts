import { existsSync, globSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))
const WEB = join(ROOT, 'web')
/** Folder of the built dashboard. */
export const SITE = join(WEB, 'dist')
const BUILT = join(SITE, 'index.html')
/** Source of the dashboard, which a package does not have. */
const SOURCE = join(WEB, 'index.html')

/**
 * Builds the dashboard if it is not built, or if a source was changed since then. A production install has no build
 * tool; it uses the dashboard that is there.
 *
 * @throws Error when there is none, and nothing to build it with
 */
export async function buildChangedPage(): Promise<void> {
  if (!isOutdated()) return
  const vite = await import('vite').catch(() => undefined)
  if (vite) await vite.build({ root: WEB, logLevel: 'warn' })
  else if (!existsSync(BUILT)) {
    throw new Error(
      'the dashboard is not built, and vite, which builds it, is not installed: run npm ci && npm run build:web, after which npm prune --omit=dev removes what builds it',
    )
  }
}

function isOutdated(): boolean {
  const built = statSync(BUILT, { throwIfNoEntry: false })
  if (!built) return true
  if (!existsSync(SOURCE)) return false
  // Folders, too: their time changes when a file is removed.
  const sources = globSync('**', { cwd: WEB, exclude: ['dist/**'] })
  return [...sources.map(name => join(WEB, name)), join(ROOT, 'package-lock.json')].some(
    path => (statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? 0) > built.mtimeMs,
  )
}
