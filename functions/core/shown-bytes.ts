/** Control characters, line breaks and characters that change the direction of text: nothing that a page or a terminal should be given. */
const UNSAFE = /[\p{C}\p{Zl}\p{Zp}\ufffd]/u

/**
 * Converts any bytes to text for people, without loss: characters of UTF-8 as they are, a backslash as `\\`, and each
 * byte of anything else as `\x1b`.
 */
export function shownText(bytes: Uint8Array): string {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  let text = ''
  for (let at = 0; at < buffer.length; ) {
    const length = lengthOf(buffer[at] as number)
    const character = buffer.toString('utf8', at, at + length)
    if (character === '\\') text += '\\\\'
    else if (!UNSAFE.test(character)) text += character
    else if (length > 1 && !character.includes('\ufffd')) text += escaped(buffer, at, at + length)
    else {
      text += escaped(buffer, at, at + 1)
      at++
      continue
    }
    at += length
  }
  return text
}

/** Number of bytes of a character of UTF-8 that begins with a byte; 1 when none does. */
function lengthOf(first: number): number {
  if (first < 0xc2 || first > 0xf4) return 1
  return first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4
}

function escaped(buffer: Buffer, from: number, to: number): string {
  return buffer.toString('hex', from, to).replace(/../g, '\\x$&')
}
