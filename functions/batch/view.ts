import { createHash } from 'node:crypto'
import type { Slot } from '../core/slot.ts'
import { MINUTE_MS } from '../core/time.ts'
import type { ObjectStore } from '../ports/object-store.ts'
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
  /** SHA-256 of that file in hex; views of before there were checksums have none. */
  classesSha256?: string
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
  /** SHA-256 of that file in hex; parts of before there were checksums have none. */
  sha256?: string
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

export const VIEW_PREFIX = 'views/'

export function viewKey(revision: number): string {
  return `${VIEW_PREFIX}${String(revision).padStart(12, '0')}.json`
}

export function revisionOf(key: string): number {
  return Number(key.slice(VIEW_PREFIX.length, -'.json'.length))
}

/** A file of the batch view does not hold what was written. A view before it may be whole. */
export class DamagedObjectError extends Error {
  readonly key: string

  /** @param finding what is wrong with the object, as the end of a sentence */
  constructor(key: string, finding: string) {
    super(`the object ${key} ${finding}: restore it from a backup`)
    this.name = 'DamagedObjectError'
    this.key = key
  }
}

export function sha256(bytes: Uint8Array | string): string {
  return createHash('sha256').update(bytes).digest('hex')
}

/**
 * The format of views and of the files that they are made of. It rises whenever they take another form:
 *
 * 1. the first; says no format
 * 2. checksums
 */
export const VIEW_FORMAT = 2

/** A view is whole, and of a form that this code does not read. */
export class UnsupportedViewError extends Error {
  constructor(key: string, form: string) {
    super(
      `the view ${key} ${form}, this landcover reads formats 1 to ${VIEW_FORMAT}: run the landcover that wrote it. Nothing was changed`,
    )
    this.name = 'UnsupportedViewError'
  }
}

/** The bytes of a view, with a checksum over all else that they say. */
export function encodeView(view: View): Uint8Array {
  const stated = { format: VIEW_FORMAT, ...view }
  return Buffer.from(JSON.stringify({ ...stated, checksum: sha256(JSON.stringify(stated)) }, null, 2))
}

/** What views from before format 1 say; their archive lacks columns, so that nothing can be counted from it. */
const FIELDS_BEFORE_FORMATS = 'audit cut imports publishedAt revision totalsKey'

/** What views of before there were checksums say, and nothing else: a damaged name of a field must not pass for one. */
const FIELDS_WITHOUT_CHECKSUM = 'audit classesKey cut imports parts publishedAt revision watched'

/**
 * @throws DamagedObjectError when the bytes are not those of a view of this key
 * @throws UnsupportedViewError when they are those of a view in another form
 */
export function decodeView(key: string, bytes: Uint8Array): View {
  let document: View & { checksum?: unknown; format?: number }
  try {
    document = JSON.parse(Buffer.from(bytes).toString('utf8'))
  } catch {
    throw new DamagedObjectError(key, `is no JSON document (${bytes.byteLength} bytes)`)
  }
  const { checksum, ...stated } = Object(document) as typeof document
  const fields = Object.keys(stated).sort().join(' ')
  if (checksum === undefined && fields === FIELDS_BEFORE_FORMATS) {
    throw new UnsupportedViewError(key, 'has no format: a landcover from before format 1 wrote it')
  }
  const isWhole =
    checksum === undefined ? fields === FIELDS_WITHOUT_CHECKSUM : checksum === sha256(JSON.stringify(stated))
  if (!isWhole) throw new DamagedObjectError(key, 'does not match its checksum')
  const { format = 1, ...view } = stated
  if (format > VIEW_FORMAT) throw new UnsupportedViewError(key, `has format ${format}`)
  if (viewKey(view.revision) !== key) throw new DamagedObjectError(key, `holds view ${view.revision}`)
  return view
}

/** The view of a key; undefined where it is damaged, or there is none any more. */
async function wholeView(objects: ObjectStore, key: string): Promise<View | undefined> {
  const bytes = await objects.get(key)
  try {
    return bytes && decodeView(key, bytes)
  } catch (error) {
    if (error instanceof DamagedObjectError) return undefined
    throw error
  }
}

/** @returns false when another run has published this revision already */
export async function publishView(objects: ObjectStore, view: View): Promise<boolean> {
  return objects.putIfAbsent(viewKey(view.revision), encodeView(view))
}

/** An answer reads the view before the rows and files that go with it; none takes this long. */
export const READERS_MS = 10 * MINUTE_MS

/** Views are small: so many are left however old they are. */
const VIEWS_KEPT = 100
/** All that are left are read for it. */
const PRUNED_AT_ONCE = 10

/**
 * Deletes views that no reader can still be at, and the files that no view is made of any more. Of whole views that have
 * been replaced for READERS_MS one is left at least: by it expiredBefore judges.
 */
export async function pruneViews(objects: ObjectStore, current: View): Promise<void> {
  const keys = await Array.fromAsync(objects.list(VIEW_PREFIX))
  const views = new Map<string, View | undefined>()
  /** Views that have a later one which is whole and old enough, and those that wait for one. */
  const expired: string[] = []
  let waiting: string[] = []
  for (const key of keys) {
    const view = await wholeView(objects, key)
    views.set(key, view)
    if (view) {
      if (Date.parse(current.publishedAt) - Date.parse(view.publishedAt) < READERS_MS) break
      expired.push(...waiting)
      waiting = []
    }
    if (revisionOf(key) > current.revision - VIEWS_KEPT) break
    waiting.push(key)
  }
  if (expired.length < PRUNED_AT_ONCE) return
  // A view that was made on top of an older one than the last may take up files that the last had dropped.
  const kept = new Set(keysOf(current))
  for (const key of keys.slice(expired.length)) {
    const view = views.get(key) ?? (await wholeView(objects, key))
    for (const each of view ? keysOf(view) : []) kept.add(each)
  }
  for (const key of expired) {
    const view = views.get(key)
    for (const each of view ? keysOf(view) : []) if (!kept.has(each)) await objects.delete(each)
    await objects.delete(key)
  }
}

/** Keys of the files that a view is made of, beside its own. */
export function keysOf({ classesKey, parts }: View): string[] {
  return [classesKey, ...Object.values(parts).map(({ key }) => key)]
}
