import { readLogin } from '../../adapters/aws/secret-login.ts'
import { type KafkaLogin, openKafkaEventLog } from '../../adapters/kafka/event-log.ts'
import { logMetadataPublisher, openPublishedLogMetadata } from '../../adapters/published-log-metadata.ts'
import type { Beats, EventLog, LogMetadata } from '../../ports/event-log.ts'
import { iamLogin, passwordLogin } from '../config/kafka-login.ts'
import { parseLogAddress } from '../config/log-address.ts'
import { openObjects, slotMs } from './open.ts'
import { variable } from './variables.ts'

/** Module `#log` for the functions of a stage on Kafka. Functions that append are in the network of the brokers. */

/**
 * Opens the log.
 *
 * @throws Error when the brokers cannot be reached, the log-in is refused, or the topic cannot be used
 */
export async function openLog(): Promise<EventLog> {
  const text = variable('LANDCOVER_LOG')
  const address = parseLogAddress(text)
  if (address.kind !== 'kafka') throw new Error(`${text} is not a Kafka topic`)
  const { brokers, topic } = address
  const sasl = await kafkaLogin(process.env.LANDCOVER_LOG_LOGIN)
  return openKafkaEventLog({ brokers, topic, ...(sasl && { sasl, tls: true }) })
}

async function kafkaLogin(login: string | undefined): Promise<KafkaLogin | undefined> {
  if (!login) return undefined
  return login === 'iam' ? iamLogin(process.env.AWS_REGION as string) : passwordLogin(await readLogin(login))
}

/**
 * Reads the published metadata of the log.
 *
 * @throws Error when the heartbeat function has not published any yet
 */
export function openLogMetadata(): Promise<LogMetadata> {
  return openPublishedLogMetadata(openObjects(), slotMs(), Date.now)
}

/** Publishes the log's metadata for functions outside the network. */
export function publishesBeats(identity: string): (beats: Beats, sentMs: number) => Promise<void> {
  return logMetadataPublisher(openObjects(), identity)
}
