/**
 * Writes lines that may be lost: one that cannot be written, because the disk is full say, must not end who writes it.
 *
 * @param write throws where it cannot write
 * @param onLost is told of each line that was lost
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
