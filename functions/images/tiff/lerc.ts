import { inflateSync, zstdDecompressSync } from 'node:zlib'
import { decode, getBlobInfo, load } from 'lerc'
import type { Layout } from './layout.ts'
import { emptySamples, type Samples, swapSamples } from './samples.ts'

const DEFLATE = 1
const ZSTD = 2

/** Loads the LERC decoder, once per process. */
export const loadLerc: () => Promise<void> = load

/**
 * Decodes a LERC block, also inside deflate or zstd. Samples without a value are NaN, or 0 if they are integers.
 *
 * In a big-endian file GDAL compresses the numbers that the swapped bytes give, so decoded numbers are swapped back.
 */
export function decodeLerc(layout: Layout, bytes: Uint8Array, rows: number, maxBytes: number): Samples {
  const { blockWidth, samplesPerPixel, lercCodec } = layout
  const limit = { maxOutputLength: 2 * maxBytes + 4096 }
  const blob =
    lercCodec === DEFLATE ? inflateSync(bytes, limit) : lercCodec === ZSTD ? zstdDecompressSync(bytes, limit) : bytes
  const info = getBlobInfo(blob)
  // Checked before decoding: a small blob can hold a huge image of one value.
  if (info.width !== blockWidth || info.height < rows || info.bandCount * info.depthCount !== samplesPerPixel) {
    throw new Error(`a LERC block has ${info.width} x ${info.height} pixels where ${blockWidth} x ${rows} are expected`)
  }
  if (info.width * info.height * samplesPerPixel * 8 > 8 * maxBytes) throw new Error('a LERC block is too large')
  const { pixels, mask, bandMasks } = decode(blob, { returnInterleaved: true })
  const samples = emptySamples(layout, rows * blockWidth * samplesPerPixel)
  const pixelCount = rows * blockWidth
  const depth = info.depthCount
  for (const [band, values] of pixels.entries()) {
    if (!layout.isLittleEndian) swapSamples(values)
    const own = bandMasks?.[band] ?? mask
    for (let pixel = 0; pixel < pixelCount; pixel++) {
      const isMissing = own !== null && own[pixel] === 0
      for (let each = 0; each < depth; each++) {
        const value = isMissing ? Number.NaN : (values[pixel * depth + each] as number)
        samples[pixel * samplesPerPixel + band * depth + each] = value
      }
    }
  }
  return samples
}
