import type { Cursor } from '../core/cursor.ts'
import type { Lane, Position } from '../core/lane.ts'
import type { LogRecord } from '../core/record.ts'

/** Where a record goes: to the lane that its key hashes to, or to one lane by name. */
export type Destination = { key: string } | { lane: string }
export type Append = Destination & { data: Uint8Array }

/** What became of one record: stored for good at a place, or not, as far as is known. */
export type AppendOutcome = { lane: string; position: Position } | AppendFailure

export interface AppendFailure {
  /** Why, for people. */
  error: string
  /** True where the log takes no record of so many bytes: sending the same bytes again never helps. Else it may. */
  tooLarge?: true
}

/** What of a lane lies behind a cursor. */
export interface Waiting {
  /** When the oldest record arrived, ms; null when there is none, or the lane is gone. */
  oldestMs: number | null
  /** Why the log hands nothing of it out, or takes nothing, and what to do, in words for people; null where it does. */
  reason: string | null
}

/** A log as those know it who are handed its records, and neither read nor write it. */
export interface LogMetadata {
  /** Identity of the stream: a recreated one has another. Part of every lane's name. */
  readonly identity: string
  /** All lanes, open and closed. */
  lanes(): Promise<Lane[]>
  /**
   * True for a log that promises it. Others stamp by clocks that may be set back: then only what lies in the past may be
   * taken for complete.
   */
  readonly arrivalNeverGoesBack?: true
  waiting(cursor: Pick<Cursor, 'lane' | 'lastPosition' | 'lastArrivalMs'>): Promise<Waiting>
  /**
   * The position from which on a lane still has what was stored, so that whatever lies before it can no longer be read.
   * Null where positions do not follow each other, so that nobody can tell how many records that are.
   */
  firstKept(lane: string): Promise<Position | null>
}

/** An immutable, ordered log of records that stamps each with its own arrival time. */
export interface EventLog extends LogMetadata {
  /** A record of so many bytes fits, whatever its key. */
  readonly maxRecordBytes: number
  /**
   * Where the first and every further attempt to store one record of a key must go, so that a copy meets the lane that
   * knows the original: that lane by name where the log may hash the key elsewhere later on, or else the key itself,
   * which a reshard takes to the lane's children.
   *
   * @param among how many lanes to choose from, the first ones, where the log chooses one; all of now by default. With
   *   another number a key has another lane: see keyRoute for keys that are sent again by who does not know the lane
   */
  destinationOf(key: string, among?: number): Destination
  /**
   * Stores records, each on its own: outcomes come in the order of the records, and one may fail beside others that
   * are stored. Records of one call that go to the same lane keep their order.
   */
  append(records: readonly Append[]): Promise<AppendOutcome[]>
  /** Up to `limit` records of a lane behind a position, in order; none where there are none yet. */
  read(lane: string, after: Position, limit: number): Promise<LogRecord[]>
  /**
   * The end of a lane: what is appended from now on lies behind it, and what was ever read lies at or before it, unless
   * the log has lost records. START before the first record; null where the service cannot lose the end of a lane.
   */
  end(lane: string): Promise<Position | null>
  close(): Promise<void>
}

/** A round of heartbeats. */
export interface Beats {
  /** Those of the log, as listed before the heartbeats were sent. */
  lanes: Lane[]
  /** Where the log has the heartbeats, by lane. */
  positions: ReadonlyMap<string, Position>
  /** From where on the log has each lane, where it can tell: see LogMetadata. */
  firstKept: ReadonlyMap<string, Position>
}
