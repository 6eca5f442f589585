import type { Alert } from '../core/alert.ts'
import type { Cursor } from '../core/cursor.ts'
import type { Position } from '../core/lane.ts'
import type { RejectionReason } from '../core/record.ts'
import type { Slot } from '../core/slot.ts'
import type { Totals } from '../core/totals.ts'

/** Identifies a row of totals: what one lane received in one arrival slot for one event-time window. */
export interface RowKey {
  slot: Slot
  lane: string
  /** Start of the window, ms. */
  windowStart: number
}

export interface SpeedRow extends RowKey {
  /** The last record that the totals include. */
  lastPosition: Position
  /** Totals per class name. */
  totals: ReadonlyMap<string, Totals>
}

/** Something that came in and is no event: kept for ever, with its place and why. */
export interface QuarantineEntry {
  lane: string
  position: Position
  /** Line of the record, null where the whole record is meant. */
  index: number | null
  arrivalMs: number
  reason: RejectionReason
  detail: string
  bytes: Uint8Array
}

/**
 * Where an entry stands. Entries of a lane are ordered by the hour of their arrival, then by position, then by line
 * (the whole record before its first line): stores divide what they keep for ever by time.
 */
export type QuarantinePlace = Pick<QuarantineEntry, 'arrivalMs' | 'position' | 'index'>

/** How far countQuarantined counts unless told otherwise. */
export const QUARANTINE_COUNT_LIMIT = 1_000

/**
 * The store cannot be reached, or did not answer in time: what was asked may have been done or not. Trying again
 * later helps, which no other error promises.
 */
export class SpeedStoreUnavailable extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options)
    this.name = 'SpeedStoreUnavailable'
  }
}

/** Slots from `from` (included) to `until` (not included). */
export interface SlotRange {
  from: Slot
  until: Slot
}

/**
 * State of the speed layer. Writes of cursors and rows are compare-and-set on the position they replace: the answer
 * false means that nothing was written because another writer was first. Every method throws when the outcome is
 * not known, SpeedStoreUnavailable where the store is to blame.
 */
export interface SpeedStore {
  readCursor(lane: string): Promise<Cursor | undefined>
  readCursors(): Promise<Cursor[]>
  createCursor(cursor: Cursor): Promise<boolean>
  moveCursor(cursor: Cursor, from: Position): Promise<boolean>

  readRow(key: RowKey): Promise<SpeedRow | undefined>
  /**
   * Every row of a lane whose arrival slot lies in the range, in no particular order. A range may be as wide as one
   * likes: it costs what lies in it.
   */
  readRows(lane: string, slots: SlotRange): Promise<SpeedRow[]>
  /** @param replacing the stored row's last position; null when there must be no row yet */
  writeRow(row: SpeedRow, replacing: Position | null): Promise<boolean>

  putAlerts(alerts: readonly Alert[]): Promise<void>
  /** The newest alerts of a class on a day (UTC), newest first. */
  readAlerts(query: { className: string; day: string; limit: number }): Promise<Alert[]>

  /** Keeps entries whose place is not yet known, with bytes of any length that a record can decode to. */
  quarantine(entries: readonly QuarantineEntry[]): Promise<void>
  /** Entries of a lane behind a place (null: from the first), in the order of their places. */
  readQuarantine(query: { lane: string; after: QuarantinePlace | null; limit: number }): Promise<QuarantineEntry[]>
  /** How many entries all lanes have. Counting ends at `upTo`: that answer means "so many, or more". */
  countQuarantined(upTo?: number): Promise<number>

  close(): Promise<void>
}
