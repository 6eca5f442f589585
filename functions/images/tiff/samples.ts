import type { Layout } from './layout.ts'

/** Samples of a block, in the file's number format. */
export type Samples =
  | Uint8Array
  | Int8Array
  | Uint16Array
  | Int16Array
  | Uint32Array
  | Int32Array
  | Float32Array
  | Float64Array

/** Returns zeros of the type that the layout's decoded samples have. */
export function emptySamples({ format, bits }: Pick<Layout, 'format' | 'bits'>, count: number): Samples {
  if (format === 'float') return bits === 64 ? new Float64Array(count) : new Float32Array(count)
  if (format === 'signed') {
    return bits === 8 ? new Int8Array(count) : bits === 16 ? new Int16Array(count) : new Int32Array(count)
  }
  return bits <= 8 ? new Uint8Array(count) : bits <= 16 ? new Uint16Array(count) : new Uint32Array(count)
}

/** Views plain bytes in this machine's order as samples, without a copy if possible. */
export function viewSamples({ format, bits }: Layout, bytes: Uint8Array): Samples {
  const { buffer, byteOffset, byteLength } = bytes
  const count = (byteLength * 8) / bits
  if (format === 'float') {
    if (bits === 64) return new Float64Array(buffer, byteOffset, count)
    if (bits === 32) return new Float32Array(buffer, byteOffset, count)
    return Float32Array.from(new Float16Array(buffer, byteOffset, count))
  }
  if (format === 'signed') {
    if (bits === 8) return new Int8Array(buffer, byteOffset, count)
    return bits === 16 ? new Int16Array(buffer, byteOffset, count) : new Int32Array(buffer, byteOffset, count)
  }
  if (bits === 8) return bytes
  return bits === 16 ? new Uint16Array(buffer, byteOffset, count) : new Uint32Array(buffer, byteOffset, count)
}

/** Returns true if samples are packed bits instead of whole bytes. */
export function isPacked({ bits }: Layout): boolean {
  return bits < 16 && bits !== 8
}

/** Unpacks samples of 1 to 15 bits, most significant bit first. Each row begins at a byte. */
export function unpackSamples(layout: Layout, bytes: Uint8Array, rows: number): Samples {
  const { bits, blockWidth, samplesPerPixel } = layout
  const rowSamples = blockWidth * samplesPerPixel
  const rowBytes = Math.ceil((rowSamples * bits) / 8)
  const samples = emptySamples(layout, rows * rowSamples)
  let at = 0
  for (let row = 0; row < rows; row++) {
    let held = 0
    let heldBits = 0
    let index = row * rowBytes
    for (let column = 0; column < rowSamples; column++) {
      while (heldBits < bits) {
        held = (held << 8) | (bytes[index++] as number)
        heldBits += 8
      }
      heldBits -= bits
      samples[at++] = held >>> heldBits
      held &= (1 << heldBits) - 1
    }
  }
  return samples
}

/** Reverses the bytes of each sample, in place. */
export function swapSamples({
  buffer,
  byteOffset,
  byteLength,
  BYTES_PER_ELEMENT,
}: Pick<Samples, 'buffer' | 'byteOffset' | 'byteLength' | 'BYTES_PER_ELEMENT'>): void {
  swapBytes(new Uint8Array(buffer, byteOffset, byteLength), BYTES_PER_ELEMENT)
}

/** Reverses the bytes of each sample of a size, in place. Samples of one byte or less have no order. */
export function swapBytes(bytes: Uint8Array, sampleBytes: number): void {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  if (sampleBytes === 2) buffer.swap16()
  else if (sampleBytes === 4) buffer.swap32()
  else if (sampleBytes === 8) buffer.swap64()
}
