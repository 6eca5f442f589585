import type { Slot } from '../core/slot.ts'
import type { ObjectStore } from '../ports/object-store.ts'
import { type DayTotals, decodeTotalsFile } from './totals-file.ts'

/**
 * A view is what the batch layer says of history: every record of an arrival slot before `cut`, once. It never
 * changes. Each view names the next number of one chain, so of two runs that build on the same view only one can
 * publish, and the current view is the last.
 */
export interface View {
  /** 1, 2, 3 … */
  revision: number
  /** H: the view counts the arrival slots before this one. */
  cut: Slot
  /** Key of the Parquet file of totals. */
  totalsKey: string
  /** Keys of the imported files that are counted. */
  imports: string[]
  publishedAt: string
  audit: Audit
}

/** What the run that made a view did. */
export interface Audit {
  /** Images that the whole view counts. */
  images: number
  /** Images that this run added. */
  added: number
  seconds: number
}

const VIEW_PREFIX = 'views/'

function viewKey(revision: number): string {
  return `${VIEW_PREFIX}${String(revision).padStart(12, '0')}.json`
}

/** @returns false when another run has published this revision already */
export async function publishView(objects: ObjectStore, view: View): Promise<boolean> {
  return objects.putIfAbsent(viewKey(view.revision), Buffer.from(JSON.stringify(view, null, 2)))
}

/** Reads the current view; remembers how far it has looked, so that asking again costs one short listing. */
export interface ViewReader {
  current(): Promise<View | undefined>
  /** The totals of a view. */
  totals(view: View): Promise<readonly DayTotals[]>
}

export function viewReader(objects: ObjectStore): ViewReader {
  let latest: View | undefined
  let totalsOf: { revision: number; totals: Promise<readonly DayTotals[]> } | undefined

  return {
    async current() {
      let newest: string | undefined
      for await (const key of objects.list(VIEW_PREFIX, latest && viewKey(latest.revision))) newest = key
      if (newest !== undefined) {
        const view = JSON.parse(Buffer.from(await existing(objects, newest)).toString('utf8')) as View
        if (view.revision > (latest?.revision ?? 0)) latest = view
      }
      return latest
    },
    totals(view) {
      if (totalsOf?.revision !== view.revision) {
        const totals = existing(objects, view.totalsKey).then(decodeTotalsFile)
        totalsOf = { revision: view.revision, totals }
        totals.catch(() => {
          totalsOf = undefined
        })
      }
      return totalsOf.totals
    },
  }
}

async function existing(objects: ObjectStore, key: string): Promise<Uint8Array> {
  const bytes = await objects.get(key)
  if (!bytes) throw new Error(`the object ${key} is missing`)
  return bytes
}

/** Views are small but come often where slots are short; readers are at most moments behind. */
const VIEWS_KEPT = 100

/** Deletes views, and their totals, that no reader can still be at. */
export async function pruneViews(objects: ObjectStore, current: View): Promise<void> {
  for await (const key of objects.list(VIEW_PREFIX)) {
    const bytes = await objects.get(key)
    if (!bytes) continue
    const view = JSON.parse(Buffer.from(bytes).toString('utf8')) as View
    if (view.revision > current.revision - VIEWS_KEPT) return
    await objects.delete(view.totalsKey)
    await objects.delete(key)
  }
}
