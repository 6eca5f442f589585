import type { History } from '../core/history.ts'
import { SPEED_RETENTION_MS } from '../core/retention.ts'
import { DAY_MS } from '../core/time.ts'
import type { ObjectStore } from '../ports/object-store.ts'
import type { DayHistory } from './day-history.ts'
import { decodeClasses, decodeDays } from './history-files.ts'
import { decodeLooks, type SiteLook } from './site-looks.ts'
import {
  DamagedObjectError,
  decodeView,
  keysOf,
  type Part,
  revisionOf,
  type SitePart,
  sha256,
  UnsupportedViewError,
  VIEW_PREFIX,
  type View,
  viewKey,
} from './view.ts'

/** State of the chain of views. */
export interface ViewChain {
  /** Newest view that is whole, with its file of all time; undefined when there is none. */
  view: View | undefined
  /** Revision of the newest view, whole or not; 0 before the first. */
  revision: number
  /** Damaged views that are newer than the whole one, and damaged files that were read. */
  damages: DamagedObjectError[]
}

/**
 * Reader of views. It remembers the latest view, so that a repeated question costs one short listing. A damaged view
 * counts as not published: the newest whole view before it is used, with its own cut, until the next view is published.
 */
export interface ViewReader {
  /**
   * Returns the newest whole view; undefined before the first.
   *
   * @throws DamagedObjectError when there are views and none is whole
   */
  current(): Promise<View | undefined>
  /**
   * Returns the state of the chain.
   *
   * @throws Error only when the object store cannot be read
   */
  chain(): Promise<ViewChain>
  /**
   * Computes an answer from the current view. If a file that is read for it is damaged, the newest older view without
   * that file is used. `ask` must contain all that depends on the view.
   *
   * @throws DamagedObjectError when there is no such view
   */
  read<Answer>(ask: (view: View | undefined) => Promise<Answer>): Promise<Answer>
  /**
   * Returns the newest whole view that was published by a time. Old views are deleted after some time: see pruneViews.
   */
  asOf(timeMs: number): Promise<View | undefined>
  /**
   * Reads the history of each class over all time.
   *
   * @throws DamagedObjectError
   */
  classes(view: View): Promise<ReadonlyMap<string, History>>
  /**
   * Reads a part.
   *
   * @throws DamagedObjectError
   */
  part(part: Part): Promise<DayHistory[]>
  /**
   * Reads the looks of a file.
   *
   * @throws DamagedObjectError
   */
  looks(part: SitePart): Promise<SiteLook[]>
  /**
   * Reads the rows of the event days from `first` to `last` (both included, YYYY-MM-DD).
   *
   * @param options.only the class whose rows are read; all where none is named
   * @param options.most number of rows above which no further part is read
   * @throws DamagedObjectError
   */
  days(
    view: View,
    first: string,
    last: string,
    options?: { only?: string | undefined; most?: number },
  ): Promise<DayHistory[]>
}

/** Arrivals that such an old view does not count may have expired as speed rows: it cannot replace a newer one. */
const STAND_IN_MS = SPEED_RETENTION_MS - DAY_MS

/** Creates a reader. Views and class totals that it has read stay in memory. */
export function viewReader(objects: ObjectStore): ViewReader {
  const views = publishedViews(objects)
  const files = viewFiles(objects)

  async function current(): Promise<View | undefined> {
    const { latest, damages } = await views.look()
    if (!latest && damages[0]) throw damages[0]
    return latest
  }

  async function read<Answer>(ask: (view: View | undefined) => Promise<Answer>): Promise<Answer> {
    const newest = await current()
    const found = await orDamaged(newest, ask)
    if (!newest || !(found instanceof DamagedObjectError)) return found as Answer
    const avoided = new Set([found.key])
    for await (const view of views.before(newest)) {
      if (Date.parse(newest.publishedAt) - Date.parse(view.publishedAt) > STAND_IN_MS) break
      if (keysOf(view).some(key => avoided.has(key))) continue
      const answer = await orDamaged(view, ask)
      if (!(answer instanceof DamagedObjectError)) return answer
      avoided.add(answer.key)
    }
    throw found
  }

  return {
    current,
    read,
    async chain() {
      const { revision, damages } = await views.look()
      const view = await read(async view => {
        await (view && files.classes(view))
        return view
      }).catch(error => {
        if (error instanceof DamagedObjectError) return undefined
        throw error
      })
      return { view, revision, damages: [...damages, ...files.damagesOf(views.latest())] }
    },
    async asOf(timeMs) {
      const newest = await current()
      const isPublished = ({ publishedAt }: View) => Date.parse(publishedAt) <= timeMs
      if (!newest || isPublished(newest)) return newest
      for await (const view of views.before(newest)) if (isPublished(view)) return view
      return undefined
    },
    classes: files.classes,
    part: part => files.part(part),
    looks: files.looks,
    async days({ parts }, first, last, { only, most = Number.POSITIVE_INFINITY } = {}) {
      const within = Object.values(parts).filter(({ firstDay, lastDay }) => firstDay <= last && lastDay >= first)
      const isWanted = (day: string, className: string) =>
        first <= day && day <= last && (only === undefined || className === only)
      let rows: DayHistory[] = []
      for (const part of within) {
        if (rows.length <= most) rows = rows.concat(await files.part(part, isWanted))
      }
      return rows
    },
  }
}

/** The published views that are whole. A view never changes, so each is read once. */
function publishedViews(objects: ObjectStore) {
  let latest: View | undefined
  /** Older views by key. */
  const older = new Map<string, View>()
  return {
    /** Newest whole view that is known. */
    latest: () => latest,
    /** Looks for views after the latest one that is known to be whole. */
    async look(): Promise<{ latest: View | undefined; revision: number; damages: DamagedObjectError[] }> {
      const keys = await Array.fromAsync(objects.list(VIEW_PREFIX, latest && viewKey(latest.revision)))
      const revision = keys.length > 0 ? revisionOf(keys.at(-1) as string) : (latest?.revision ?? 0)
      const damages: DamagedObjectError[] = []
      for (const key of keys.reverse()) {
        try {
          const view = decodeView(key, await existing(objects, key))
          if (view.revision > (latest?.revision ?? 0)) latest = view
          break
        } catch (error) {
          if (!(error instanceof DamagedObjectError)) throw error
          damages.push(error)
        }
      }
      return { latest, revision, damages }
    },
    /** Yields the whole views before a view, newest first. */
    async *before({ revision }: View): AsyncIterable<View> {
      const keys = await Array.fromAsync(objects.list(VIEW_PREFIX))
      for (const key of keys.filter(each => revisionOf(each) < revision).reverse()) {
        try {
          const view = older.get(key) ?? decodeView(key, await existing(objects, key))
          older.set(key, view)
          yield view
        } catch (error) {
          if (!(error instanceof DamagedObjectError)) throw error
        }
      }
      for (const key of older.keys()) if (!keys.includes(key)) older.delete(key)
    },
  }
}

/** The files that views name. Those that were found damaged are remembered until they are read well. */
function viewFiles(objects: ObjectStore) {
  const damaged = new Map<string, DamagedObjectError>()

  async function file<Content>(
    key: string,
    checksum: string | undefined,
    decode: (bytes: Uint8Array) => Promise<Content>,
  ): Promise<Content> {
    try {
      const bytes = await existing(objects, key)
      if (checksum !== undefined && sha256(bytes) !== checksum) {
        throw new DamagedObjectError(key, 'does not match its checksum')
      }
      const content = await decoded(key, () => decode(bytes))
      damaged.delete(key)
      return content
    } catch (error) {
      if (error instanceof DamagedObjectError) damaged.set(key, error)
      throw error
    }
  }

  return {
    part: ({ key, sha256 }: Part, isWanted?: Parameters<typeof decodeDays>[1]) =>
      file(key, sha256, bytes => decodeDays(bytes, isWanted)),
    looks: ({ key, sha256 }: SitePart) => file(key, sha256, decodeLooks),
    classes: rememberLast(
      (view: View) => view.classesKey,
      view => file(view.classesKey, view.classesSha256, decodeClasses),
    ),
    /** Returns the damages of a view's files, and forgets those of other views' files. */
    damagesOf(view: View | undefined): DamagedObjectError[] {
      const named = new Set(view && keysOf(view))
      for (const key of damaged.keys()) if (!named.has(key)) damaged.delete(key)
      return [...damaged.values()]
    },
  }
}

/**
 * Refuses views of another format. Damaged views are not refused: the layers use older ones, and say so.
 *
 * @throws UnsupportedViewError
 */
export async function refuseUnsupportedView(views: ViewReader): Promise<void> {
  try {
    await views.current()
  } catch (error) {
    if (error instanceof UnsupportedViewError) throw error
  }
}

/** Returns the answer for a view, or the error when one of its files is damaged. */
async function orDamaged<Answer>(
  view: View | undefined,
  ask: (view: View | undefined) => Promise<Answer>,
): Promise<Answer | DamagedObjectError> {
  try {
    return await ask(view)
  } catch (error) {
    if (view && error instanceof DamagedObjectError && keysOf(view).includes(error.key)) return error
    throw error
  }
}

/** Keeps the last answer in memory for repeated questions. */
function rememberLast<Question, Answer>(
  keyOf: (question: Question) => string,
  ask: (question: Question) => Promise<Answer>,
): (question: Question) => Promise<Answer> {
  let last: { key: string; answer: Promise<Answer> } | undefined
  return question => {
    const key = keyOf(question)
    if (last?.key !== key) {
      const asked = { key, answer: ask(question) }
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
  if (!bytes) throw new DamagedObjectError(key, 'is missing')
  return bytes
}

async function decoded<Content>(key: string, decode: () => Promise<Content>): Promise<Content> {
  try {
    return await decode()
  } catch {
    throw new DamagedObjectError(key, 'is not a Parquet file of a view')
  }
}
