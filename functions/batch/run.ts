import { randomUUID } from 'node:crypto'
import type { Lane } from '../core/lane.ts'
import { firstCut, IMPORT_SLOT, lookBackMs, type Slot, slotName } from '../core/slot.ts'
import { formatTimestamp } from '../core/time.ts'
import { addEach, type Totals } from '../core/totals.ts'
import type { BatchQuery } from '../ports/batch-query.ts'
import type { ObjectStore } from '../ports/object-store.ts'
import { archiveProgress, type Progress } from './completeness.ts'
import { laneOfImport, listImports } from './imports.ts'
import { renderSql } from './sql.ts'
import { type DayTotals, encodeTotalsFile, totalsOfRow } from './totals-file.ts'
import { pruneViews, publishView, type View, viewReader } from './view.ts'

export interface BatchLayer {
  objects: ObjectStore
  query: BatchQuery
  lanes(): Promise<Lane[]>
  slotMs: number
  /** Statements of data/sql. */
  sql: { slotTotals: string; importTotals: string }
  now(): number
}

export interface BatchRun {
  /** The view that is current now; undefined when there is none and nothing to count. */
  view: View | undefined
  /** Whether this run published it. */
  published: boolean
  behind: Progress['behind']
}

/**
 * Brings the batch view up to date: adds the slots that have become complete, and new imports, to the current view's
 * totals and publishes the result as the next view. A run that finds another published meanwhile starts over, so
 * runs may overlap and fail at any point: the current view is always one whole view.
 */
export async function runBatch(layer: BatchLayer): Promise<BatchRun> {
  const { objects, slotMs } = layer
  const views = viewReader(objects)
  for (;;) {
    const startedMs = layer.now()
    const base = await views.current()
    const baseCut = base?.cut ?? firstCut(slotMs)
    const { cut, behind } = await archiveProgress(objects, layer.lanes, slotMs, baseCut)
    const imports = (await listImports(objects, slotMs)).filter(key => !base?.imports.includes(key))
    if (cut === baseCut && imports.length === 0) return { view: base, published: false, behind }

    const totals = new Map<string, Totals>()
    if (base) addEach(totals, keyed(await views.totals(base)))
    const before = imageCount(totals)
    if (cut > baseCut) addEach(totals, keyed(await slotTotals(layer, baseCut, cut)))
    if (imports.length > 0) addEach(totals, keyed(await importTotals(layer, imports)))

    const revision = (base?.revision ?? 0) + 1
    const images = imageCount(totals)
    const view: View = {
      revision,
      cut,
      totalsKey: `totals/${revision}-${randomUUID()}.parquet`,
      imports: [...(base?.imports ?? []), ...imports],
      publishedAt: formatTimestamp(layer.now()),
      audit: { images, added: images - before, seconds: (layer.now() - startedMs) / 1000 },
    }
    await objects.put(view.totalsKey, encodeTotalsFile(unkeyed(totals)))
    if (await publishView(objects, view)) {
      await pruneViews(objects, view)
      return { view, published: true, behind }
    }
    await objects.delete(view.totalsKey)
  }
}

async function slotTotals(layer: BatchLayer, from: Slot, until: Slot): Promise<DayTotals[]> {
  const { slotMs } = layer
  const name = (slot: Slot) => slotName(Math.max(slot, firstCut(slotMs)), slotMs)
  const statement = renderSql(layer.sql.slotTotals, {
    from: name(from),
    until: name(until),
    look_back: name(from - lookBackMs(slotMs)),
    next_slot: name(until),
  })
  return (await layer.query.query(statement)).map(toDayTotals)
}

async function importTotals(layer: BatchLayer, keys: readonly string[]): Promise<DayTotals[]> {
  const days: DayTotals[] = []
  for (const key of keys) {
    const values = { import_slot: slotName(IMPORT_SLOT, layer.slotMs), lane: laneOfImport(key) }
    days.push(...(await layer.query.query(renderSql(layer.sql.importTotals, values))).map(toDayTotals))
  }
  return days
}

function toDayTotals(row: Record<string, unknown>): DayTotals {
  return { day: row.event_day as string, className: row.class_name as string, totals: totalsOfRow(row) }
}

/** Days are of fixed width, so the key can be taken apart again. */
function keyed(days: Iterable<DayTotals>): Iterable<[string, Totals]> {
  return Iterator.from(days).map(({ day, className, totals }) => [`${day}${className}`, totals])
}

function unkeyed(totals: ReadonlyMap<string, Totals>): DayTotals[] {
  return Array.from(totals, ([key, of]) => ({ day: key.slice(0, 10), className: key.slice(10), totals: of })).sort(
    (a, b) => compare(a.day, b.day) || compare(a.className, b.className),
  )
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}

function imageCount(totals: ReadonlyMap<string, Totals>): number {
  return totals.values().reduce((sum, { count }) => sum + count, 0)
}
