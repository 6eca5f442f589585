import { parseSlotName, type Slot, slotName } from '../core/slot.ts'

/** Where the archive's objects lie: `archive/arrival_slot=2026-11-22T14-00/<lane>-<first>-<last>.parquet`. */
export const ARCHIVE_PREFIX = 'archive/'

export function slotPrefix(slot: Slot, slotMs: number): string {
  return `${ARCHIVE_PREFIX}arrival_slot=${slotName(slot, slotMs)}/`
}

export function archiveKey(slot: Slot, slotMs: number, lane: string, first: string, last: string): string {
  return `${slotPrefix(slot, slotMs)}${lane}-${first}-${last}.parquet`
}

/** What stands behind a key's last `/`. */
export function fileName(key: string): string {
  return key.slice(key.lastIndexOf('/') + 1)
}

/** What an archive file's key tells: its slot, its lane, and the sequence numbers that it begins and ends with. */
export interface ArchiveFileName {
  slot: Slot
  lane: string
  first: string
  last: string
}

/** Null for other keys. */
export function parseArchiveKey(key: string): ArchiveFileName | null {
  const match = /^archive\/arrival_slot=([^/]+)\/(.+)-(\d+)-(\d+)\.parquet$/.exec(key)
  if (!match) return null
  const [, slot, lane, first, last] = match as unknown as [string, string, string, string, string]
  return { slot: parseSlotName(slot), lane, first, last }
}
