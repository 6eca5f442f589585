import { openKinesisEventLog } from '../../adapters/kinesis/event-log.ts'
import type { Beats, EventLog, LogMetadata } from '../../ports/event-log.ts'
import { parseLogAddress } from '../config/log-address.ts'
import { logMetadataOf } from '../log-metadata.ts'
import { variable } from './variables.ts'

/** Module `#log` for the functions of a stage on Kinesis. */

/**
 * Opens the log.
 *
 * @throws Error when the stream cannot be reached or used
 */
export async function openLog(): Promise<EventLog> {
  const text = variable('LANDCOVER_LOG')
  const address = parseLogAddress(text)
  if (address.kind !== 'kinesis') throw new Error(`${text} is not a stream`)
  return openKinesisEventLog({ stream: address.stream })
}

/**
 * Opens the metadata of the log.
 *
 * @throws Error like openLog
 */
export async function openLogMetadata(): Promise<LogMetadata> {
  return logMetadataOf(await openLog())
}

/** Publishes nothing: every function can read the stream itself. */
export function publishesBeats(_identity: string): (beats: Beats, sentMs: number) => Promise<void> {
  return async () => {}
}
