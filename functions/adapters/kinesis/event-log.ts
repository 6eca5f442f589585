import {
  DescribeStreamSummaryCommand,
  ExpiredIteratorException,
  GetRecordsCommand,
  GetShardIteratorCommand,
  KinesisClient,
  type KinesisClientConfig,
  ListShardsCommand,
  type ListShardsCommandInput,
  type ListShardsCommandOutput,
  PutRecordsCommand,
  type PutRecordsRequestEntry,
  ResourceNotFoundException,
  type Shard,
  type StreamDescriptionSummary,
} from '@aws-sdk/client-kinesis'
import { type Lane, laneName, type Position, START, toPosition, toSequenceNumber } from '../../core/lane.ts'
import type { LogRecord } from '../../core/record.ts'
import type { Append, AppendFailure, AppendOutcome, EventLog } from '../../ports/event-log.ts'
import { limitedRequests } from '../aws/requests.ts'

export interface KinesisEventLogOptions {
  stream: string
  /** Endpoint other than AWS's own, such as LocalStack's. AWS_ENDPOINT_URL has the same effect. */
  endpoint?: string
  region?: string
}

/** @see https://docs.aws.amazon.com/kinesis/latest/APIReference/API_PutRecords.html */
const MAX_REQUEST_RECORDS = 500
const MAX_REQUEST_BYTES = 5 * 1024 * 1024
const MAX_KEY_CHARACTERS = 256
/** @see https://docs.aws.amazon.com/kinesis/latest/APIReference/API_GetRecords.html */
const MAX_READ_RECORDS = 10_000

/**
 * Maximum number of attempts. The client waits up to 20 s between attempts: enough for a shard's five reads per second
 * to become free.
 */
const READ_ATTEMPTS = 8

/**
 * Event log on a Kinesis data stream: a shard is a lane, a sequence number is a position. A shard that a reshard closed
 * stays a lane, marked as closed, until retention removes it; its children name it as their parent.
 *
 * Append: a record is stored when Kinesis has returned its sequence number. No record is sent again without the caller.
 * Records are sent in PutRecords requests, one after the other and each in the order of the call. After a request that
 * failed as a whole, the rest of the call is not sent.
 *
 * Order: PutRecords continues after a record that it refuses. So stored records of a request keep their order within a
 * shard, but a record that is sent again comes after the records stored in the meantime (therefore AWS promises no
 * order for PutRecords). PutRecord with SequenceNumberForOrdering would promise it, with one request for each record
 * and a tenth of the throughput or less. It is not used: a sender that needs order sends the next record after the last
 * is acknowledged. Our producers do so, with one record of an id in flight.
 *
 * @throws Error that says what to do when the stream does not exist; errors of the AWS SDK
 */
export async function openKinesisEventLog(options: KinesisEventLogOptions): Promise<EventLog> {
  const { stream } = options
  const writer = clientOf(options, 1)
  const reader = clientOf(options, READ_ATTEMPTS)
  // In this order: shards of a stream that is replaced between the two calls do not continue those of the next list.
  const opened = async () => ({ first: await allShards(reader, stream), summary: await describe(reader, stream) })
  const { first, summary } = await opened().catch(error => {
    writer.destroy()
    reader.destroy()
    throw error
  })
  const identity = identityOf(summary)
  const maxRecordBytes = (summary.MaxRecordSizeInKiB ?? 1024) * 1024

  /** Shards by lane at the last listing. */
  let shards = byLane(first)

  function byLane(listed: readonly Shard[]): Map<string, Shard> {
    return new Map(listed.map(shard => [laneName(identity, shard.ShardId as string), shard]))
  }

  /** @throws Error if the stream is another one of the same name */
  async function listShards(): Promise<void> {
    const listed = await allShards(reader, stream)
    // AWS allows 20 descriptions a second in an account, and 1,000 lists for each stream.
    if (!continues([...shards.values()], listed) && identityOf(await describe(reader, stream)) !== identity) {
      throw new Error(`the stream ${stream} was deleted and created again: open the log again`)
    }
    shards = byLane(listed)
  }

  async function shardOf(lane: string): Promise<Shard> {
    if (!shards.has(lane)) await listShards()
    const shard = shards.get(lane)
    if (!shard) throw new Error(`the log ${identity} has no lane '${lane}'`)
    return shard
  }

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
    if (bytes > maxRecordBytes) {
      const error = `the record and its key have ${bytes} bytes; the stream ${stream} takes ${maxRecordBytes}`
      return { error, tooLarge: true }
    }
    return entry
  }

  async function placeFor(
    record: Append,
  ): Promise<Omit<PutRecordsRequestEntry & { PartitionKey: string }, 'Data'> | { error: string }> {
    if ('key' in record) return { PartitionKey: record.key }
    const shard = await shardOf(record.lane)
    if (isClosed(shard)) return { error: `the lane ${record.lane} is closed: its children take its records` }
    return { PartitionKey: shard.ShardId as string, ExplicitHashKey: shard.HashKeyRange?.StartingHashKey }
  }

  async function put(entries: PutRecordsRequestEntry[]): Promise<AppendOutcome[]> {
    const { Records = [] } = await writer.send(new PutRecordsCommand({ StreamName: stream, Records: entries }))
    return entries.map((_, index): AppendOutcome => {
      const { ShardId, SequenceNumber, ErrorCode, ErrorMessage } = Records[index] ?? {}
      if (!ShardId || !SequenceNumber) return { error: `${ErrorCode ?? 'no answer'}: ${ErrorMessage ?? ''}` }
      return { lane: laneName(identity, ShardId), position: toPosition(SequenceNumber) }
    })
  }

  async function iteratorBehind(shard: Shard, after: Position): Promise<string> {
    const from =
      after === START
        ? ({ ShardIteratorType: 'TRIM_HORIZON' } as const)
        : ({
            ShardIteratorType: 'AFTER_SEQUENCE_NUMBER',
            StartingSequenceNumber: toSequenceNumber(after),
          } as const)
    const { ShardIterator } = await reader.send(
      new GetShardIteratorCommand({ StreamName: stream, ShardId: shard.ShardId, ...from }),
    )
    return ShardIterator as string
  }

  /** Iterator for each lane that continues after the last read. */
  const iterators = new Map<string, { after: Position; iterator: string }>()

  async function read(lane: string, after: Position, limit: number): Promise<LogRecord[]> {
    const shard = await shardOf(lane)
    const kept = iterators.get(lane)
    iterators.delete(lane)
    let iterator = kept?.after === after ? kept.iterator : await iteratorBehind(shard, after)
    for (;;) {
      const command = new GetRecordsCommand({ ShardIterator: iterator, Limit: Math.min(limit, MAX_READ_RECORDS) })
      const answer = await reader.send(command).catch(error => {
        if (error instanceof ExpiredIteratorException) return null
        throw error
      })
      if (!answer) {
        iterator = await iteratorBehind(shard, after)
        continue
      }
      const records = (answer.Records ?? []).map(record => ({
        lane,
        position: toPosition(record.SequenceNumber as string),
        arrivalMs: (record.ApproximateArrivalTimestamp as Date).getTime(),
        data: record.Data ?? new Uint8Array(),
      }))
      const next = answer.NextShardIterator
      // An answer may be empty although there are more records: the iterator moves through the shard's past by periods
      // of time.
      if (records.length === 0 && next && answer.MillisBehindLatest) {
        iterator = next
        continue
      }
      if (next) iterators.set(lane, { after: records.at(-1)?.position ?? after, iterator: next })
      return records
    }
  }

  return {
    identity,
    maxRecordBytes: maxRecordBytes - 4 * MAX_KEY_CHARACTERS,
    async lanes() {
      await listShards()
      return Array.from(shards, ([name, shard]): Lane => {
        const parents = [shard.ParentShardId, shard.AdjacentParentShardId].filter(id => id !== undefined)
        return { name, parents: parents.map(id => laneName(identity, id)), closed: isClosed(shard) }
      })
    },
    destinationOf: key => ({ key }),
    async append(records) {
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
    },
    read,
    async waiting({ lane, lastPosition }) {
      return { oldestMs: (await read(lane, lastPosition, 1))[0]?.arrivalMs ?? null, reason: null }
    },
    // Kinesis keeps the numbers of a shard rising, whatever it has removed.
    end: async () => null,
    // Sequence numbers of a shard do not follow each other.
    firstKept: async () => null,
    async close() {
      writer.destroy()
      reader.destroy()
    },
  }
}

function clientOf({ endpoint, region }: KinesisEventLogOptions, maxAttempts: number): KinesisClient {
  const config: KinesisClientConfig = {
    maxAttempts,
    // The client's default is HTTP/2, which the local stand-ins for Kinesis do not speak without TLS.
    requestHandler: limitedRequests(5_000, 30_000),
    ...(endpoint && { endpoint }),
    ...(region && { region }),
  }
  return new KinesisClient(config)
}

/**
 * Describes the stream.
 *
 * @throws Error with the command that creates the stream when there is none
 */
async function describe(client: KinesisClient, stream: string): Promise<StreamDescriptionSummary> {
  const command = new DescribeStreamSummaryCommand({ StreamName: stream })
  const answer = await client.send(command).catch(error => {
    throw unreadable(stream, error)
  })
  return answer.StreamDescriptionSummary as StreamDescriptionSummary
}

/** All shards of a stream, open and closed. @throws Error as describe does */
async function allShards(client: KinesisClient, stream: string): Promise<Shard[]> {
  const listed: Shard[] = []
  let input: ListShardsCommandInput | null = { StreamName: stream }
  while (input) {
    const { Shards = [], NextToken }: ListShardsCommandOutput = await client
      .send(new ListShardsCommand(input))
      .catch(error => {
        throw unreadable(stream, error)
      })
    listed.push(...Shards)
    input = NextToken ? { NextToken } : null
  }
  return listed
}

function unreadable(stream: string, cause: unknown): Error {
  if (!(cause instanceof ResourceNotFoundException)) {
    return new Error(`Kinesis stream ${stream}: ${textOf(cause)}`, { cause })
  }
  return new Error(
    `the stream ${stream} does not exist. Create it: aws kinesis create-stream --stream-name ${stream} --shard-count 2`,
    { cause },
  )
}

/**
 * True if a later list of shards is surely of the same stream as an earlier one. A stream that was created again counts
 * its shards from zero, but its sequence numbers start at the time of its creation.
 */
function continues(earlier: readonly Shard[], later: readonly Shard[]): boolean {
  const startOf = (shard: Shard) => shard.SequenceNumberRange?.StartingSequenceNumber
  const starts = new Map(earlier.map(shard => [shard.ShardId, startOf(shard)]))
  const common = later.filter(({ ShardId }) => starts.has(ShardId))
  return common.length > 0 && common.every(shard => starts.get(shard.ShardId) === startOf(shard))
}

function identityOf({ StreamName, StreamCreationTimestamp }: StreamDescriptionSummary): string {
  return `${StreamName}.${StreamCreationTimestamp?.getTime()}`
}

function isClosed(shard: Shard): boolean {
  return shard.SequenceNumberRange?.EndingSequenceNumber !== undefined
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

function textOf(error: unknown): string {
  return error instanceof Error ? `${error.name}: ${error.message}` : String(error)
}
