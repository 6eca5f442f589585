import { DAY_MS, HOUR_MS, MINUTE_MS, SECOND_MS } from './time.ts'

/**
 * An arrival slot is the log's own arrival time cut to the slot length, named by its start in ms. Slots, not event
 * times, divide history between the batch view and the speed rows: a slot ends, an event's window never surely does.
 */
export type Slot = number

/** Bulk imports live in a slot from before there was any log of ours: every view covers it, no log ever wrote to it. */
export const IMPORT_SLOT: Slot = Date.UTC(2025, 0, 1)

/** The cut of a view that counts imports only. */
export function firstCut(slotMs: number): Slot {
  return IMPORT_SLOT + slotMs
}

/** How long a producer may go on retrying a record. */
export const RETRY_LIMIT_MS = 30 * MINUTE_MS

export function slotOf(arrivalMs: number, slotMs: number): Slot {
  return Math.floor(arrivalMs / slotMs) * slotMs
}

/** How far back a copy of a record may lie: the producers' retries plus one slot, in whole slots. */
export function lookBackMs(slotMs: number): number {
  return Math.ceil((RETRY_LIMIT_MS + slotMs) / slotMs) * slotMs
}

/** How long a cursor knows a producer at most, from its last record on. */
export function rememberedMs(slotMs: number): number {
  return lookBackMs(slotMs) + 2 * slotMs
}

/** `2026-11-22T14-00`; with seconds where slots are shorter than a minute. Names sort as their slots do. */
export function slotName(slot: Slot, slotMs: number): string {
  const iso = new Date(slot).toISOString()
  const length = slotMs % MINUTE_MS === 0 ? 16 : 19
  return iso.slice(0, length).replaceAll(':', '-')
}

/** @throws Error when the name is no slot's */
export function parseSlotName(name: string): Slot {
  const match = /^(\d{4}-\d\d-\d\d)T(\d\d)-(\d\d)(?:-(\d\d))?$/.exec(name)
  if (!match) throw new Error(`'${name}' is not the name of an arrival slot`)
  return Date.parse(`${match[1]}T${match[2]}:${match[3]}:${match[4] ?? '00'}Z`)
}

const UNITS: Record<string, number> = { s: SECOND_MS, m: MINUTE_MS, h: HOUR_MS }

/**
 * Reads a slot length such as `1h`, `5m` or `2s`. It must divide a day, so that slots never straddle midnight.
 *
 * @throws Error that says what is accepted
 */
export function parseSlotLength(text: string): number {
  const match = /^(\d{1,5})([smh])$/.exec(text)
  const ms = match ? Number(match[1]) * (UNITS[match[2] as string] as number) : 0
  if (ms < SECOND_MS || ms > HOUR_MS * 24 || DAY_MS % ms !== 0) {
    throw new Error(`'${text}' is not a slot length: write 1h, 5m or 10s, a length that divides a day`)
  }
  return ms
}
