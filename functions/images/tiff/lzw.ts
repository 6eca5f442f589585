const CLEAR = 256
const END = 257
const FIRST_FREE = 258
const MAX_CODES = 4096

/**
 * Decompresses TIFF's LZW (TIFF 6.0, section 13): most significant bit first; the code width changes one code early.
 *
 * The table holds its strings as places in the output. The string of a new code is the previous string plus one byte,
 * and both are already in the output.
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
  /** Start of the previous code's string in the output. */
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
    // The new table entry is the previous string plus the byte that follows it in the output.
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
      // Copied byte by byte, because the string of the newest code overlaps its own copy.
      const from = starts[code] as number
      const end = Math.min(at + (lengths[code] as number), maxBytes)
      for (let source = from; at < end; source++, at++) output[at] = output[source] as number
      if (at >= maxBytes) return output
    }
    beforeStart = start
    beforeLength = at - start
  }
}
