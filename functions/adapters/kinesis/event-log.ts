import { KinesisClient, type KinesisClientConfig } from '@aws-sdk/client-kinesis'
import type { EventLog } from '../../ports/event-log.ts'
import { limitedRequests } from '../aws/requests.ts'
import { appender, MAX_KEY_CHARACTERS } from './append.ts'
import { shardReader } from './read.ts'
import { openStream } from './stream.ts'

/** Options of the log on Kinesis. */
export interface KinesisEventLogOptions {
  stream: string
  /** Endpoint other than AWS's own, such as LocalStack's. AWS_ENDPOINT_URL has the same effect. */
  endpoint?: string
  region?: string
}

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
 * shard. A record that is sent again comes after those that were stored in the meantime. Therefore AWS promises no
 * order for PutRecords. PutRecord with SequenceNumberForOrdering would promise it, with one request for each record and
 * a tenth of the throughput or less. It is not used: a sender that needs order sends the next record after the last is
 * acknowledged. Our producers do so, with one record of an id in flight.
 *
 * @throws Error that says what to do when the stream does not exist; errors of the AWS SDK
 */
export async function openKinesisEventLog(options: KinesisEventLogOptions): Promise<EventLog> {
  const writer = clientOf(options, 1)
  const reader = clientOf(options, READ_ATTEMPTS)
  const close = async (): Promise<void> => {
    writer.destroy()
    reader.destroy()
  }
  const stream = await openStream(reader, options.stream).catch(async error => {
    await close()
    throw error
  })
  const read = shardReader(reader, stream)
  return {
    identity: stream.identity,
    maxRecordBytes: stream.maxRecordBytes - 4 * MAX_KEY_CHARACTERS,
    lanes: stream.lanes,
    destinationOf: key => ({ key }),
    append: appender(writer, stream),
    read,
    async waiting({ lane, lastPosition }) {
      return { oldestMs: (await read(lane, lastPosition, 1))[0]?.arrivalMs ?? null, reason: null }
    },
    // Kinesis keeps the numbers of a shard rising, whatever it has removed.
    end: async () => null,
    // Sequence numbers of a shard do not follow each other.
    firstKept: async () => null,
    close,
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
