const CLEAR = 256
const END = 257
const FIRST_FREE = 258
const MAX_CODES = 4096

/**
 * Undoes TIFF's LZW (TIFF 6.0, section 13): most significant bit first, code width changes one code early.
 *
 * The strings of the table are places in the output: a code's string is the one before it and one byte more, and both
 * stand in the output already.
 *
 * @returns at most maxBytes
 * @throws Error when a code is not in the table
 */
export function unpackLzw(input: Uint8Array, maxBytes: number): Uint8Array {
  const output = new Uint8Array(maxBytes)
  const starts = new Uint32Array(MAX_CODES)
  const lengths = new Uint32Array(MAX_CODES)
  let at = 0
  let held = 0
  let heldBits = 0
  let width = 9
  let free = FIRST_FREE
  /** Where the string of the code before lies in the output. */
  let beforeStart = 0
  let beforeLength = 0
  for (let index = 0; ; ) {
    while (heldBits < width) {
      if (index >= input.length) return output.subarray(0, at)
      held = ((held << 8) | (input[index++] as number)) & 0xff_ffff
      heldBits += 8
    }
    heldBits -= width
    const code = (held >>> heldBits) & ((1 << width) - 1)
    if (code === END) return output.subarray(0, at)
    if (code === CLEAR) {
      width = 9
      free = FIRST_FREE
      beforeLength = 0
      continue
    }
    // The new table entry: the string before, and the byte that follows it in the output.
    if (beforeLength > 0 && free < MAX_CODES) {
      starts[free] = beforeStart
      lengths[free] = beforeLength + 1
      free++
      if (free === (1 << width) - 1 && width < 12) width++
    }
    const start = at
    if (code < CLEAR) {
      if (at >= maxBytes) return output
      output[at++] = code
    } else {
      if (code >= free) throw new Error('an LZW code is not in its table: the block is damaged')
      // Byte by byte: the string of the newest code overlaps what is being written.
      const from = starts[code] as number
      const end = Math.min(at + (lengths[code] as number), maxBytes)
      for (let source = from; at < end; source++, at++) output[at] = output[source] as number
      if (at >= maxBytes) return output
    }
    beforeStart = start
    beforeLength = at - start
  }
}
