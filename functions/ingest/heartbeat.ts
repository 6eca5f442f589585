import type { Position } from '../core/lane.ts'
import { encodeHeartbeat } from '../core/record.ts'
import { MINUTE_MS } from '../core/time.ts'
import type { Beats, EventLog } from '../ports/event-log.ts'

/** How often heartbeats are sent: on AWS every minute, and more often where slots are shorter than two. */
export function heartbeatEveryMs(slotMs: number): number {
  return Math.min(slotMs / 2, MINUTE_MS)
}

/**
 * Puts a heartbeat on every open lane: on an idle stream it closes windows, lets the batch layer see that the lane
 * has moved on, and measures the delay.
 *
 * @param onSent is told of the round, also where the log refused some
 */
export async function sendHeartbeats(
  log: EventLog,
  nowMs: number,
  onSent: (beats: Beats) => Promise<void> = async () => {},
): Promise<void> {
  const lanes = await log.lanes()
  const data = encodeHeartbeat(nowMs)
  const open = lanes.filter(lane => !lane.closed)
  const outcomes = await log.append(open.map(({ name }) => ({ lane: name, data })))
  const stored = outcomes.filter(outcome => 'position' in outcome)
  const firstKept = new Map<string, Position>()
  for (const { name } of lanes) {
    const position = await log.firstKept(name)
    if (position !== null) firstKept.set(name, position)
  }
  await onSent({ lanes, positions: new Map(stored.map(({ lane, position }) => [lane, position])), firstKept })
  const refused = outcomes.find(outcome => 'error' in outcome)
  if (refused) throw new Error(`a heartbeat was refused: ${refused.error}`)
}
