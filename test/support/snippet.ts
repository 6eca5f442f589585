import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

export const PAGE = readFileSync(fileURLToPath(new URL('../../docs/query-the-archive.md', import.meta.url)), 'utf8')

/** Code block below a heading of docs/query-the-archive.md. */
export function snippet(heading: string): string {
  const section = PAGE.split(/^## /m).find(text => text.startsWith(`${heading}\n`))
  return /^```\w+\n(.*?)^```$/ms.exec(section as string)?.[1] as string
}
