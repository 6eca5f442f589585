import { createReadStream } from 'node:fs'
import { formOfFile } from './file-form.ts'
import type { Source } from './sources.ts'

const NEWLINE = 10

/**
 * Counts about the rows of a source, for the progress of reading it: the lines below the header of its files. Null where
 * its files are no plain text, or cannot be read.
 */
export async function rowsOf({ files }: Source): Promise<number | null> {
  try {
    let rows = 0
    for (const file of files) {
      if ((await formOfFile(file)) !== 'text') return null
      rows += Math.max((await linesOf(file)) - 1, 0)
    }
    return rows > 0 ? rows : null
  } catch {
    // Reading it says what is wrong.
    return null
  }
}

async function linesOf(file: string): Promise<number> {
  let lines = 0
  for await (const chunk of createReadStream(file, { highWaterMark: 1024 * 1024 })) {
    for (let at = chunk.indexOf(NEWLINE); at >= 0; at = chunk.indexOf(NEWLINE, at + 1)) lines++
  }
  return lines
}
