import { firstCut, IMPORT_SLOT, lookBackMs, type Slot, slotName } from '../core/slot.ts'
import type { BatchQuery, QueryAnswer } from '../ports/batch-query.ts'
import { type Archived, leaptSlots } from './completeness.ts'
import { type DayHistory, dayHistoryOfAnswer, integer, mergeDays } from './day-history.ts'
import { replacingIn } from './replacements.ts'
import { lookOfRow, type SiteLook } from './site-looks.ts'
import { type BatchSql, renderSql } from './sql.ts'
import { ValidationError } from './validation-error.ts'

/** Rows and events in the archive's files, by slot name; only slots with rows. */
export type ContentOfSlots = Map<string, { rows: number; events: number }>

/** Result of counting a range of slots in the archive. */
export interface SlotsCounted {
  days: DayHistory[]
  looks: SiteLook[]
  content: ContentOfSlots
  bytesScanned: number
}

/** Maximum number of slots that one statement reads, so that its cost is bounded. */
const SLOTS_PER_STATEMENT = 24

/**
 * Counts the events of the given slots, in order. Slots between them have no files and count as empty.
 *
 * @param archive its files of the slots, of the look-back before them and of all later slots
 * @param imports those that the view counts; some may replace events of the slots
 */
export async function countSlots(
  query: BatchQuery,
  sql: BatchSql,
  slotMs: number,
  slots: readonly Slot[],
  archive: Archived,
  imports: readonly string[] = [],
): Promise<SlotsCounted> {
  const all: SlotsCounted[] = []
  const name = (slot: Slot) => slotName(Math.max(slot, firstCut(slotMs)), slotMs)
  let end = 0
  for (const first of slots) {
    if (first < end) continue
    end = Math.min(first + SLOTS_PER_STATEMENT * slotMs, (slots.at(-1) as Slot) + slotMs)
    const range = { from: name(first), until: name(end), lane: '' as const }
    const lookBack = first - lookBackMs(slotMs)
    const leapt = leaptSlots(archive, lookBack, end).map(name)
    all.push(
      await ask(query, sql, slotMs, {
        ...range,
        look_back: name(lookBack),
        next_slot: name(end),
        leapt_slots: leapt,
        replacing: replacingIn(imports, first, end),
      }),
    )
  }
  return mergeCounts(all)
}

/** Maximum number of imports in one statement: it names each, and engines limit the length of a statement. */
const IMPORTS_PER_STATEMENT = 1_000

/** Counts imports, which are named by their lanes. */
export async function countImports(
  query: BatchQuery,
  sql: BatchSql,
  slotMs: number,
  lanes: readonly string[],
): Promise<SlotsCounted> {
  const all: SlotsCounted[] = []
  const from = slotName(IMPORT_SLOT, slotMs)
  const until = slotName(firstCut(slotMs), slotMs)
  for (let start = 0; start < lanes.length; start += IMPORTS_PER_STATEMENT) {
    const lane = lanes.slice(start, start + IMPORTS_PER_STATEMENT)
    const nothing = { leapt_slots: [], replacing: [] }
    all.push(await ask(query, sql, slotMs, { from, until, lane, look_back: from, next_slot: from, ...nothing }))
  }
  return mergeCounts(all)
}

interface Values {
  from: string
  until: string
  /** Empty string for all lanes. */
  lane: '' | readonly string[]
  look_back: string
  next_slot: string
  leapt_slots: readonly string[]
  /** Lanes of imports whose images count instead of those of scenes on the log. */
  replacing: readonly string[]
}

async function ask(query: BatchQuery, sql: BatchSql, slotMs: number, values: Values): Promise<SlotsCounted> {
  // The content is read before the totals. A file that is written between the two is counted but not in the content;
  // the next run detects it.
  const content = await askContent(query, sql, values)
  const import_slot = slotName(IMPORT_SLOT, slotMs)
  const others = values.replacing.length > 0 ? [...values.leapt_slots, import_slot] : values.leapt_slots
  const span = { first: values.look_back, last: values.next_slot, others }
  const constants = { slot_ms: slotMs, look_back_ms: lookBackMs(slotMs), import_slot }
  const render = (text: string) => renderSql(text, { ...values, ...constants })
  const totals = await query.query(render(sql.totals), span, values.lane || undefined)
  const lookCount = totals.rows.reduce((sum, row) => sum + Number(integer(row, 'look_count')), 0)
  // Events without a site or a place need no second statement.
  const looks = lookCount > 0 ? await query.query(render(sql.looks), span, values.lane || undefined) : NO_ROWS
  if (looks.rows.length !== lookCount) {
    throw new ValidationError(
      `${looks.rows.length} looks were read of ${lookCount} that were counted, for arrivals from ${values.from} to ${values.until}: the archive changed between the two. The next run counts again`,
    )
  }
  return {
    days: mergeDays(totals.rows.map(dayHistoryOfAnswer)),
    looks: looks.rows.map(lookOfRow),
    content: content.slots,
    bytesScanned: totals.bytesScanned + looks.bytesScanned + content.bytesScanned,
  }
}

const NO_ROWS: QueryAnswer = { rows: [], bytesScanned: 0 }

/** Reads the content of slots in the archive. */
export async function contentOf(
  query: BatchQuery,
  sql: BatchSql,
  slotMs: number,
  slots: readonly Slot[],
): Promise<ContentOfSlots> {
  const found: ContentOfSlots = new Map()
  for (const slot of slots) {
    const range = { from: slotName(slot, slotMs), until: slotName(slot + slotMs, slotMs), lane: '' as const }
    for (const [name, content] of (await askContent(query, sql, range)).slots) found.set(name, content)
  }
  return found
}

async function askContent(
  query: BatchQuery,
  sql: BatchSql,
  values: Pick<Values, 'from' | 'until' | 'lane'>,
): Promise<{ slots: ContentOfSlots; bytesScanned: number }> {
  const span = { first: values.from, last: values.until }
  const statement = renderSql(sql.content, { ...values })
  const { rows, bytesScanned } = await query.query(statement, span, values.lane || undefined)
  const slots: ContentOfSlots = new Map(
    rows.map(row => [
      row.arrival_slot as string,
      { rows: Number(integer(row, 'row_count')), events: Number(integer(row, 'event_count')) },
    ]),
  )
  return { slots, bytesScanned }
}

/** Merges the results for several sets of slots or imports. */
export function mergeCounts(all: readonly SlotsCounted[]): SlotsCounted {
  const content: ContentOfSlots = new Map()
  for (const each of all) {
    for (const [slot, { rows, events }] of each.content) {
      const known = content.get(slot) ?? { rows: 0, events: 0 }
      content.set(slot, { rows: known.rows + rows, events: known.events + events })
    }
  }
  return {
    days: mergeDays(all.flatMap(({ days }) => days)),
    looks: all.flatMap(({ looks }) => looks),
    content,
    bytesScanned: all.reduce((sum, { bytesScanned }) => sum + bytesScanned, 0),
  }
}
