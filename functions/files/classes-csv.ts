import { parse } from 'csv-parse/sync'
import type { ClassList } from '../core/classes.ts'
import { csvCell } from '../core/csv-cell.ts'
import { parseSlotName, type Slot, slotName } from '../core/slot.ts'

/**
 * Reads a list of classes: CSV with the column class_name, and optional columns class_id and since (the name of an
 * arrival slot; empty means always known).
 *
 * @throws Error that says what is wrong in the file
 */
export function parseClassList(csv: string): ClassList {
  const rows = parse(csv, { columns: true, bom: true, skip_empty_lines: true, trim: true }) as Record<string, string>[]
  const classes = new Map<string, Slot>()
  for (const [index, row] of rows.entries()) {
    if (!row.class_name) throw new Error(`the list of classes has no class_name in line ${index + 2}`)
    classes.set(row.class_name, row.since ? parseSlotName(row.since) : 0)
  }
  if (classes.size === 0) throw new Error('the list of classes is empty: it needs the column class_name')
  return classes
}

/** CSV of a class list, with the slot since which each class is known; empty means always. */
export function formatClassList(classes: ClassList, slotMs: number): string {
  const lines = Array.from(classes, ([name, since]) => `${csvCell(name)},${since === 0 ? '' : slotName(since, slotMs)}`)
  return `class_name,since\n${lines.join('\n')}\n`
}
