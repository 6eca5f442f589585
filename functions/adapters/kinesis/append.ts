import { type KinesisClient, PutRecordsCommand, type PutRecordsRequestEntry } from '@aws-sdk/client-kinesis'
import { laneName, toPosition } from '../../core/lane.ts'
import type { Append, AppendFailure, AppendOutcome, EventLog } from '../../ports/event-log.ts'
import { isClosed, type Stream, textOf } from './stream.ts'

/** @see https://docs.aws.amazon.com/kinesis/latest/APIReference/API_PutRecords.html */
const MAX_REQUEST_RECORDS = 500
const MAX_REQUEST_BYTES = 5 * 1024 * 1024
/** Maximum length of a partition key. */
export const MAX_KEY_CHARACTERS = 256

/** Creates the `append` of the log: PutRecords requests, one after the other. */
export function appender(writer: KinesisClient, stream: Stream): EventLog['append'] {
  /** Converts a record to an entry of PutRecords, or returns the reason why it would make the whole request fail. */
  async function entryFor(record: Append): Promise<PutRecordsRequestEntry | AppendFailure> {
    const place = await placeFor(record)
    if ('error' in place) return place
    const { length } = place.PartitionKey
    if (length < 1 || length > MAX_KEY_CHARACTERS) {
      return { error: `a key has 1 to ${MAX_KEY_CHARACTERS} characters; this one has ${length}` }
    }
    const entry = { ...place, Data: record.data }
    const bytes = byteLength(entry)
    if (bytes > stream.maxRecordBytes) {
      const error = `the record and its key have ${bytes} bytes; the stream ${stream.name} takes ${stream.maxRecordBytes}`
      return { error, tooLarge: true }
    }
    return entry
  }

  async function placeFor(
    record: Append,
  ): Promise<Omit<PutRecordsRequestEntry & { PartitionKey: string }, 'Data'> | { error: string }> {
    if ('key' in record) return { PartitionKey: record.key }
    const shard = await stream.shardOf(record.lane)
    if (isClosed(shard)) return { error: `the lane ${record.lane} is closed: its children take its records` }
    return { PartitionKey: shard.ShardId as string, ExplicitHashKey: shard.HashKeyRange?.StartingHashKey }
  }

  async function put(entries: PutRecordsRequestEntry[]): Promise<AppendOutcome[]> {
    const { Records = [] } = await writer.send(new PutRecordsCommand({ StreamName: stream.name, Records: entries }))
    return entries.map((_, index): AppendOutcome => {
      const { ShardId, SequenceNumber, ErrorCode, ErrorMessage } = Records[index] ?? {}
      if (!ShardId || !SequenceNumber) return { error: `${ErrorCode ?? 'no answer'}: ${ErrorMessage ?? ''}` }
      return { lane: laneName(stream.identity, ShardId), position: toPosition(SequenceNumber) }
    })
  }

  return async records => {
    const outcomes: AppendOutcome[] = []
    const sendable: { index: number; entry: PutRecordsRequestEntry }[] = []
    for (const [index, record] of records.entries()) {
      const entry = await entryFor(record)
      if ('error' in entry) outcomes[index] = entry
      else sendable.push({ index, entry })
    }
    let failed: string | null = null
    for (const request of requests(sendable)) {
      let results: AppendOutcome[]
      try {
        if (failed !== null) throw new Error(`not sent, since a request before it failed: ${failed}`)
        results = await put(request.map(({ entry }) => entry))
      } catch (cause) {
        const error = textOf(cause)
        failed ??= error
        results = request.map(() => ({ error }))
      }
      for (const [n, { index }] of request.entries()) outcomes[index] = results[n] as AppendOutcome
    }
    return outcomes
  }
}

function byteLength({ Data, PartitionKey = '' }: PutRecordsRequestEntry): number {
  return (Data?.byteLength ?? 0) + Buffer.byteLength(PartitionKey)
}

function* requests<T extends { entry: PutRecordsRequestEntry }>(items: readonly T[]): Generator<T[]> {
  let request: T[] = []
  let bytes = 0
  for (const item of items) {
    const size = byteLength(item.entry)
    if (request.length > 0 && (request.length === MAX_REQUEST_RECORDS || bytes + size > MAX_REQUEST_BYTES)) {
      yield request
      request = []
      bytes = 0
    }
    request.push(item)
    bytes += size
  }
  if (request.length > 0) yield request
}
