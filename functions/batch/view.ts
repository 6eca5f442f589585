import type { History } from '../core/history.ts'
import type { Slot } from '../core/slot.ts'
import { MINUTE_MS } from '../core/time.ts'
import type { ObjectStore } from '../ports/object-store.ts'
import type { DayHistory } from './day-history.ts'
import { decodeClasses, decodeDays } from './history-files.ts'
import type { Watched } from './watch.ts'

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
  /** Key of the Parquet file of all time: a row per class. */
  classesKey: string
  /** The days, by month of arrival (of the event, for imports). Views share the parts in which they do not differ. */
  parts: Record<string, Part>
  /** Lanes of the imports that are counted. */
  imports: string[]
  watched: Watched
  publishedAt: string
  audit: Audit
}

export interface Part {
  /** Key of a Parquet file: a row per arrival day, event day and class. */
  key: string
  /** Event days, YYYY-MM-DD. */
  firstDay: string
  lastDay: string
  images: number
}

/** What the run that made a view did. */
export interface Audit {
  kind: 'batch' | 'backfill'
  /** Images that the whole view counts. */
  images: number
  /** Images that this run added; below zero where a backfill found fewer. */
  added: number
  /** Arrival slots that this run read, and what it found in the archive's files of them. */
  slots: number
  files: number
  rows: number
  /** Rows that stood in more than one file, and rows of records that were copies of others. */
  overlapping: number
  copies: number
  /** Events of slots before the cut that came after their slot was counted: a backfill counts them. */
  missed: number
  bytesScanned: number
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
  /** The newest view that had been published by a time, as far as views are kept: for some time, see pruneViews. */
  asOf(timeMs: number): Promise<View | undefined>
  /** All time per class. */
  classes(view: View): Promise<ReadonlyMap<string, History>>
  part(part: Part): Promise<DayHistory[]>
  /** The rows of event days from `first` to `last` (both included, YYYY-MM-DD). */
  days(view: View, first: string, last: string): Promise<DayHistory[]>
}

export function viewReader(objects: ObjectStore): ViewReader {
  let latest: View | undefined
  const part = async ({ key }: Part) => decodeDays(await existing(objects, key))
  const readClasses = rememberLast(async (key: string) => decodeClasses(await existing(objects, key)))

  async function current(): Promise<View | undefined> {
    let newest: string | undefined
    for await (const key of objects.list(VIEW_PREFIX, latest && viewKey(latest.revision))) newest = key
    if (newest !== undefined) {
      const view = parseView(await existing(objects, newest))
      if (view.revision > (latest?.revision ?? 0)) latest = view
    }
    return latest
  }

  return {
    current,
    async asOf(timeMs) {
      let view = await current()
      while (view && Date.parse(view.publishedAt) > timeMs) {
        const bytes = await objects.get(viewKey(view.revision - 1))
        view = bytes && parseView(bytes)
      }
      return view
    },
    classes: view => readClasses(view.classesKey),
    part,
    async days({ parts }, first, last) {
      const within = Object.values(parts).filter(({ firstDay, lastDay }) => firstDay <= last && lastDay >= first)
      const rows: DayHistory[] = []
      for (const each of within) rows.push(...(await part(each)).filter(({ day }) => first <= day && day <= last))
      return rows
    },
  }
}

/** Answers a question that was the last one before, too, from memory. */
function rememberLast<Answer>(ask: (key: string) => Promise<Answer>): (key: string) => Promise<Answer> {
  let last: { key: string; answer: Promise<Answer> } | undefined
  return key => {
    if (last?.key !== key) {
      const asked = { key, answer: ask(key) }
      asked.answer.catch(() => {
        if (last === asked) last = undefined
      })
      last = asked
    }
    return last.answer
  }
}

async function existing(objects: ObjectStore, key: string): Promise<Uint8Array> {
  const bytes = await objects.get(key)
  if (!bytes) throw new Error(`the object ${key} is missing`)
  return bytes
}

function parseView(bytes: Uint8Array): View {
  return JSON.parse(Buffer.from(bytes).toString('utf8')) as View
}

/** An answer reads the view before the rows and files that go with it; none takes this long. */
export const READERS_MS = 10 * MINUTE_MS

/** Views are small: so many are left however old they are. */
const VIEWS_KEPT = 100

/**
 * Deletes views that no reader can still be at, and the files that only they are made of. Of those that have been
 * replaced for READERS_MS one is left at least: by it expiredBefore judges.
 */
export async function pruneViews(objects: ObjectStore, current: View): Promise<void> {
  let old: View | undefined
  for await (const key of objects.list(VIEW_PREFIX)) {
    const bytes = await objects.get(key)
    if (!bytes) continue
    const view = parseView(bytes)
    if (Date.parse(current.publishedAt) - Date.parse(view.publishedAt) < READERS_MS) return
    if (old) {
      // A file that one view drops no later one takes up again.
      const kept = new Set(keysOf(view))
      for (const dropped of keysOf(old)) if (!kept.has(dropped)) await objects.delete(dropped)
      await objects.delete(viewKey(old.revision))
    }
    if (view.revision > current.revision - VIEWS_KEPT) return
    old = view
  }
}

function keysOf({ classesKey, parts }: View): string[] {
  return [classesKey, ...Object.values(parts).map(({ key }) => key)]
}
