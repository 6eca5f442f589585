import { countForRecord, type Line, type Packing } from './packing.ts'

/** Queue of lines that wait to become records: at most about one full record for each id. */
export interface LineQueue<T extends Line> {
  push(line: T): void
  /** Returns true when the next record would be full. */
  isFull(): boolean
  /** First line, which has waited longest. */
  first(): T | undefined
  takeRecord(): T[]
  takeAll(): T[]
  hasRoom(): boolean
  /** Resolves when there is room for more. */
  room(): Promise<void>
}

/** Creates an empty queue. */
export function createQueue<T extends Line>(packing: Packing, ids: number): LineQueue<T> {
  const lines: T[] = []
  let bytes = 0
  let waiting: (() => void)[] = []

  function hasRoom(): boolean {
    return lines.length < ids * packing.maxEvents && bytes < ids * packing.maxBytes
  }

  function take(count: number): T[] {
    const taken = lines.splice(0, count)
    for (const line of taken) bytes -= line.bytes
    const told = waiting
    waiting = []
    for (const resolve of told) resolve()
    return taken
  }

  return {
    push(line) {
      lines.push(line)
      bytes += line.bytes
    },
    isFull() {
      const count = countForRecord(lines, packing)
      return count === packing.maxEvents || count < lines.length
    },
    first: () => lines[0],
    takeRecord: () => take(countForRecord(lines, packing)),
    takeAll: () => take(lines.length),
    hasRoom,
    async room() {
      while (!hasRoom()) await new Promise<void>(resolve => waiting.push(resolve))
    },
  }
}
