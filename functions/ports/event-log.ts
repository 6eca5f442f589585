import type { Cursor } from '../core/cursor.ts'
import type { Lane, Position } from '../core/lane.ts'
import type { LogRecord } from '../core/record.ts'

/** Destination of a record: the lane to which its key hashes, or a lane by name. */
export type Destination = { key: string } | { lane: string }
/** Record to append, with its destination. */
export type Append = Destination & { data: Uint8Array }

/** Outcome of appending one record: stored at a position, or not stored as far as is known. */
export type AppendOutcome = { lane: string; position: Position } | AppendFailure

/** Failure to append a record. The log may have stored it all the same. */
export interface AppendFailure {
  /** Reason, for people. */
  error: string
  /**
   * True when the log accepts no record of this size: sending the same bytes again never helps. Otherwise it may help.
   */
  tooLarge?: true
  /** True when the disk of the log refuses writes: sending again helps only after somebody has repaired that. */
  unwritable?: true
}

/** State of the records of a lane behind a cursor. */
export interface Waiting {
  /** Arrival time of the oldest record, ms; null when there is none, or the lane no longer exists. */
  oldestMs: number | null
  /**
   * Reason why the log returns or accepts no records of the lane, and what to do, in words for people; null when it
   * works.
   */
  reason: string | null
}

/** Metadata of a log, for code that receives its records and neither reads nor writes the log. */
export interface LogMetadata {
  /** Identity of the stream. A stream that was created again has another one. Part of each lane's name. */
  readonly identity: string
  /** All lanes, open and closed. */
  lanes(): Promise<Lane[]>
  /**
   * True for a log that promises this. Other logs stamp records with clocks that may be set back; then only slots in
   * the past may count as complete.
   */
  readonly arrivalNeverGoesBack?: true
  waiting(cursor: Pick<Cursor, 'lane' | 'lastPosition' | 'lastArrivalMs'>): Promise<Waiting>
  /**
   * First position of a lane that the log still has; records before it can no longer be read. Null when positions do
   * not follow each other, so that the number of lost records cannot be computed.
   */
  firstKept(lane: string): Promise<Position | null>
}

/** Immutable, ordered log of records. It stamps each record with its own arrival time. */
export interface EventLog extends LogMetadata {
  /** Maximum size of a record, bytes, for any key. */
  readonly maxRecordBytes: number
  /**
   * Chooses the destination for the first and every further attempt to store a record of a key, so that a copy reaches
   * the lane that knows the original. This is the lane by name, if the log may hash the key to another lane later.
   * Otherwise it is the key, which a reshard moves to the lane's children.
   *
   * @param among number of lanes to choose from, starting with the first, when the log chooses the lane; by default all
   *   current lanes. Another number gives another lane: see keyRoute for senders that do not know the lane when they
   *   send a key again.
   */
  destinationOf(key: string, among?: number): Destination
  /**
   * Stores records, each separately: outcomes have the order of the records, and one may fail while others are stored.
   * Records of one call for the same lane keep their order.
   */
  append(records: readonly Append[]): Promise<AppendOutcome[]>
  /** Reads up to `limit` records of a lane behind a position, in order; an empty list when there are none yet. */
  read(lane: string, after: Position, limit: number): Promise<LogRecord[]>
  /**
   * Returns the end of a lane: later appends lie behind it, and all records that were ever read lie at or before it,
   * unless the log has lost records. START before the first record; null when the service cannot lose the end of a
   * lane.
   */
  end(lane: string): Promise<Position | null>
  close(): Promise<void>
}

/** Result of one round of heartbeats. */
export interface Beats {
  /** Lanes of the log, listed before the heartbeats were sent. */
  lanes: Lane[]
  /** Positions of the heartbeats, by lane. */
  positions: ReadonlyMap<string, Position>
  /** First position that the log still has, by lane, if the log can tell: see LogMetadata. */
  firstKept: ReadonlyMap<string, Position>
}
