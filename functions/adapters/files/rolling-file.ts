import { appendFileSync, renameSync, statSync } from 'node:fs'

/**
 * Opens a text file of limited size. When it is full, it is renamed to `FILE.old`, which replaces the previous one, and
 * a new file is started. The file is created with the first line.
 *
 * @returns function that writes a line immediately; it throws the errors of the file system
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
