import type { KinesisStreamBatchResponse, KinesisStreamEvent } from 'aws-lambda'
import { type Position, toPosition, toSequenceNumber } from './lane.ts'
import type { LogRecord } from './record.ts'

/** The records of one lane in a Lambda event, in their order. */
export interface Delivery {
  lane: string
  records: LogRecord[]
}

/** Names a lane: the stream's identity, so that a recreated stream starts afresh, and the shard. */
export function laneName(streamIdentity: string, shard: string): string {
  return `${streamIdentity}.${shard}`
}

/**
 * The records of a Kinesis event. An event source mapping puts records of one shard into an event.
 *
 * @param streamIdentity the name under which the lanes of the event's stream are known
 */
export function kinesisDelivery(event: KinesisStreamEvent, streamIdentity: string): Delivery {
  const [shard] = (event.Records[0]?.eventID ?? '').split(':')
  const lane = laneName(streamIdentity, shard as string)
  return {
    lane,
    records: event.Records.map(({ kinesis }) => ({
      lane,
      position: toPosition(kinesis.sequenceNumber),
      arrivalMs: Math.round(kinesis.approximateArrivalTimestamp * 1000),
      data: Buffer.from(kinesis.data, 'base64'),
    })),
  }
}

/** Tells the event source mapping from which record on to deliver again. */
export function kinesisFailureFrom(position: Position): KinesisStreamBatchResponse {
  return { batchItemFailures: [{ itemIdentifier: toSequenceNumber(position) }] }
}

export const KINESIS_SUCCESS: KinesisStreamBatchResponse = { batchItemFailures: [] }
