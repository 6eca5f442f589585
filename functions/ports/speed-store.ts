import type { Alert } from '../core/alert.ts'
import type { Cursor } from '../core/cursor.ts'
import type { Position } from '../core/lane.ts'
import type { RejectionReason } from '../core/record.ts'
import type { Slot } from '../core/slot.ts'
import type { Totals } from '../core/totals.ts'

/** What all rows of a store depend on. */
export interface StoreSettings {
  /** The form in which cursors and rows are written. */
  format: number
  /** The length of the arrival slots that cut the rows, ms. */
  slotMs: number
  /** The system whose rows they are; null while that is not known. */
  systemId: string | null
}

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

/**
 * That a redrive took an entry on. From then on the log may have its events, under the identity (producer, 1). The
 * claim is kept for ever, as the entry is.
 */
export interface RedriveClaim {
  /** The producer id that is derived from the entry; the claim's key. */
  producer: string
  /** The entry, for people who look into the store. */
  entry: Pick<QuarantineEntry, 'lane' | 'position' | 'index'>
  /** Just before the claim was written: copies are recognised for as long after it as producers may retry. */
  claimedMs: number
  /** The log to which the events go, by its identity. */
  log: string
  /** The lane to which every attempt must go; null where the producer id is the key (see EventLog.destinationOf). */
  lane: string | null
}

export interface RedriveState extends RedriveClaim {
  /** When the log had acknowledged the events; null until that is known. */
  appendedMs: number | null
}

/**
 * The store cannot be reached, or did not answer in time: what was asked may have been done or not. Trying again
 * later helps, which no other error promises.
 */
export class SpeedStoreUnavailableError extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options)
    this.name = 'SpeedStoreUnavailableError'
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
 * not known, SpeedStoreUnavailableError where the store is to blame.
 */
export interface SpeedStore {
  /**
   * What of the store cannot be used now, in words for people: tables that are still being made, tables and columns that
   * are gone.
   */
  unready(): Promise<string[]>

  /** Settles what the rows depend on, where nobody has yet; answers what holds. */
  initSettings(asked: StoreSettings): Promise<StoreSettings>
  /**
   * Puts other settings in the place of some. The length of the slots stays.
   *
   * @returns false, and nothing is written, where other settings hold than `from`
   */
  replaceSettings(settings: StoreSettings, from: StoreSettings): Promise<boolean>

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
  /** The newest alerts of a class on a day (UTC) up to a time, newest first; of one time by image id, backwards. */
  readAlerts(query: { className: string; day: string; upToMs: number; limit: number }): Promise<Alert[]>

  /** Keeps entries whose place is not yet known, with bytes of any length that a record can decode to. */
  quarantine(entries: readonly QuarantineEntry[]): Promise<void>
  /** Entries of a lane behind a place (null: from the first), in the order of their places. */
  readQuarantine(query: { lane: string; after: QuarantinePlace | null; limit: number }): Promise<QuarantineEntry[]>

  /** Takes an entry on; false when its producer id is claimed already, by whomever. */
  claimRedrive(claim: RedriveClaim): Promise<boolean>
  /** Notes that the log has a claim's events, harmless to repeat; false when nobody has claimed the producer id. */
  markRedriven(producer: string, appendedMs: number): Promise<boolean>
  /** What is known of producer ids, in no particular order; nothing of those that nobody claimed. */
  readRedrives(producers: readonly string[]): Promise<RedriveState[]>

  close(): Promise<void>
}
