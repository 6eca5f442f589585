import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { build } from 'vite'

/** Builds the dashboard before all process tests, because the system serves it. */
export default async function buildDashboard(): Promise<void> {
  const web = fileURLToPath(new URL('../../web', import.meta.url))
  if (!existsSync(`${web}/dist/index.html`)) await build({ root: web, logLevel: 'warn' })
}
