import {
  ExpiredIteratorException,
  GetRecordsCommand,
  GetShardIteratorCommand,
  type KinesisClient,
  type Shard,
} from '@aws-sdk/client-kinesis'
import { type Position, START, toPosition, toSequenceNumber } from '../../core/lane.ts'
import type { LogRecord } from '../../core/record.ts'
import type { Stream } from './stream.ts'

/** @see https://docs.aws.amazon.com/kinesis/latest/APIReference/API_GetRecords.html */
const MAX_READ_RECORDS = 10_000

/** Creates the `read` of the log. The next read of a lane usually continues with the iterator of the last one. */
export function shardReader(reader: KinesisClient, stream: Stream) {
  async function iteratorBehind(shard: Shard, after: Position): Promise<string> {
    const from =
      after === START
        ? ({ ShardIteratorType: 'TRIM_HORIZON' } as const)
        : ({
            ShardIteratorType: 'AFTER_SEQUENCE_NUMBER',
            StartingSequenceNumber: toSequenceNumber(after),
          } as const)
    const { ShardIterator } = await reader.send(
      new GetShardIteratorCommand({ StreamName: stream.name, ShardId: shard.ShardId, ...from }),
    )
    return ShardIterator as string
  }

  /** Iterator for each lane that continues after the last read. */
  const iterators = new Map<string, { after: Position; iterator: string }>()

  return async (lane: string, after: Position, limit: number): Promise<LogRecord[]> => {
    const shard = await stream.shardOf(lane)
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
}
