import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { build } from 'vite'

/** Before all tests of processes: the system serves the built dashboard, so there must be one. */
export default async function buildDashboard(): Promise<void> {
  const web = fileURLToPath(new URL('../../web', import.meta.url))
  if (!existsSync(`${web}/dist/index.html`)) await build({ root: web, logLevel: 'warn' })
}
