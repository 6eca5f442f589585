import {
  DescribeStreamSummaryCommand,
  type KinesisClient,
  ListShardsCommand,
  type ListShardsCommandInput,
  type ListShardsCommandOutput,
  ResourceNotFoundException,
  type Shard,
  type StreamDescriptionSummary,
} from '@aws-sdk/client-kinesis'
import { type Lane, laneName } from '../../core/lane.ts'

/** Stream that is open, with its shards as lanes. */
export interface Stream {
  name: string
  identity: string
  maxRecordBytes: number
  /** Lists all shards as lanes. @throws Error if the stream is another one of the same name */
  lanes(): Promise<Lane[]>
  /** Returns the shard of a lane. @throws Error when there is no such lane */
  shardOf(lane: string): Promise<Shard>
}

/**
 * Opens a stream.
 *
 * @throws Error that says what to do when the stream does not exist; errors of the AWS SDK
 */
export async function openStream(client: KinesisClient, name: string): Promise<Stream> {
  // In this order: shards of a stream that is replaced between the two calls do not continue those of the next list.
  const first = await allShards(client, name)
  const summary = await describe(client, name)
  const identity = identityOf(summary)

  /** Shards by lane at the last listing. */
  let shards = byLane(first)

  function byLane(listed: readonly Shard[]): Map<string, Shard> {
    return new Map(listed.map(shard => [laneName(identity, shard.ShardId as string), shard]))
  }

  async function listShards(): Promise<void> {
    const listed = await allShards(client, name)
    // AWS allows 20 descriptions a second in an account, and 1,000 lists for each stream.
    if (!continues([...shards.values()], listed) && identityOf(await describe(client, name)) !== identity) {
      throw new Error(`the stream ${name} was deleted and created again: open the log again`)
    }
    shards = byLane(listed)
  }

  return {
    name,
    identity,
    maxRecordBytes: (summary.MaxRecordSizeInKiB ?? 1024) * 1024,
    async lanes() {
      await listShards()
      return Array.from(shards, ([lane, shard]): Lane => {
        const parents = [shard.ParentShardId, shard.AdjacentParentShardId].filter(id => id !== undefined)
        return { name: lane, parents: parents.map(id => laneName(identity, id)), closed: isClosed(shard) }
      })
    },
    async shardOf(lane) {
      if (!shards.has(lane)) await listShards()
      const shard = shards.get(lane)
      if (!shard) throw new Error(`the log ${identity} has no lane '${lane}'`)
      return shard
    },
  }
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

/** Returns true when a reshard has closed the shard. */
export function isClosed(shard: Shard): boolean {
  return shard.SequenceNumberRange?.EndingSequenceNumber !== undefined
}

/** Returns an error with its name, which says more than the message for errors of AWS. */
export function textOf(error: unknown): string {
  return error instanceof Error ? `${error.name}: ${error.message}` : String(error)
}
