import { formatTimestamp } from '../core/time.ts'
import { nameOfContent, type Source } from '../files/sources.ts'
import type { ObjectStore } from '../ports/object-store.ts'

/**
 * Remembers in a state folder the content of files that were published to its log. The log itself does not compare
 * events of different runs, so that a file that is published again counts again.
 */
export async function producedFiles(objects: ObjectStore, sources: readonly Source[]) {
  const files: { path: string; key: string }[] = []
  for (const source of sources) files.push({ path: source.path, key: `produced/${await nameOfContent(source)}.json` })
  return {
    /** Says of each file that was published before when that was. */
    async before(): Promise<string[]> {
      const lines: string[] = []
      for (const { path, key } of files) {
        const known = await objects.get(key)
        if (!known) continue
        const { publishedAt } = JSON.parse(Buffer.from(known).toString('utf8')) as { publishedAt: string }
        lines.push(`${path} was published to this log before, at ${publishedAt}: its events count again`)
      }
      return lines
    },
    async remember(nowMs: number): Promise<void> {
      const record = Buffer.from(JSON.stringify({ publishedAt: formatTimestamp(nowMs) }))
      for (const { key } of files) await objects.put(key, record)
    },
  }
}
