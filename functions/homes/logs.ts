import { openSqliteEventLog } from '../adapters/sqlite-event-log.ts'
import type { Position } from '../core/lane.ts'
import { kafkaEvent, kinesisEvent, type ToLambdaEvent } from '../local/lambda-events.ts'
import type { EventLog } from '../ports/event-log.ts'
import { parseAddress } from './address.ts'
import type { Environment } from './environment.ts'

/** Which event log is meant. */
export type LogAddress =
  | { kind: 'embedded'; file: string }
  | { kind: 'kafka'; brokers: string[]; topic: string }
  | { kind: 'kinesis'; stream: string }

/** An event log with what its home must know of it. */
export interface OpenedLog {
  log: EventLog
  /** Makes the Lambda event of its kind. */
  toEvent: ToLambdaEvent
  /** Forgets old records, where no service does so by itself: see openSqliteEventLog. */
  trim?(lane: string, upTo: Position, arrivedBefore: number): void
}

export const DEFAULT_TOPIC = 'image-events'

const DEFAULT_KAFKA_PORT = 9092

const FORM = { shape: 'kafka://HOST:PORT/TOPIC or kinesis://STREAM', variables: 'LANDCOVER_KAFKA_' }

/**
 * @param topic the topic where a Kafka address names none
 * @throws Error that says what is accepted
 */
export function parseLogAddress(text: string, topic: string = DEFAULT_TOPIC): LogAddress {
  const { scheme, hosts, name } = parseAddress(text, FORM)
  if (scheme === 'kafka') {
    const brokers = hosts.map(host => (/:\d+$/.test(host) ? host : `${host}:${DEFAULT_KAFKA_PORT}`))
    return { kind: 'kafka', brokers, topic: name ?? topic }
  }
  const [stream, ...others] = hosts
  if (scheme === 'kinesis' && stream && others.length === 0 && name === undefined) return { kind: 'kinesis', stream }
  throw new Error(`'${text}' is no event log: write ${FORM.shape}`)
}

/** What the log is called, wherever its servers are. */
export function describeLog(address: LogAddress): string {
  if (address.kind === 'embedded') return 'its own file'
  return address.kind === 'kafka' ? `Kafka topic ${address.topic}` : `Kinesis stream ${address.stream}`
}

/** @throws Error in one line that says what to do when the log cannot be reached or used */
export async function openLog(address: LogAddress, environment: Environment): Promise<OpenedLog> {
  switch (address.kind) {
    case 'embedded': {
      const log = openSqliteEventLog({ file: address.file })
      return { log, toEvent: kinesisEvent, trim: log.trim }
    }
    case 'kafka': {
      const { openKafkaEventLog } = await import('../adapters/kafka-event-log.ts')
      const { brokers, topic } = address
      return { log: await openKafkaEventLog({ brokers, topic, ...environment.kafka }), toEvent: kafkaEvent }
    }
    case 'kinesis': {
      const { openKinesisEventLog } = await import('../adapters/kinesis-event-log.ts')
      return { log: await openKinesisEventLog({ stream: address.stream }), toEvent: kinesisEvent }
    }
  }
}
