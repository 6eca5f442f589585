import { createHash } from 'node:crypto'
import type { Slot } from '../core/slot.ts'
import { MINUTE_MS } from '../core/time.ts'
import type { ObjectStore } from '../ports/object-store.ts'
import type { Watched } from './watch.ts'

/**
 * Result of the batch layer over history: every record of an arrival slot before `cut`, counted once. A view never
 * changes. Each view has the next number of one chain, so of two runs that build on the same view only one can publish.
 * The current view is the last one.
 */
export interface View {
  /** 1, 2, 3 … */
  revision: number
  /** Cut, called H: the view counts the arrival slots before this one. */
  cut: Slot
  /** Key of the Parquet file over all time: a row for each class. */
  classesKey: string
  /** SHA-256 of that file in hex; absent in views that were written before there were checksums. */
  classesSha256?: string
  /** Parts by month of arrival (for imports: by month of the event). Views share parts that do not differ. */
  parts: Record<string, Part>
  /**
   * Files with the looks at sites, by group of sites and year. Views share those that do not differ. Absent in views of
   * before format 3: they count no looks.
   */
  sites?: Record<string, SitePart>
  /** Lanes of the counted imports. */
  imports: string[]
  watched: Watched
  publishedAt: string
  audit: Audit
}

/** Prefix of the names of the parts that hold imports. */
export const IMPORT_PARTS = 'import-'

/** File of a view with the rows of some event days. */
export interface Part {
  /** Key of a Parquet file: a row for each arrival day, event day and class. */
  key: string
  /** SHA-256 of that file in hex; absent in parts that were written before there were checksums. */
  sha256?: string
  /** First and last event day, YYYY-MM-DD. */
  firstDay: string
  lastDay: string
  images: number
}

/** File of a view with the looks of some sites in a year. */
export interface SitePart {
  /** Key of a Parquet file: a row for each look. */
  key: string
  /** SHA-256 of that file in hex. */
  sha256: string
  looks: number
}

/** Record of the run that made a view. */
export interface Audit {
  kind: 'batch' | 'backfill'
  /** Images that the whole view counts. */
  images: number
  /** Images that this run added; negative when a backfill found fewer. */
  added: number
  /** Arrival slots that this run read, and the files and rows that it found for them. */
  slots: number
  files: number
  rows: number
  /** Rows that were in more than one file, and rows of records that were copies of others. */
  overlapping: number
  copies: number
  /** Events that arrived in a slot after the slot was counted. A backfill counts them. */
  missed: number
  bytesScanned: number
  seconds: number
}

export const VIEW_PREFIX = 'views/'
/** Prefix of files of all time. Views of before 0.2.0 have theirs below `landcover_aggregates/as_of=…`. */
export const CLASSES_PREFIX = 'history/classes/'

/** Revision in the name of an object: of fixed width, so that names sort like revisions. */
export function revisionName(revision: number): string {
  return String(revision).padStart(12, '0')
}

/** Key of a view. Keys sort like revisions. */
export function viewKey(revision: number): string {
  return `${VIEW_PREFIX}${revisionName(revision)}.json`
}

/** Revision in the key of a view. */
export function revisionOf(key: string): number {
  return Number(key.slice(VIEW_PREFIX.length, -'.json'.length))
}

/** Thrown when a file of the batch view does not contain what was written. An older view may be whole. */
export class DamagedObjectError extends Error {
  readonly key: string

  /**
   * Names the object and what is wrong.
   *
   * @param finding what is wrong with the object, as the end of a sentence
   */
  constructor(key: string, finding: string) {
    super(`the object ${key} ${finding}: restore it from a backup`)
    this.name = 'DamagedObjectError'
    this.key = key
  }
}

/** SHA-256 in hex. */
export function sha256(bytes: Uint8Array | string): string {
  return createHash('sha256').update(bytes).digest('hex')
}

/**
 * Format number of views and of their files. It increases with every change of their form:
 *
 * 1. the first format; it names no format
 * 2. checksums
 * 3. looks at sites
 */
export const VIEW_FORMAT = 3

/** Thrown when a view is whole but in a format that this code cannot read. */
export class UnsupportedViewError extends Error {
  constructor(key: string, form: string) {
    super(
      `the view ${key} ${form}, this landcover reads formats 1 to ${VIEW_FORMAT}: run the landcover that wrote it. Nothing was changed`,
    )
    this.name = 'UnsupportedViewError'
  }
}

/** Encodes a view with a checksum over all its fields. */
export function encodeView(view: View): Uint8Array {
  const stated = { format: VIEW_FORMAT, ...view }
  return Buffer.from(JSON.stringify({ ...stated, checksum: sha256(JSON.stringify(stated)) }, null, 2))
}

/** Fields of views from before format 1. Their archive lacks columns, so nothing can be counted from it. */
const FIELDS_BEFORE_FORMATS = 'audit cut imports publishedAt revision totalsKey'

/**
 * Fields of views from before there were checksums. No other field is accepted: a damaged field name must not pass for
 * one.
 */
const FIELDS_WITHOUT_CHECKSUM = 'audit classesKey cut imports parts publishedAt revision watched'

/**
 * Decodes a view.
 *
 * @throws DamagedObjectError when the bytes are not those of a view with this key
 * @throws UnsupportedViewError when they are a view in another format
 */
export function decodeView(key: string, bytes: Uint8Array): View {
  let document: View & { checksum?: unknown; format?: number }
  try {
    document = JSON.parse(Buffer.from(bytes).toString('utf8'))
  } catch {
    throw new DamagedObjectError(key, `is not a JSON document (${bytes.byteLength} bytes)`)
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

/** Reads the view of a key; undefined when it is damaged or no longer exists. */
async function wholeView(objects: ObjectStore, key: string): Promise<View | undefined> {
  const bytes = await objects.get(key)
  try {
    return bytes && decodeView(key, bytes)
  } catch (error) {
    if (error instanceof DamagedObjectError) return undefined
    throw error
  }
}

/**
 * Publishes a view.
 *
 * @returns false when another run has published this revision already
 */
export async function publishView(objects: ObjectStore, view: View): Promise<boolean> {
  return objects.putIfAbsent(viewKey(view.revision), encodeView(view))
}

/** Time within which every reader finishes, ms. An answer reads the view before the rows and files that go with it. */
export const READERS_MS = 10 * MINUTE_MS

/** Number of newest views that are kept, however old they are. Views are small. */
const VIEWS_KEPT = 100
/** Number of expired views from which on they are deleted. Deleting reads all views that are kept. */
const PRUNED_AT_ONCE = 10

/**
 * Deletes views that no reader can be reading any more, and the files that belong to no other view. Of the whole views
 * that were replaced at least READERS_MS ago, it keeps at least one, because expiredBefore needs it.
 */
export async function pruneViews(objects: ObjectStore, current: View): Promise<void> {
  const keys = await Array.fromAsync(objects.list(VIEW_PREFIX))
  const views = new Map<string, View | undefined>()
  /** Views that have a later whole view that is old enough, and views that wait for one. */
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
  // A view that builds on an older view than the last one may use files that the last one had dropped.
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

/** Returns the keys of the files that belong to a view, without its own key. */
export function keysOf({ classesKey, parts, sites = {} }: View): string[] {
  return [classesKey, ...[...Object.values(parts), ...Object.values(sites)].map(({ key }) => key)]
}
