import fc from 'fast-check'
import { expect, test } from 'vitest'
import { shownText } from '../../functions/core/shown-bytes.ts'

test.for([
  ['plain text', 'Forêt 草地 🌲 <b>"&', 'Forêt 草地 🌲 <b>"&'],
  ['a backslash', '\\x41', '\\\\x41'],
  ['control characters', '\u0000\u001b[31m\r\n\t\u0085', '\\x00\\x1b[31m\\x0d\\x0a\\x09\\xc2\\x85'],
  ['characters that change the direction of text', 'a\u202eb\u2028', 'a\\xe2\\x80\\xaeb\\xe2\\x80\\xa8'],
  ['no UTF-8', Buffer.from('61ff62e8c0af', 'hex'), 'a\\xffb\\xe8\\xc0\\xaf'],
  ['a character that is cut off', Buffer.from('🌲').subarray(0, 3), '\\xf0\\x9f\\x8c'],
  ['a replacement character', '\ufffd', '\\xef\\xbf\\xbd'],
] as const)('shows %s', ([, given, shown]) => {
  expect(shownText(Buffer.from(given as string))).toBe(shown)
})

test('loses nothing, and shows no control character', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 300 }), bytes => {
      const text = shownText(bytes)
      expect(text).not.toMatch(/[\p{C}\p{Zl}\p{Zp}]/u)
      expect(Buffer.concat(text.match(/\\\\|\\x..|[^\\]+/gu)?.map(bytesOf) ?? [])).toEqual(Buffer.from(bytes))
    }),
  )
})

function bytesOf(part: string): Buffer {
  if (part === '\\\\') return Buffer.from('\\')
  return part.startsWith('\\x') ? Buffer.from(part.slice(2), 'hex') : Buffer.from(part)
}
