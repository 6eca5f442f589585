import { parseSlotName, type Slot, slotName } from '../core/slot.ts'

/** Key prefix of the archive's objects: `archive/arrival_slot=2026-11-22T14-00/<lane>-<first>-<last>.parquet`. */
export const ARCHIVE_PREFIX = 'archive/'

/** Prefixes of lanes that are not the log's own. A lane of a log begins with the identity of its log. */
export const COMPACTED_LANE_PREFIX = 'compacted-'
export const IMPORT_LANE_PREFIX = 'import-'

/** Key prefix of a slot's files: a partition of the table. */
export function slotPrefix(slot: Slot, slotMs: number): string {
  return `${ARCHIVE_PREFIX}arrival_slot=${slotName(slot, slotMs)}/`
}

/** Key of a file with a lane's records from `first` to `last`. */
export function archiveKey(slot: Slot, slotMs: number, lane: string, first: string, last: string): string {
  return `${slotPrefix(slot, slotMs)}${lane}-${first}-${last}.parquet`
}

/** Returns the part of a key behind its last `/`. */
export function fileName(key: string): string {
  return key.slice(key.lastIndexOf('/') + 1)
}

/** Content of the key of an archive file: slot, lane, and the first and last sequence number. */
export interface ArchiveFileName {
  slot: Slot
  lane: string
  first: string
  last: string
}

/** Parses the key of an archive file; null for other keys. */
export function parseArchiveKey(key: string): ArchiveFileName | null {
  const match = /^archive\/arrival_slot=([^/]+)\/(.+)-(\d+)-(\d+)\.parquet$/.exec(key)
  if (!match) return null
  const [, slot, lane, first, last] = match as unknown as [string, string, string, string, string]
  return { slot: parseSlotName(slot), lane, first, last }
}
