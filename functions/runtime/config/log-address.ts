import { parseAddress } from './address.ts'

/** Address of an event log. */
export type LogAddress =
  | { kind: 'embedded'; file: string }
  | { kind: 'kafka'; brokers: string[]; topic: string }
  | { kind: 'kinesis'; stream: string }

export const DEFAULT_TOPIC = 'image-events'

const DEFAULT_KAFKA_PORT = 9092

const FORM = { shape: 'kafka://HOST:PORT/TOPIC or kinesis://STREAM', variables: 'LANDCOVER_KAFKA_' }

/**
 * Parses the address of an event log.
 *
 * @param topic default topic for a Kafka address without one
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
  throw new Error(`'${text}' is not an event log: write ${FORM.shape}`)
}

/** Returns the name of the log for messages, without its hosts. */
export function describeLog(address: LogAddress): string {
  if (address.kind === 'embedded') return 'its own file'
  return address.kind === 'kafka' ? `Kafka topic ${address.topic}` : `Kinesis stream ${address.stream}`
}
