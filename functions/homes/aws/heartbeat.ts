import { outlinePublisher } from '../../adapters/published-outline.ts'
import { sendHeartbeats } from '../../ingest/heartbeat.ts'
import { onFirstCall } from './first-call.ts'
import { openLog } from './log.ts'
import { openObjects } from './ports.ts'

/** Sends a heartbeat on every lane: on a schedule. It has a bucket where it must tell others about the log. */
export const handler = onFirstCall(async () => {
  const log = await openLog()
  const publish = process.env.LANDCOVER_BUCKET ? outlinePublisher(openObjects(), log.identity) : async () => {}
  return () => {
    const sentMs = Date.now()
    return sendHeartbeats(log, sentMs, beats => publish(beats, sentMs))
  }
})
