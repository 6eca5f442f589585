import type { KinesisStreamEvent } from 'aws-lambda'
import { toSequenceNumber } from '../core/lane.ts'
import type { LogRecord } from '../core/record.ts'

/** The event in which Lambda hands records of a Kinesis shard to a function. */
export function kinesisEvent(streamIdentity: string, records: readonly LogRecord[]): KinesisStreamEvent {
  const arn = `arn:aws:kinesis:local:000000000000:stream/${streamIdentity}`
  return {
    Records: records.map(({ lane, position, arrivalMs, data }) => {
      const shard = lane.slice(streamIdentity.length + 1)
      const sequenceNumber = toSequenceNumber(position)
      return {
        eventID: `${shard}:${sequenceNumber}`,
        eventName: 'aws:kinesis:record',
        eventSource: 'aws:kinesis',
        eventSourceARN: arn,
        eventVersion: '1.0',
        awsRegion: 'local',
        invokeIdentityArn: 'arn:aws:iam::000000000000:role/local',
        kinesis: {
          kinesisSchemaVersion: '1.0',
          partitionKey: lane,
          sequenceNumber,
          data: Buffer.from(data.buffer, data.byteOffset, data.byteLength).toString('base64'),
          approximateArrivalTimestamp: arrivalMs / 1000,
        },
      }
    }),
  }
}
