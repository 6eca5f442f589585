import { DAY_MS, HOUR_MS, MINUTE_MS, SECOND_MS } from './time.ts'

/**
 * Arrival slot: arrival time rounded down to the slot length, named by its start in ms. History is divided between the batch
 * view and the speed rows by slots, not by event time. A slot surely ends; an event for an old window may always come.
 */
export type Slot = number

/** Slot of bulk imports. It lies before any log of ours existed: every view covers it, and no log ever wrote to it. */
export const IMPORT_SLOT: Slot = Date.UTC(2025, 0, 1)

/** Cut of a view that counts imports only. */
export function firstCut(slotMs: number): Slot {
  return IMPORT_SLOT + slotMs
}

/** Time for which a producer may retry a record, ms. */
export const RETRY_LIMIT_MS = 30 * MINUTE_MS

/** Arrival slot of a record: the start of the slot, ms. */
export function slotOf(arrivalMs: number, slotMs: number): Slot {
  return Math.floor(arrivalMs / slotMs) * slotMs
}

/** Computes how far back the original of a copy may lie, ms: the time for retries plus one slot, in whole slots. */
export function lookBackMs(slotMs: number): number {
  return Math.ceil((RETRY_LIMIT_MS + slotMs) / slotMs) * slotMs
}

/** Maximum time for which a cursor keeps a producer after its last record, ms. */
export function rememberedMs(slotMs: number): number {
  return lookBackMs(slotMs) + 2 * slotMs
}

/**
 * Formats a slot, for example `2026-11-22T14-00`; with seconds when slots are shorter than a minute. Names sort like
 * their slots.
 */
export function slotName(slot: Slot, slotMs: number): string {
  const iso = new Date(slot).toISOString()
  const length = slotMs % MINUTE_MS === 0 ? 16 : 19
  return iso.slice(0, length).replaceAll(':', '-')
}

/**
 * Parses the name of a slot.
 *
 * @throws Error when the text is not the name of a slot
 */
export function parseSlotName(name: string): Slot {
  const match = /^(\d{4}-\d\d-\d\d)T(\d\d)-(\d\d)(?:-(\d\d))?$/.exec(name)
  if (!match) throw new Error(`'${name}' is not the name of an arrival slot`)
  return Date.parse(`${match[1]}T${match[2]}:${match[3]}:${match[4] ?? '00'}Z`)
}

const UNITS: Record<string, number> = { s: SECOND_MS, m: MINUTE_MS, h: HOUR_MS }

/** Parses a slot length such as `1h`, `5m` or `2s`. It must divide a day, so that no slot spans midnight. */
export function parseSlotLength(text: string): number {
  const match = /^(\d{1,5})([smh])$/.exec(text)
  const ms = match ? Number(match[1]) * (UNITS[match[2] as string] as number) : 0
  if (ms < SECOND_MS || ms > HOUR_MS * 24 || DAY_MS % ms !== 0) {
    throw new Error(`'${text}' is not a slot length: write 1h, 5m or 10s, a length that divides a day`)
  }
  return ms
}
