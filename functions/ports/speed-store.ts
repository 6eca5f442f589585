import type { Cursor } from '../core/cursor.ts'
import type { Position } from '../core/lane.ts'
import type { RejectionReason } from '../core/record.ts'
import type { Slot } from '../core/slot.ts'
import type { Totals } from '../core/totals.ts'
import type { UnusualImage } from '../core/unusual-image.ts'

/** Settings on which all rows of a store depend. */
export interface StoreSettings {
  /** Format number of cursors and rows. */
  format: number
  /** Length of the arrival slots by which the rows are divided, ms. */
  slotMs: number
  /** Id of the system that owns the rows; null while it is unknown. */
  systemId: string | null
}

/** Key of a row of totals: the events that one lane received in one arrival slot for one window. */
export interface RowKey {
  slot: Slot
  lane: string
  /** Start of the window, ms. */
  windowStart: number
}

/** Row of the live totals: one window, lane and arrival slot. */
export interface SpeedRow extends RowKey {
  /** Position of the last record that the totals include. */
  lastPosition: Position
  /** Totals by class name. */
  totals: ReadonlyMap<string, Totals>
}

/** Line or record that is not a valid event, kept without end, with its place and the reason. */
export interface QuarantineEntry {
  lane: string
  position: Position
  /** Line of the record; null when the whole record is meant. */
  line: number | null
  arrivalMs: number
  reason: RejectionReason
  detail: string
  bytes: Uint8Array
}

/**
 * Place of an entry in its lane. Entries of a lane are ordered by the hour of their arrival, then by position, then by
 * line (the whole record before its first line). The reason: stores partition entries by time, because they keep them
 * without end.
 */
export type QuarantinePlace = Pick<QuarantineEntry, 'arrivalMs' | 'position' | 'line'>

/** Entry with the first part of its bytes. */
export interface QuarantineHead extends QuarantineEntry {
  /** Length of all its bytes. */
  length: number
}

/**
 * Claim: this redrive owns the entry. From then on the log may contain its events, with the identity (producer, 1). The
 * claim is kept without end, like the entry.
 */
export interface RedriveClaim {
  /** Producer id that is derived from the entry. It is the key of the claim. */
  producer: string
  /** Place of the entry, for people who look into the store. */
  entry: Pick<QuarantineEntry, 'lane' | 'position' | 'line'>
  /** Time just before the claim was written, ms. Copies are recognised after it for as long as producers may retry. */
  claimedMs: number
  /** Identity of the log to which the events go. */
  log: string
  /** Lane to which every attempt must go; null when the producer id is the key (see EventLog.destinationOf). */
  lane: string | null
}

/** Claim of a quarantine entry, with the state of its events. */
export interface RedriveState extends RedriveClaim {
  /** Time when the log had acknowledged the events, ms; null until then. */
  appendedMs: number | null
}

/**
 * Thrown when the store cannot be reached or did not answer in time. The operation may or may not have been done. Only
 * this error says that a later attempt helps.
 */
export class SpeedStoreUnavailableError extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options)
    this.name = 'SpeedStoreUnavailableError'
  }
}

/** Range of slots from `from` (included) to `until` (not included). */
export interface SlotRange {
  from: Slot
  until: Slot
}

/**
 * Store for the state of the speed layer. Cursors and rows are written by compare-and-set on the position that they
 * replace: false means that nothing was written, because another writer was first. Every method throws when the outcome
 * is unknown, and SpeedStoreUnavailableError when the store is the cause.
 */
export interface SpeedStore {
  /**
   * Lists the parts of the store that cannot be used now, in words for people: tables that are still being created,
   * missing tables and columns.
   */
  unready(): Promise<string[]>

  /** Stores the settings if there are none yet, and returns the stored settings. */
  initSettings(asked: StoreSettings): Promise<StoreSettings>
  /**
   * Replaces the settings. The slot length stays.
   *
   * @returns false, without writing, when the stored settings differ from `from`
   */
  replaceSettings(settings: StoreSettings, from: StoreSettings): Promise<boolean>

  readCursor(lane: string): Promise<Cursor | undefined>
  readCursors(): Promise<Cursor[]>
  createCursor(cursor: Cursor): Promise<boolean>
  moveCursor(cursor: Cursor, from: Position): Promise<boolean>

  readRow(key: RowKey): Promise<SpeedRow | undefined>
  /**
   * Reads all rows of a lane whose arrival slot lies in the range, in no particular order. The range may have any
   * width: the cost depends on the rows in it.
   */
  readRows(lane: string, slots: SlotRange): Promise<SpeedRow[]>
  /**
   * Writes a row by compare-and-set.
   *
   * @param replacing last position of the stored row; null when there must not be a row yet
   */
  writeRow(row: SpeedRow, replacing: Position | null): Promise<boolean>

  putUnusualImages(unusualImages: readonly UnusualImage[]): Promise<void>
  /**
   * Reads the newest unusual images of a class on a UTC day up to a time, newest first; those of the same time by image
   * id, descending.
   */
  readUnusualImages(query: { className: string; day: string; upToMs: number; limit: number }): Promise<UnusualImage[]>

  /** Stores the entries whose place is not stored yet. Their bytes may have any length to which a record can decode. */
  quarantine(entries: readonly QuarantineEntry[]): Promise<void>
  /** Reads entries of a lane behind a place (null: from the first), in the order of their places. */
  readQuarantine(query: { lane: string; after: QuarantinePlace | null; limit: number }): Promise<QuarantineEntry[]>
  /**
   * Reads entries of a lane before a place (null: from the last), the last one first. At most `mostBytes` bytes of an
   * entry are returned, and kept in memory.
   */
  readNewestQuarantine(query: {
    lane: string
    before: QuarantinePlace | null
    limit: number
    mostBytes: number
  }): Promise<QuarantineHead[]>

  /** Writes a claim; false when its producer id is claimed already. */
  claimRedrive(claim: RedriveClaim): Promise<boolean>
  /** Marks a claim as appended to the log. Harmless to repeat; false when there is no such claim. */
  markRedriven(producer: string, appendedMs: number): Promise<boolean>
  /** Reads the claims of producer ids, in no particular order. Ids without a claim are missing in the answer. */
  readRedrives(producers: readonly string[]): Promise<RedriveState[]>

  close(): Promise<void>
}
