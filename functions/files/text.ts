import { utf16Of } from './file-form.ts'
import { SourceError } from './rows.ts'

/** Text of a file, piece by piece. */
export interface DecodedText {
  chunks: AsyncGenerator<string>
  /** Encoding in which the bytes are decoded. */
  encoding: string
}

/** Decodes bytes as text: as what is asked for, or by their mark as UTF-16, otherwise as UTF-8. The mark is left out. */
export async function decodeText(bytes: AsyncIterable<Uint8Array>, encoding?: string): Promise<DecodedText> {
  const source = bytes[Symbol.asyncIterator]()
  let head = Buffer.alloc(0)
  let done = false
  while (head.length < 1_024 && !done) {
    const next = await source.next()
    if (next.done) done = true
    else head = Buffer.concat([head, next.value])
  }
  const used = utf16Of(head) ?? encoding ?? 'utf-8'
  async function* chunks(): AsyncGenerator<string> {
    const decoder = new TextDecoder(used)
    try {
      yield decoder.decode(head, { stream: true })
      while (!done) {
        const next = await source.next()
        if (next.done) break
        yield decoder.decode(next.value, { stream: true })
      }
      yield decoder.decode()
    } finally {
      await source.return?.()
    }
  }
  return { chunks: chunks(), encoding: used }
}

/** A text of no more than some characters. @throws SourceError when it is longer */
export async function wholeText(chunks: AsyncIterable<string>, file: string, maxCharacters: number): Promise<string> {
  const pieces: string[] = []
  let length = 0
  for await (const chunk of chunks) {
    length += chunk.length
    if (length > maxCharacters) {
      throw new SourceError(
        `${file} is one JSON value of more than ${maxCharacters} characters: write it as NDJSON, a row per line`,
      )
    }
    pieces.push(chunk)
  }
  return pieces.join('')
}
