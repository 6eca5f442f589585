import type { Position } from '../core/lane.ts'

/** Names of the log's consumers. */
export const SPEED_CONSUMER = 'speed'
export const ARCHIVE_CONSUMER = 'archive'

/**
 * Position up to which each consumer of the log has received each lane. Losing checkpoints costs only time: records
 * that are delivered again have no effect.
 */
export interface Checkpoints {
  read(consumer: string, lane: string): Promise<Position>
  write(consumer: string, lane: string, position: Position): Promise<void>
  close(): Promise<void>
}
