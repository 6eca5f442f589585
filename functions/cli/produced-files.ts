import { createHash } from 'node:crypto'
import { formatTimestamp } from '../core/time.ts'
import { nameOfContent, type Source } from '../files/sources.ts'
import type { ObjectStore } from '../ports/object-store.ts'
import type { LogAddress } from '../runtime/config/log-address.ts'

/** Number of characters, enough that no two logs of one sender get the same name. */
const LOG_DIGITS = 16

/**
 * Remembers in a state folder the content of files that were published to a log. The log itself does not compare events
 * of different runs, so that a file that is published again counts again.
 *
 * @param log address of a log other than the folder's own
 */
export async function producedFiles(objects: ObjectStore, sources: readonly Source[], log?: LogAddress) {
  const files: { path: string; key: string }[] = []
  const prefix = log ? `${createHash('sha256').update(JSON.stringify(log)).digest('hex').slice(0, LOG_DIGITS)}-` : ''
  for (const source of sources) {
    files.push({ path: source.path, key: `produced/${prefix}${await nameOfContent(source)}.json` })
  }
  return {
    /** Says when a file was published before, for each file that was. */
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
