import { brotliDecompressSync, gunzipSync } from 'node:zlib'
import { describe, expect, it } from 'vitest'
import { keptCompression } from '../../../functions/runtime/local/kept-compression.ts'

const answerOf = (body: string) => ({ statusCode: 200, headers: {}, body })
const LONG = 'a class,'.repeat(1_000)

describe('the compression of answers', () => {
  it.each([
    ['gzip, deflate, br, zstd', 'br', brotliDecompressSync],
    ['BR', 'br', brotliDecompressSync],
    ['gzip, deflate', 'gzip', gunzipSync],
    ['zstd,gzip', 'gzip', gunzipSync],
  ] as const)('for a client that accepts "%s" is %s', (accepted, encoding, decode) => {
    const compressed = keptCompression()(accepted, answerOf(LONG))
    expect(compressed?.encoding).toBe(encoding)
    expect(decode(compressed?.bytes ?? Buffer.alloc(0)).toString()).toBe(LONG)
  })

  it.each([
    [undefined],
    [''],
    ['identity'],
    ['deflate'],
    ['*'],
    ['gzip;q=0'],
    ['br;q=0, gzip'],
    ['gzip;q=0.5, br;q=0.1'],
    ['brotli'],
  ])('is left to the server for a client that accepts %j', accepted =>
    expect(keptCompression()(accepted, answerOf(LONG))).toBeUndefined(),
  )

  it('is left to the server for small, large and binary answers', () => {
    const compress = keptCompression()
    for (const size of [0, 1_023, 256 * 1_024 + 1]) expect(compress('br', answerOf('a'.repeat(size)))).toBeUndefined()
    for (const size of [1_024, 256 * 1_024]) expect(compress('br', answerOf('a'.repeat(size)))).toBeDefined()
    expect(compress('br', { ...answerOf(LONG), isBase64Encoded: true })).toBeUndefined()
  })

  it('is done once for an answer and an encoding, and again for another answer', () => {
    const compress = keptCompression()
    const [first, second] = [answerOf(LONG), answerOf(LONG)]
    const once = compress('br', first)
    expect(compress('gzip, br', first)).toBe(once)
    expect(compress('gzip', first)).not.toBe(once)
    expect(compress('br', second)).not.toBe(once)
    expect(compress('br', first)).toBe(once)
  })
})
