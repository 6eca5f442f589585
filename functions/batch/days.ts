import { addTotals, emptyTotals } from '../core/totals.ts'
import { readParquet } from '../parquet/read.ts'
import type { ObjectStore } from '../ports/object-store.ts'
import { DAYS, type DayRow, dayRow } from './days-table.ts'
import { DamagedObjectError, decodeView, type Part, type View, viewKey } from './view.ts'
import type { ViewReader } from './view-reader.ts'

/**
 * Writes the table file of the newest view's days if there is none, and removes those of views that are gone. The days
 * of parts that did not change since the newest file are copied from it; the others are added up from their parts. So a
 * run reads the parts of a month or two, however long the history is.
 */
export async function publishDays(objects: ObjectStore, views: ViewReader, oldest: number | undefined): Promise<void> {
  const written = await DAYS.written(objects)
  await DAYS.deleteBefore(objects, written, oldest)
  try {
    const view = await views.current()
    if (!view || written.includes(view.revision)) return
    const before = written.filter(revision => revision < view.revision && revision >= (oldest ?? 0)).at(-1)
    const rows = await rowsOf(objects, views, view, before)
    await objects.putIfAbsent(DAYS.keyOf(view.revision), DAYS.encode(view, rows))
  } catch (error) {
    // Answers skip a damaged view, and so does the table.
    if (!(error instanceof DamagedObjectError)) throw error
  }
}

async function rowsOf(
  objects: ObjectStore,
  views: ViewReader,
  view: View,
  before: number | undefined,
): Promise<DayRow[]> {
  const base = before === undefined ? undefined : await fileOf(objects, before)
  const ranges = base ? changedDays(base.parts, view.parts) : Object.values(view.parts)
  const isChanged = (day: string) => ranges.some(({ firstDay, lastDay }) => firstDay <= day && day <= lastDay)
  const rows = base ? base.rows.filter(({ event_day }) => !isChanged(event_day as string)) : []
  const counted = new Map<string, DayRow>()
  for (const { firstDay, lastDay } of ranges) {
    const days = await views.days(view, firstDay, lastDay)
    const alike = Map.groupBy(days, ({ day, className }) => `${day}${className}`)
    for (const [key, [first, ...others]] of alike) {
      if (!first) continue
      const totals = [first, ...others].map(({ history }) => history.totals).reduce(addTotals, emptyTotals())
      counted.set(key, dayRow(first.day, first.className, totals))
    }
  }
  const keyOf = ({ event_day, class_name }: DayRow) => `${event_day}${class_name}`
  return [...rows, ...counted.values()].sort((a, b) => (keyOf(a) < keyOf(b) ? -1 : 1))
}

/** Parts of either view that are not in the other. */
function changedDays(before: View['parts'], after: View['parts']): Part[] {
  const names = new Set([...Object.keys(before), ...Object.keys(after)])
  return [...names].flatMap(name => {
    const [old, now] = [before[name], after[name]]
    return old?.key === now?.key ? [] : [old, now].filter(part => part !== undefined)
  })
}

/** Rows of the file of a revision, with the parts of its view; undefined if one of them is gone or damaged. */
async function fileOf(
  objects: ObjectStore,
  revision: number,
): Promise<{ rows: DayRow[]; parts: View['parts'] } | undefined> {
  const [file, bytes] = await Promise.all([objects.get(DAYS.keyOf(revision)), objects.get(viewKey(revision))])
  if (!file || !bytes) return undefined
  try {
    const { parts } = decodeView(viewKey(revision), bytes)
    return { rows: (await readParquet(file)) as DayRow[], parts }
  } catch {
    return undefined
  }
}
