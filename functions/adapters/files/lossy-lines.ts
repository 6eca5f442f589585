/**
 * Writes lines that may be lost: a line that cannot be written, for example because the disk is full, must not stop the
 * caller.
 *
 * @param write writes a line; may throw
 * @param onLost called for each lost line
 */
export function lossyLines(write: (line: string) => void, onLost: (error: unknown) => void): (line: string) => void {
  return line => {
    try {
      write(line)
    } catch (error) {
      onLost(error)
    }
  }
}
