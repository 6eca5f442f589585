import type { Cursor } from '../../core/cursor.ts'
import type { UnusualImage } from '../../core/unusual-image.ts'
import type { QuarantineEntry, RedriveClaim, RedriveState, SpeedRow, StoreSettings } from '../../ports/speed-store.ts'
import { producersFromText, producersToText, totalsFromText, totalsToText } from './row-encoding.ts'
import { WHOLE_RECORD } from './tables.ts'

/** Conversion between objects and rows, for every speed store. The columns are those of tables.ts. */

/** Cell of a row. */
type Cell = string | number | null
/** Cells of a row by column name. */
export type Cells = Record<string, Cell>

/** Column of a field, and the conversions between the field's value and its cell. */
interface Field<T> {
  column: string
  toCell(value: T): Cell
  fromCell(cell: unknown): T
}

/** Form of a row: a field for each property of the object. */
export type RowForm<T> = { readonly [Name in keyof T]: Field<T[Name]> }

/** Field whose value is its cell. */
function plain<T extends Cell>(column: string): Field<T> {
  return { column, toCell: value => value, fromCell: cell => cell as T }
}

/** Line of an entry; null, for a whole record, is stored as a number because a key has no null. */
function line(column: string): Field<number | null> {
  return {
    column,
    toCell: index => index ?? WHOLE_RECORD,
    fromCell: cell => (cell === WHOLE_RECORD ? null : (cell as number)),
  }
}

export const SETTINGS_FORM: RowForm<StoreSettings> = {
  format: plain('format'),
  slotMs: plain('slot_ms'),
  systemId: plain('system_id'),
}

export const CURSOR_FORM: RowForm<Cursor> = {
  lane: plain('lane'),
  lastPosition: plain('last_sequence'),
  producers: { column: 'producers', toCell: producersToText, fromCell: cell => producersFromText(cell as string) },
  lastArrivalMs: plain('last_arrival_ms'),
  lastEventMs: plain('last_event_ms'),
  quarantined: plain('quarantined'),
  lastHeartbeatDelayMs: plain('last_heartbeat_delay_ms'),
  // Null in rows of format 1.
  lostRecords: { ...plain<number>('lost_records'), fromCell: cell => (cell as number | null) ?? 0 },
  lastLossMs: plain('last_loss_ms'),
}

export const TOTALS_FORM: RowForm<SpeedRow> = {
  lane: plain('lane'),
  slot: plain('arrival_slot'),
  windowStart: plain('window_start'),
  lastPosition: plain('last_sequence'),
  totals: { column: 'totals', toCell: totalsToText, fromCell: cell => totalsFromText(cell as string) },
}

export const UNUSUAL_IMAGE_FORM: RowForm<UnusualImage> = {
  className: plain('class_name'),
  day: plain('day'),
  eventMs: plain('event_ms'),
  imageId: plain('image_id'),
  ndviMean: plain('ndvi_mean'),
  ndviMin: plain('ndvi_min'),
  ndviMax: plain('ndvi_max'),
  rule: plain('rule'),
  score: plain('score'),
  baselineVersion: plain('baseline_version'),
}

/** Form of a quarantine entry without its bytes, which a store may divide. */
export const QUARANTINE_FORM: RowForm<Omit<QuarantineEntry, 'bytes'>> = {
  lane: plain('lane'),
  position: plain('sequence'),
  line: line('line'),
  arrivalMs: plain('arrival_ms'),
  reason: plain('reason'),
  detail: plain('detail'),
}

const CLAIM_FORM: RowForm<Omit<RedriveClaim, 'entry'>> = {
  producer: plain('producer'),
  claimedMs: plain('claimed_ms'),
  log: plain('log_identity'),
  lane: plain('lane'),
}

const CLAIMED_ENTRY_FORM: RowForm<RedriveClaim['entry']> = {
  lane: plain('entry_lane'),
  position: plain('entry_sequence'),
  line: line('entry_line'),
}

/** Encodes an object as the cells of a row. */
export function toCells<T extends object>(form: RowForm<T>, value: T): Cells {
  const cells: Cells = {}
  for (const [name, { column, toCell }] of fieldsOf(form)) cells[column] = toCell(value[name])
  return cells
}

/** Decodes the cells of a row. */
export function fromCells<T extends object>(form: RowForm<T>, cells: object): T {
  const value: Partial<T> = {}
  for (const [name, { column, fromCell }] of fieldsOf(form)) {
    value[name] = fromCell((cells as Record<string, unknown>)[column])
  }
  return value as T
}

function fieldsOf<T extends object>(form: RowForm<T>): [keyof T, Field<T[keyof T]>][] {
  return Object.entries(form) as [keyof T, Field<T[keyof T]>][]
}

/** Encodes a claim. Its row has no cell for the time of its append yet. */
export function claimToCells({ entry, ...claim }: RedriveClaim): Cells {
  return { ...toCells(CLAIM_FORM, claim), ...toCells(CLAIMED_ENTRY_FORM, entry) }
}

/** Decodes the row of a claim. */
export function toRedriveState(cells: object): RedriveState {
  const { appended_ms: appendedMs } = cells as { appended_ms: number | null }
  return { ...fromCells(CLAIM_FORM, cells), entry: fromCells(CLAIMED_ENTRY_FORM, cells), appendedMs }
}

/** Decodes the row of a cursor. */
export const toCursor = (cells: object): Cursor => fromCells(CURSOR_FORM, cells)

/** Decodes a row of totals. */
export const toSpeedRow = (cells: object): SpeedRow => fromCells(TOTALS_FORM, cells)

/** Decodes the row of an unusual image. */
export const toUnusualImage = (cells: object): UnusualImage => fromCells(UNUSUAL_IMAGE_FORM, cells)
