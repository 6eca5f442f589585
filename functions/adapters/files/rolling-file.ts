import { appendFileSync, renameSync, statSync } from 'node:fs'

/**
 * A text file that does not grow without end: when it has reached its size it becomes `FILE.old`, in place of the one
 * before, and a new one is begun. The file is made with the first line.
 *
 * @returns writes a line, at once; throws what the file system does
 */
export function rollingFile(file: string, maxBytes: number): (line: string) => void {
  let bytes: number | undefined
  return line => {
    bytes ??= statSync(file, { throwIfNoEntry: false })?.size ?? 0
    if (bytes >= maxBytes) {
      renameSync(file, `${file}.old`)
      bytes = 0
    }
    appendFileSync(file, line)
    bytes += Buffer.byteLength(line)
  }
}
