import type { KinesisStreamEvent, SelfManagedKafkaEvent } from 'aws-lambda'
import { toSequenceNumber } from '../core/lane.ts'
import type { LogRecord } from '../core/record.ts'
import type { LogEvent } from './decode-event.ts'

/** Function that encodes records of one lane as the event that Lambda would pass to a handler. */
export type ToLambdaEvent = (streamIdentity: string, records: readonly LogRecord[]) => LogEvent

/** Event in which Lambda delivers records of a Kinesis stream. */
export function kinesisEvent(streamIdentity: string, records: readonly LogRecord[]): KinesisStreamEvent {
  return {
    Records: records.map(({ lane, position, arrivalMs, data }) => {
      const shard = shardOf(streamIdentity, lane)
      const sequenceNumber = toSequenceNumber(position)
      return {
        eventID: `${shard}:${sequenceNumber}`,
        eventName: 'aws:kinesis:record',
        eventSource: 'aws:kinesis',
        eventSourceARN: `arn:aws:kinesis:local:000000000000:stream/${streamIdentity}`,
        eventVersion: '1.0',
        awsRegion: 'local',
        invokeIdentityArn: 'arn:aws:iam::000000000000:role/local',
        kinesis: {
          kinesisSchemaVersion: '1.0',
          partitionKey: lane,
          sequenceNumber,
          data: base64(data),
          approximateArrivalTimestamp: arrivalMs / 1000,
        },
      }
    }),
  }
}

/**
 * Encodes records as an event of a self-managed Kafka cluster. The records carry the broker's own time, because our
 * port returns no others.
 */
export function kafkaEvent(streamIdentity: string, records: readonly LogRecord[]): SelfManagedKafkaEvent {
  const partition = Number(shardOf(streamIdentity, (records[0] as LogRecord).lane))
  return {
    eventSource: 'SelfManagedKafka',
    bootstrapServers: 'local',
    records: {
      [`${streamIdentity}-${partition}`]: records.map(({ position, arrivalMs, data }) => ({
        topic: streamIdentity,
        partition,
        offset: Number(toSequenceNumber(position)),
        timestamp: arrivalMs,
        timestampType: 'LOG_APPEND_TIME',
        key: '',
        value: base64(data),
        headers: [],
      })),
    },
  }
}

function shardOf(streamIdentity: string, lane: string): string {
  return lane.slice(streamIdentity.length + 1)
}

function base64(data: Uint8Array): string {
  return Buffer.from(data.buffer, data.byteOffset, data.byteLength).toString('base64')
}
