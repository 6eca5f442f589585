import type { KinesisStreamEvent, MSKEvent, MSKRecord, SelfManagedKafkaEvent } from 'aws-lambda'
import { laneName, toPosition } from '../core/lane.ts'
import type { LogRecord } from '../core/record.ts'

/** Lambda events that carry records of a log. */
export type LogEvent = KinesisStreamEvent | MSKEvent | SelfManagedKafkaEvent

/** Records of one lane in a Lambda event, in order. */
export interface Delivery {
  lane: string
  records: LogRecord[]
  /** Identifier of the first record in a batch response. */
  first: ItemIdentifier
  /**
   * First record that cannot be accepted, with the reason; the records behind it are refused, too. Null when all are
   * accepted.
   */
  refused: { item: ItemIdentifier; reason: string } | null
}

/**
 * Identifier of a record in a batch response: the sequence number of Kinesis, or `topic-partition` and offset of Kafka
 * (AWS Lambda Developer Guide, "Configuring partial batch response with Kinesis Data Streams and Lambda", "Configuring
 * error handling controls for Kafka event sources").
 */
export type ItemIdentifier = string | { partition: string; offset: number }

/** Answer to a delivery: the first record of each lane from which Lambda delivers again. */
export interface BatchResponse {
  batchItemFailures: { itemIdentifier: ItemIdentifier }[]
}

/**
 * Splits an event into deliveries by lane. A Kinesis event contains records of one shard, a Kafka event may contain
 * several partitions.
 *
 * @param streamIdentity identity of the event's stream or topic, with which the names of its lanes begin
 */
export function deliveriesOf(event: LogEvent, streamIdentity: string): Delivery[] {
  return 'Records' in event ? kinesisDeliveries(event, streamIdentity) : kafkaDeliveries(event, streamIdentity)
}

function kinesisDeliveries(event: KinesisStreamEvent, streamIdentity: string): Delivery[] {
  const [first] = event.Records
  if (!first) return []
  const lane = laneName(streamIdentity, first.eventID.slice(0, first.eventID.indexOf(':')))
  const records = event.Records.map(({ kinesis }) => ({
    lane,
    position: toPosition(kinesis.sequenceNumber),
    arrivalMs: Math.round(kinesis.approximateArrivalTimestamp * 1000),
    data: Buffer.from(kinesis.data, 'base64'),
  }))
  return [{ lane, records, first: first.kinesis.sequenceNumber, refused: null }]
}

function kafkaDeliveries(event: MSKEvent | SelfManagedKafkaEvent, streamIdentity: string): Delivery[] {
  return Object.entries(event.records).flatMap(([topicPartition, batch]) => {
    const [first] = batch
    if (!first) return []
    const lane = laneName(streamIdentity, first.partition)
    const itemOf = ({ offset }: MSKRecord) => ({ partition: topicPartition, offset })
    const unstamped = batch.find(({ timestampType }) => timestampType !== 'LOG_APPEND_TIME')
    const stamped = unstamped ? batch.slice(0, batch.indexOf(unstamped)) : batch
    const refused = unstamped ? { item: itemOf(unstamped), reason: unstampedAt(unstamped) } : null
    return [{ lane, records: stamped.map(record => kafkaRecord(lane, record)), first: itemOf(first), refused }]
  })
}

function unstampedAt({ topic, partition, offset }: MSKRecord): string {
  return `the record at offset ${offset} of partition ${partition} of the topic ${topic} carries its producer's time, not its arrival time: set message.timestamp.type=LogAppendTime, and see "Records without the broker's time" in docs/engines.md`
}

function kafkaRecord(lane: string, { offset, timestamp, value }: MSKRecord): LogRecord {
  return { lane, position: toPosition(offset), arrivalMs: timestamp, data: Buffer.from(value ?? '', 'base64') }
}

/**
 * Processes each delivery of an event, and gives back the failed ones whole, by their first record. It does not throw
 * when a store is down: the mapping would then split the batch into halves. That helps against a record that breaks the
 * code, but only adds load to a store that is down. A record that cannot be accepted is given back with the records
 * behind it, and without those before it.
 */
export async function consume(
  event: LogEvent,
  streamIdentity: string,
  work: (delivery: Delivery) => Promise<void>,
  onGivenBack: (delivery: Delivery, error: unknown) => void,
): Promise<BatchResponse> {
  const response: BatchResponse = { batchItemFailures: [] }
  for (const delivery of deliveriesOf(event, streamIdentity)) {
    const { records, first, refused } = delivery
    try {
      if (records.length > 0) await work(delivery)
    } catch (error) {
      onGivenBack(delivery, error)
      response.batchItemFailures.push({ itemIdentifier: first })
      continue
    }
    if (!refused) continue
    onGivenBack({ ...delivery, records: [] }, new Error(refused.reason))
    response.batchItemFailures.push({ itemIdentifier: refused.item })
  }
  return response
}
