import type { Append, AppendFailure } from '../../ports/event-log.ts'

/** What a batch and a record of it need beside keys and values, at most (message format 2). */
const BATCH_OVERHEAD_BYTES = 61
const RECORD_OVERHEAD_BYTES = 32
/** Of the keys that Kinesis takes; ours are shorter. */
const LONGEST_KEY_BYTES = 4 * 256

/** The bytes of a record that fits into a batch whatever its key. */
export function largestRecord(maxBatchBytes: number): number {
  return maxBatchBytes - BATCH_OVERHEAD_BYTES - RECORD_OVERHEAD_BYTES - LONGEST_KEY_BYTES
}

/**
 * Appends records to one partition, batch after batch. Behind a batch that failed nothing is sent, so that sending
 * again keeps the order; but a record that is too large stays so, and holds up nothing.
 *
 * @param send stores a batch, and answers the offset of its first record
 * @param failureOf what to say of a batch whose `send` threw
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
      const error = `not sent, since a record before it failed: ${stopped}`
      outcomes.push(...batch.map(() => ({ error })))
      continue
    }
    try {
      const first = await send(batch)
      outcomes.push(...batch.map((_, index) => first + BigInt(index)))
    } catch (cause) {
      const failure = failureOf(cause)
      if (failure.tooLarge && batch.length > 1) {
        // The topic takes less than it did: which of the records are too large shows when each stands alone.
        pending.unshift(...batch.map(record => [record]))
        continue
      }
      outcomes.push(...batch.map(() => failure))
      if (!failure.tooLarge) stopped = failure.error
    }
  }
  return outcomes
}

/** Cuts records into batches that the topic takes; one that is too large for it stands alone, for the broker to refuse. */
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
