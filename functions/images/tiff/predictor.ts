import type { Layout } from './layout.ts'
import { swapBytes } from './samples.ts'

const HORIZONTAL = 2
const FLOATING_POINT = 3

/**
 * Converts a decompressed block to plain samples in this machine's byte order: swaps bytes and undoes the predictor, in
 * place if possible.
 *
 * @param bytes `rows` whole rows; begins at a multiple of 8 in its buffer
 */
export function undoPredictor(layout: Layout, bytes: Uint8Array, rows: number): Uint8Array {
  const { predictor, bits, isLittleEndian } = layout
  if (predictor === FLOATING_POINT && layout.format === 'float') return undoFloatingPoint(layout, bytes, rows)
  if (!isLittleEndian) swapBytes(bytes, bits / 8)
  if (predictor === HORIZONTAL) undoHorizontal(layout, bytes, rows)
  else if (predictor !== 1) throw new Error(`predictor ${predictor} is not read`)
  return bytes
}

/**
 * Undoes horizontal differences: each sample was written as the difference to its left neighbour (TIFF 6.0, section
 * 14).
 */
function undoHorizontal({ blockWidth, samplesPerPixel, bits }: Layout, bytes: Uint8Array, rows: number): void {
  const rowSamples = blockWidth * samplesPerPixel
  const { buffer, byteOffset } = bytes
  const count = rows * rowSamples
  if (bits === 16) addLeft(new Uint16Array(buffer, byteOffset, count), rowSamples, samplesPerPixel, rows)
  else if (bits === 8) addLeft(bytes, rowSamples, samplesPerPixel, rows)
  else if (bits === 32) addLeft(new Uint32Array(buffer, byteOffset, count), rowSamples, samplesPerPixel, rows)
  else if (bits === 64) addLeftWide(new BigUint64Array(buffer, byteOffset, count), rowSamples, samplesPerPixel, rows)
  else throw new Error(`predictor 2 with ${bits} bits is not read`)
}

/** Adds up differences. Typed arrays truncate sums to their width, as the predictor requires. */
function addLeft(samples: Uint8Array | Uint16Array | Uint32Array, rowSamples: number, step: number, rows: number) {
  for (let row = 0; row < rows; row++) {
    const end = (row + 1) * rowSamples
    for (let at = row * rowSamples + step; at < end; at++) {
      samples[at] = (samples[at] as number) + (samples[at - step] as number)
    }
  }
}

function addLeftWide(samples: BigUint64Array, rowSamples: number, step: number, rows: number) {
  for (let row = 0; row < rows; row++) {
    const end = (row + 1) * rowSamples
    for (let at = row * rowSamples + step; at < end; at++) {
      samples[at] = (samples[at] as bigint) + (samples[at - step] as bigint)
    }
  }
}

/**
 * Undoes the floating-point predictor: each row was divided into planes of bytes, most significant plane first, and
 * written as differences of bytes (Adobe Photoshop TIFF Technical Note 3). The result has no byte order.
 */
function undoFloatingPoint({ blockWidth, samplesPerPixel, bits }: Layout, bytes: Uint8Array, rows: number): Uint8Array {
  const size = bits / 8
  const rowSamples = blockWidth * samplesPerPixel
  const rowBytes = rowSamples * size
  const output = new Uint8Array(rows * rowBytes)
  for (let from = 0; from < output.length; from += rowBytes) {
    for (let at = from + samplesPerPixel; at < from + rowBytes; at++) {
      bytes[at] = (bytes[at] as number) + (bytes[at - samplesPerPixel] as number)
    }
    for (let plane = 0; plane < size; plane++) {
      let source = from + plane * rowSamples
      for (let to = from + size - 1 - plane; to < from + rowBytes; to += size) output[to] = bytes[source++] as number
    }
  }
  return output
}
