/** Reasons for which no part of a record, or of one of its lines, can be read. */
export type UnreadableReason = 'cannot-decompress' | 'cannot-unwrap' | 'too-large'

/** Thrown for bytes or text that cannot be decompressed or unwrapped. The message never has their content. */
export class UnreadableError extends Error {
  readonly reason: UnreadableReason
  constructor(reason: UnreadableReason, message: string) {
    super(message)
    this.name = 'UnreadableError'
    this.reason = reason
  }
}

/**
 * Maximum size of a decompressed record, bytes. A record that would grow larger is refused before it uses the memory.
 */
export const MAX_DECODED_BYTES = 16 * 1024 * 1024

/**
 * Maximum number of lines in a record. MAX_DECODED_BYTES bytes cannot hold more of the shortest events. Without the
 * limit, a few kilobytes could decompress to millions of invalid lines, and each would be quarantined separately.
 */
export const MAX_LINES = MAX_DECODED_BYTES / 64

/** Maximum length of a line, in characters. Parsed JSON can use eighty times the memory of its text. */
export const MAX_LINE_LENGTH = 1024 * 1024

/** Creates the error for a record that decompresses to more than the limits. */
export function tooLarge(): UnreadableError {
  return new UnreadableError('too-large', `decompresses to more than ${MAX_DECODED_BYTES} bytes or ${MAX_LINES} lines`)
}
