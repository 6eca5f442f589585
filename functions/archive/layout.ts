import { parseSlotName, type Slot, slotName } from '../core/slot.ts'

/** Where the archive's objects lie: `archive/arrival_slot=2026-11-22T14-00/<lane>-<first>-<last>.parquet`. */
export const ARCHIVE_PREFIX = 'archive/'

export function slotPrefix(slot: Slot, slotMs: number): string {
  return `${ARCHIVE_PREFIX}arrival_slot=${slotName(slot, slotMs)}/`
}

export function archiveKey(slot: Slot, slotMs: number, lane: string, first: string, last: string): string {
  return `${slotPrefix(slot, slotMs)}${lane}-${first}-${last}.parquet`
}

/** The slot and lane of an archive file's key; null for other keys. */
export function parseArchiveKey(key: string): { slot: Slot; lane: string } | null {
  const match = /^archive\/arrival_slot=([^/]+)\/(.+)-\d+-\d+\.parquet$/.exec(key)
  return match && { slot: parseSlotName(match[1] as string), lane: match[2] as string }
}
