import type { Alert } from '../../core/alert.ts'
import type { Cursor } from '../../core/cursor.ts'
import type { QuarantineEntry, RedriveState, SpeedRow, StoreSettings } from '../../ports/speed-store.ts'
import { WHOLE_RECORD } from '../cassandra/tables.ts'
import { producersFromText, totalsFromText } from './row-encoding.ts'

/** Conversion of rows for every speed store. The columns are those of tables.ts. */

interface CursorRow {
  lane: string
  last_sequence: string
  producers: string
  last_arrival_ms: number | null
  last_event_ms: number | null
  quarantined: number
  last_heartbeat_delay_ms: number | null
  /** Null in rows of format 1. */
  lost_records: number | null
  last_loss_ms: number | null
}

export function toCursor(cells: object): Cursor {
  const row = cells as CursorRow
  return {
    lane: row.lane,
    lastPosition: row.last_sequence,
    producers: producersFromText(row.producers),
    lastArrivalMs: row.last_arrival_ms,
    lastEventMs: row.last_event_ms,
    quarantined: row.quarantined,
    lastHeartbeatDelayMs: row.last_heartbeat_delay_ms,
    lostRecords: row.lost_records ?? 0,
    lastLossMs: row.last_loss_ms,
  }
}

interface TotalsRow {
  lane: string
  arrival_slot: number
  window_start: number
  last_sequence: string
  totals: string
}

export function toSpeedRow(cells: object): SpeedRow {
  const row = cells as TotalsRow
  return {
    lane: row.lane,
    slot: row.arrival_slot,
    windowStart: row.window_start,
    lastPosition: row.last_sequence,
    totals: totalsFromText(row.totals),
  }
}

interface AlertRow {
  class_name: string
  day: string
  event_ms: number
  image_id: string
  ndvi_mean: number
  ndvi_min: number | null
  ndvi_max: number | null
  rule: string
  score: number
  baseline_version: number
}

export function toAlert(cells: object): Alert {
  const row = cells as AlertRow
  return {
    className: row.class_name,
    day: row.day,
    eventMs: row.event_ms,
    imageId: row.image_id,
    ndviMean: row.ndvi_mean,
    ndviMin: row.ndvi_min,
    ndviMax: row.ndvi_max,
    rule: row.rule,
    score: row.score,
    baselineVersion: row.baseline_version,
  }
}

interface QuarantineRow {
  lane: string
  sequence: string
  line: number
  arrival_ms: number
  reason: QuarantineEntry['reason']
  detail: string
}

/** @param bytes all of them, where the row may hold the first ones only */
export function toQuarantineEntry(cells: object, bytes: Uint8Array): QuarantineEntry {
  const row = cells as QuarantineRow
  return {
    lane: row.lane,
    position: row.sequence,
    index: toIndex(row.line),
    arrivalMs: row.arrival_ms,
    reason: row.reason,
    detail: row.detail,
    bytes,
  }
}

interface RedriveRow {
  producer: string
  entry_lane: string
  entry_sequence: string
  entry_line: number
  claimed_ms: number
  log_identity: string
  lane: string | null
  appended_ms: number | null
}

export function toRedriveState(cells: object): RedriveState {
  const row = cells as RedriveRow
  return {
    producer: row.producer,
    entry: { lane: row.entry_lane, position: row.entry_sequence, index: toIndex(row.entry_line) },
    claimedMs: row.claimed_ms,
    log: row.log_identity,
    lane: row.lane,
    appendedMs: row.appended_ms,
  }
}

function toIndex(line: number): number | null {
  return line === WHOLE_RECORD ? null : line
}

interface SettingsRow {
  format: number
  slot_ms: number
  /** Null in rows of format 1. */
  system_id: string | null
}

export function toStoreSettings(cells: object): StoreSettings {
  const row = cells as SettingsRow
  return { format: row.format, slotMs: row.slot_ms, systemId: row.system_id }
}
