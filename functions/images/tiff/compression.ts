import { constants, inflateSync, zstdDecompressSync } from 'node:zlib'
import { ImageError } from '../errors.ts'
import { unpackLzw } from './lzw.ts'

/** Values of the tag Compression (TIFF 6.0, GDAL's list). */
export const LERC = 34887
const NONE = 1
const LZW = 5
const DEFLATE = 8
const OLD_DEFLATE = 32946
const PACKBITS = 32773
const ZSTD = 50000

const READABLE: readonly number[] = [NONE, LZW, DEFLATE, OLD_DEFLATE, PACKBITS, ZSTD, LERC]

const NAMES: Record<number, string> = {
  2: 'CCITT RLE',
  3: 'CCITT fax 3',
  4: 'CCITT fax 4',
  6: 'old JPEG',
  7: 'JPEG',
  34712: 'JPEG 2000',
  34925: 'LZMA',
  50001: 'WebP',
  50002: 'JPEG XL',
}

/** Refuses a compression that is not read. @throws ImageError that names it */
export function refuseUnreadable(name: string, compression: number): void {
  if (READABLE.includes(compression)) return
  const called = NAMES[compression] ?? `number ${compression}`
  throw new ImageError(
    `${name}: is compressed with ${called}, which is not read; write it again with deflate, as gdal_translate -co COMPRESS=DEFLATE does`,
  )
}

/**
 * Decompresses a block, except LERC.
 *
 * @param maxBytes maximum size of the result; more is an error before memory is allocated
 * @returns at most maxBytes; fewer if the block ends early
 */
export function decompress(compression: number, bytes: Uint8Array, maxBytes: number): Uint8Array {
  switch (compression) {
    case NONE:
      return bytes
    case LZW:
      return unpackLzw(bytes, maxBytes)
    case DEFLATE:
    case OLD_DEFLATE:
      // Z_SYNC_FLUSH: some writers leave out the checksum at the end. The caller notices missing samples by their
      // number.
      return inflateSync(bytes, { maxOutputLength: maxBytes, finishFlush: constants.Z_SYNC_FLUSH })
    case ZSTD:
      return zstdDecompressSync(bytes, { maxOutputLength: maxBytes })
    case PACKBITS:
      return unpackBits(bytes, maxBytes)
    default:
      throw new ImageError(`compression ${compression} is not read`)
  }
}

/** Decompresses PackBits (TIFF 6.0, section 9). */
function unpackBits(input: Uint8Array, maxBytes: number): Uint8Array {
  const output = new Uint8Array(maxBytes)
  let at = 0
  for (let index = 0; index < input.length && at < maxBytes; ) {
    const code = ((input[index++] as number) << 24) >> 24
    if (code === -128) continue
    if (code >= 0) {
      const literal = input.subarray(index, index + Math.min(code + 1, maxBytes - at))
      output.set(literal, at)
      at += literal.length
      index += code + 1
    } else {
      const end = Math.min(at + 1 - code, maxBytes)
      output.fill(input[index++] ?? 0, at, end)
      at = end
    }
  }
  return output.subarray(0, at)
}
