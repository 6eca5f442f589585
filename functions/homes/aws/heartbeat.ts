import { openLog, publishesBeats } from '#log'
import { sendHeartbeats } from '../../ingest/heartbeat.ts'
import { onFirstCall } from './first-call.ts'

/** Sends a heartbeat on every lane: on a schedule. */
export const handler = onFirstCall(async () => {
  const log = await openLog()
  const publish = publishesBeats(log.identity)
  return () => {
    const sentMs = Date.now()
    return sendHeartbeats(log, sentMs, beats => publish(beats, sentMs))
  }
})
