import { encodeHeartbeat } from '../core/record.ts'
import type { EventLog } from '../ports/event-log.ts'

/**
 * Puts a heartbeat on every open lane: on an idle stream it closes windows, lets the batch layer see that the lane
 * has moved on, and measures the delay.
 */
export async function sendHeartbeats(log: EventLog, nowMs: number): Promise<void> {
  const open = (await log.lanes()).filter(lane => !lane.closed)
  const data = encodeHeartbeat(nowMs)
  const outcomes = await log.append(open.map(({ name }) => ({ lane: name, data })))
  const refused = outcomes.find(outcome => 'error' in outcome)
  if (refused) throw new Error(`a heartbeat was refused: ${refused.error}`)
}
