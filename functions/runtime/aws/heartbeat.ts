import { openLog, publishesBeats } from '#log'
import { sendHeartbeats } from '../../ingest/heartbeat.ts'

/**
 * Lambda function that sends a heartbeat to every lane, on a schedule. It opens the log each time, so that it soon
 * finds a new log.
 */
export async function handler(): Promise<void> {
  const log = await openLog()
  try {
    const publish = publishesBeats(log.identity)
    const sentMs = Date.now()
    await sendHeartbeats(log, sentMs, beats => publish(beats, sentMs))
  } finally {
    await log.close()
  }
}
