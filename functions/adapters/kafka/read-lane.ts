import { type Position, START } from '../../core/lane.ts'
import type { LogRecord } from '../../core/record.ts'
import type { Page } from './fetch.ts'
import { unstampedAt } from './partition-reader.ts'

/** Approximate size at which a read ends, in bytes, so that a large limit cannot take all memory. */
const MAX_READ_BYTES = 8 * 1024 * 1024

/**
 * Creates a function that reads the records of a lane after a position.
 *
 * @param pageOf fetches the records of a partition from an offset on
 */
export function laneReader(pageOf: (partition: number, offset: bigint) => Promise<Page>) {
  /** Records by lane that the last read fetched beyond its limit. The next read usually continues there. */
  const ahead = new Map<string, { records: LogRecord[]; next: bigint; after: Position }>()

  return async (
    { lane, partition }: { lane: string; partition: number },
    after: Position,
    limit: number,
  ): Promise<LogRecord[]> => {
    const kept = ahead.get(lane)
    ahead.delete(lane)
    let records = kept?.after === after ? kept.records : []
    let next = kept?.after === after ? kept.next : offsetBehind(after)
    let bytes = byteLength(records)
    while (records.length < limit && bytes < MAX_READ_BYTES) {
      const page = await pageOf(partition, next)
      if (page.isUnstamped && page.next === next && records.length === 0) throw new Error(unstampedAt(lane, next))
      if (page.next === next) break
      records = records.concat(page.records)
      bytes += byteLength(page.records)
      next = page.next
    }
    const result = records.slice(0, limit)
    const last = result.at(-1)
    if (last && records.length > limit) ahead.set(lane, { after: last.position, records: records.slice(limit), next })
    return result
  }
}

/** Returns the offset that follows a position. */
export function offsetBehind(position: Position): bigint {
  return position === START ? 0n : BigInt(position) + 1n
}

function byteLength(records: readonly LogRecord[]): number {
  return records.reduce((sum, { data }) => sum + data.byteLength, 0)
}
