import type { KinesisStreamEvent, MSKEvent, MSKRecord } from 'aws-lambda'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { laneName, toPosition, toSequenceNumber } from '../../functions/core/lane.ts'
import type { LogRecord } from '../../functions/core/record.ts'
import { consume, type Delivery, deliveriesOf } from '../../functions/lambda/decode-event.ts'
import { kafkaEvent, kinesisEvent } from '../../functions/lambda/encode-event.ts'
import { NOON_MS } from '../support/factories.ts'

const STREAM = 'image-events-20261122'
const SHARD = 'shardId-000000000003'
const SEQUENCE = '49671438461938461938461938461938461938461938461938461938'

/** Event as the AWS Lambda Developer Guide shows it ("Process Amazon Kinesis Data Streams records with Lambda"). */
const KINESIS: KinesisStreamEvent = {
  Records: [
    {
      kinesis: {
        kinesisSchemaVersion: '1.0',
        partitionKey: '1',
        sequenceNumber: SEQUENCE,
        data: 'SGVsbG8sIHRoaXMgaXMgYSB0ZXN0Lg==',
        approximateArrivalTimestamp: 1545084650.987,
      },
      eventSource: 'aws:kinesis',
      eventVersion: '1.0',
      eventID: `${SHARD}:${SEQUENCE}`,
      eventName: 'aws:kinesis:record',
      invokeIdentityArn: 'arn:aws:iam::123456789012:role/lambda-role',
      awsRegion: 'us-east-2',
      eventSourceARN: 'arn:aws:kinesis:us-east-2:123456789012:stream/lambda-stream',
    },
  ],
}

function kafkaRecord(partition: number, offset: number, changes: Partial<MSKRecord> = {}): MSKRecord {
  return {
    topic: 'image-events',
    partition,
    offset,
    timestamp: NOON_MS + offset,
    timestampType: 'LOG_APPEND_TIME',
    key: 'a2V5',
    value: Buffer.from(`${partition}/${offset}`).toString('base64'),
    headers: [],
    ...changes,
  }
}

/** Several partitions in one event, as MSK and self-managed Kafka send them. */
function kafka(records: MSKEvent['records']): MSKEvent {
  return { eventSource: 'aws:kafka', eventSourceArn: 'arn:aws:kafka:…', bootstrapServers: 'b-1:9092', records }
}

const text = ({ data }: LogRecord) => Buffer.from(data).toString()
const refusing = async () => {
  throw new Error('the store is down')
}

describe('a Kinesis event', () => {
  it('is one delivery, of the lane that its stream and shard name', () => {
    const [delivery, ...others] = deliveriesOf(KINESIS, STREAM)
    expect(others).toEqual([])
    expect(delivery).toMatchObject({ lane: `${STREAM}.${SHARD}`, first: SEQUENCE })
    expect(delivery?.records).toEqual([
      {
        lane: `${STREAM}.${SHARD}`,
        position: SEQUENCE,
        arrivalMs: 1545084650987,
        data: Buffer.from('Hello, this is a test.'),
      },
    ])
  })

  it('without records is not a delivery', () => {
    expect(deliveriesOf({ Records: [] }, STREAM)).toEqual([])
  })

  it('keeps arrival times to the millisecond, although they come as fractions of seconds', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: Date.UTC(2100, 0, 1) }), arrivalMs => {
        const record = { lane: laneName(STREAM, SHARD), position: toPosition(1), arrivalMs, data: Buffer.from('x') }
        const event = JSON.parse(JSON.stringify(kinesisEvent(STREAM, [record]))) as KinesisStreamEvent
        expect(deliveriesOf(event, STREAM)[0]?.records).toEqual([record])
      }),
    )
  })

  it('is given back with the sequence number of its first record, as the log writes it', async () => {
    const response = await consume(KINESIS, STREAM, refusing, () => {})
    expect(response).toEqual({ batchItemFailures: [{ itemIdentifier: SEQUENCE }] })
    const records = [7, 8].map(n => ({
      lane: laneName(STREAM, 's'),
      position: toPosition(n),
      arrivalMs: 1,
      data: Buffer.from(''),
    }))
    const small = await consume(kinesisEvent(STREAM, records), STREAM, refusing, () => {})
    expect(small.batchItemFailures).toEqual([{ itemIdentifier: '7' }])
  })
})

describe('a Kafka event', () => {
  it('is a delivery for each of its partitions', () => {
    const event = kafka({
      'image-events-0': [kafkaRecord(0, 15), kafkaRecord(0, 16)],
      'image-events-11': [kafkaRecord(11, 3)],
      'image-events-2': [],
    })
    const deliveries = deliveriesOf(event, STREAM)
    expect(deliveries.map(({ lane, first }) => [lane, first])).toEqual([
      [`${STREAM}.0`, { partition: 'image-events-0', offset: 15 }],
      [`${STREAM}.11`, { partition: 'image-events-11', offset: 3 }],
    ])
    expect(deliveries.map(({ records }) => records.map(text))).toEqual([['0/15', '0/16'], ['11/3']])
    expect(deliveries[0]?.records[1]).toMatchObject({ position: toPosition(16), arrivalMs: NOON_MS + 16 })
  })

  it('may hold a record without a value', () => {
    const bare = { ...kafkaRecord(0, 1), value: undefined as unknown as string }
    expect(deliveriesOf(kafka({ 'image-events-0': [bare] }), STREAM)[0]?.records.map(text)).toEqual([''])
  })

  it('is processed up to a record that its topic did not stamp, and given back from there with what to do', async () => {
    const unstamped = { timestampType: 'CREATE_TIME' } as const
    const event = kafka({
      'image-events-0': [kafkaRecord(0, 15), kafkaRecord(0, 16), kafkaRecord(0, 17, unstamped), kafkaRecord(0, 18)],
      'image-events-1': [kafkaRecord(1, 4, unstamped)],
      'image-events-2': [kafkaRecord(2, 7)],
    })
    const done: string[] = []
    const givenBack: [string[], string][] = []
    const response = await consume(
      event,
      STREAM,
      async ({ records }) => void done.push(...records.map(text)),
      ({ records }, error) => givenBack.push([records.map(text), String(error)]),
    )
    expect(done).toEqual(['0/15', '0/16', '2/7'])
    expect(response.batchItemFailures).toEqual([
      { itemIdentifier: { partition: 'image-events-0', offset: 17 } },
      { itemIdentifier: { partition: 'image-events-1', offset: 4 } },
    ])
    expect(givenBack).toEqual([
      [
        [],
        expect.stringMatching(
          /offset 17 of partition 0 of the topic image-events .*message.timestamp.type=LogAppendTime/,
        ),
      ],
      [[], expect.stringMatching(/offset 4 of partition 1 /)],
    ])
  })

  it('is given back from its first record when the work fails, also before a record that was not stamped', async () => {
    const event = kafka({
      'image-events-0': [kafkaRecord(0, 15), kafkaRecord(0, 16, { timestampType: 'CREATE_TIME' })],
    })
    const response = await consume(event, STREAM, refusing, () => {})
    expect(response.batchItemFailures).toEqual([{ itemIdentifier: { partition: 'image-events-0', offset: 15 } }])
  })

  it('is given back by partition: only the partitions that failed', async () => {
    const event = kafka({
      'image-events-0': [kafkaRecord(0, 15)],
      'image-events-1': [kafkaRecord(1, 40), kafkaRecord(1, 41)],
      'image-events-2': [kafkaRecord(2, 7)],
    })
    const done: string[] = []
    const givenBack: [Delivery, unknown][] = []
    const response = await consume(
      event,
      STREAM,
      async ({ lane }) => {
        if (lane === `${STREAM}.1`) await refusing()
        done.push(lane)
      },
      (delivery, error) => givenBack.push([delivery, error]),
    )
    expect(done).toEqual([`${STREAM}.0`, `${STREAM}.2`])
    expect(response.batchItemFailures).toEqual([{ itemIdentifier: { partition: 'image-events-1', offset: 40 } }])
    expect(givenBack.map(([{ lane }, error]) => [lane, String(error)])).toEqual([
      [`${STREAM}.1`, 'Error: the store is down'],
    ])
  })
})

describe.each([
  ['Kinesis', kinesisEvent, 'shardId-000000000000', 56],
  ['Kafka', kafkaEvent, '3', 15],
] as const)('the local event of %s', (_, toEvent, shard, digits) => {
  it('is decoded to the records that it was made of', () => {
    const lane = laneName(STREAM, shard)
    const sequence = fc.bigInt({ min: 0n, max: 10n ** BigInt(digits) - 1n })
    const record = fc.record({
      position: sequence.map(toPosition),
      arrivalMs: fc.nat(Date.UTC(2100, 0, 1)),
      data: fc.uint8Array({ maxLength: 30 }),
    })
    fc.assert(
      fc.property(fc.array(record, { minLength: 1, maxLength: 5 }), drawn => {
        const records = drawn.map(each => ({ ...each, lane, data: Buffer.from(each.data) }))
        const [delivery, ...others] = deliveriesOf(toEvent(STREAM, records), STREAM)
        expect(others).toEqual([])
        expect(delivery).toMatchObject({ lane, records })
      }),
    )
  })

  it('returns no failures when everything is done', async () => {
    const records = [{ lane: laneName(STREAM, shard), position: toPosition(1), arrivalMs: 1, data: Buffer.from('x') }]
    const seen: string[] = []
    const work = async (delivery: Delivery) =>
      void seen.push(...delivery.records.map(({ position }) => toSequenceNumber(position)))
    expect(await consume(toEvent(STREAM, records), STREAM, work, () => {})).toEqual({ batchItemFailures: [] })
    expect(seen).toEqual(['1'])
  })
})
