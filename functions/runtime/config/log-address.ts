import { parseAddress } from './address.ts'

/** Which event log is meant. */
export type LogAddress =
  | { kind: 'embedded'; file: string }
  | { kind: 'kafka'; brokers: string[]; topic: string }
  | { kind: 'kinesis'; stream: string }

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
