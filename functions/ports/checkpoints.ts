import type { Position } from '../core/lane.ts'

/** The consumers of the log. */
export const SPEED_CONSUMER = 'speed'
export const ARCHIVE_CONSUMER = 'archive'

/**
 * How far each consumer of the log has been handed each lane. Losing it costs time only: what is delivered again has
 * no effect.
 */
export interface Checkpoints {
  read(consumer: string, lane: string): Promise<Position>
  write(consumer: string, lane: string, position: Position): Promise<void>
  close(): Promise<void>
}
