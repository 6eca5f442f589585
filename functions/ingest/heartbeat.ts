import type { Position } from '../core/lane.ts'
import { encodeHeartbeat } from '../core/record.ts'
import { MINUTE_MS } from '../core/time.ts'
import type { Beats, EventLog } from '../ports/event-log.ts'

/** Returns the interval of heartbeats, ms: a minute, or less when slots are shorter than two minutes. */
export function heartbeatEveryMs(slotMs: number): number {
  return Math.min(slotMs / 2, MINUTE_MS)
}

/**
 * Sends a heartbeat to every open lane. On an idle stream heartbeats close windows, show the batch layer that the lane
 * has advanced, and measure the delay.
 *
 * @param onSent called with the result of the round, even if the log refused some heartbeats
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
