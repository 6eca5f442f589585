import { sendHeartbeats } from '../../ingest/heartbeat.ts'
import { onFirstCall } from './first-call.ts'
import { openLog } from './ports.ts'

/** Sends a heartbeat on every lane: on a schedule. */
export const handler = onFirstCall(async () => {
  const log = await openLog()
  return () => sendHeartbeats(log, Date.now())
})
