import type { Append, AppendFailure } from '../../ports/event-log.ts'

/** Maximum bytes of a batch and of a record beside keys and values (message format 2). */
const BATCH_OVERHEAD_BYTES = 61
const RECORD_OVERHEAD_BYTES = 32
/** Longest key that Kinesis accepts, in bytes. Keys of landcover are shorter. */
const LONGEST_KEY_BYTES = 4 * 256

/** Returns the size of a record, in bytes, that fits into a batch with any key. */
export function largestRecord(maxBatchBytes: number): number {
  return maxBatchBytes - BATCH_OVERHEAD_BYTES - RECORD_OVERHEAD_BYTES - LONGEST_KEY_BYTES
}

/**
 * Appends records to one partition, batch after batch. After a batch that failed nothing is sent, so that sending again
 * keeps the order. A record that is too large does not stop the others: it would fail at every attempt.
 *
 * @param send stores a batch, and returns the offset of its first record
 * @param failureOf describes why `send` threw
 */
export async function appendInOrder(
  records: readonly Append[],
  maxBatchBytes: number,
  send: (batch: readonly Append[]) => Promise<bigint>,
  failureOf: (cause: unknown) => AppendFailure,
): Promise<(bigint | AppendFailure)[]> {
  const outcomes: (bigint | AppendFailure)[] = []
  let stopped: string | null = null
  const pending = [...batches(records, maxBatchBytes)]
  for (let batch = pending.shift(); batch; batch = pending.shift()) {
    if (stopped !== null) {
      const error = `not sent, because a record before it failed: ${stopped}`
      outcomes.push(...batch.map(() => ({ error })))
      continue
    }
    try {
      const first = await send(batch)
      outcomes.push(...batch.map((_, index) => first + BigInt(index)))
    } catch (cause) {
      const failure = failureOf(cause)
      if (failure.tooLarge && batch.length > 1) {
        // The topic's limit is lower now. Sending each record alone shows which ones are too large.
        pending.unshift(...batch.map(record => [record]))
        continue
      }
      outcomes.push(...batch.map(() => failure))
      if (!failure.tooLarge) stopped = failure.error
    }
  }
  return outcomes
}

/** Divides records into batches that the topic accepts. The broker refuses one that is too large and alone. */
function* batches(records: readonly Append[], maxBatchBytes: number): Generator<Append[]> {
  let batch: Append[] = []
  let bytes = BATCH_OVERHEAD_BYTES
  for (const record of records) {
    const size = RECORD_OVERHEAD_BYTES + record.data.byteLength + ('key' in record ? Buffer.byteLength(record.key) : 0)
    if (batch.length > 0 && bytes + size > maxBatchBytes) {
      yield batch
      batch = []
      bytes = BATCH_OVERHEAD_BYTES
    }
    batch.push(record)
    bytes += size
  }
  if (batch.length > 0) yield batch
}
