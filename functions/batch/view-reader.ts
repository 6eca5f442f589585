import type { History } from '../core/history.ts'
import { DAY_MS } from '../core/time.ts'
import type { ObjectStore } from '../ports/object-store.ts'
import type { DayHistory } from './day-history.ts'
import { SPEED_TTL_MS } from './expiry.ts'
import { decodeClasses, decodeDays } from './history-files.ts'
import {
  DamagedObjectError,
  decodeView,
  keysOf,
  type Part,
  revisionOf,
  sha256,
  VIEW_PREFIX,
  type View,
  viewKey,
} from './view.ts'

/** The chain of views as it stands. */
export interface ViewChain {
  /** The newest view that is whole, and so is its file of all time; undefined where there is none. */
  view: View | undefined
  /** Number of the newest view, whole or not; 0 before the first. */
  revision: number
  /** Damaged views that are newer, and damaged files as far as they were read. */
  damages: DamagedObjectError[]
}

/**
 * Reads views; remembers how far it has looked, so that asking again costs one short listing. A damaged view counts as
 * not published: the newest whole one before it holds, with its own cut, until the next is published.
 */
export interface ViewReader {
  /**
   * The newest whole view; undefined before the first.
   *
   * @throws DamagedObjectError when there are views, and none of them is whole
   */
  current(): Promise<View | undefined>
  /** @throws Error only when the object store cannot be read */
  chain(): Promise<ViewChain>
  /**
   * Asks a question of the current view or, where a file that the question reads is damaged, of the newest view before
   * it without that file. All that depends on the view belongs into the question.
   *
   * @throws DamagedObjectError when there is no such view
   */
  read<Answer>(ask: (view: View | undefined) => Promise<Answer>): Promise<Answer>
  /** The newest whole view that had been published by a time, as far as views are kept: for some time, see pruneViews. */
  asOf(timeMs: number): Promise<View | undefined>
  /** All time per class. @throws DamagedObjectError */
  classes(view: View): Promise<ReadonlyMap<string, History>>
  /** @throws DamagedObjectError */
  part(part: Part): Promise<DayHistory[]>
  /** The rows of event days from `first` to `last` (both included, YYYY-MM-DD). @throws DamagedObjectError */
  days(view: View, first: string, last: string): Promise<DayHistory[]>
}

/** Arrivals that such an old view does not count may have expired as speed rows: it can stand in for no newer one. */
const STAND_IN_MS = SPEED_TTL_MS - DAY_MS

export function viewReader(objects: ObjectStore): ViewReader {
  let latest: View | undefined
  /** Older views: what was whole never changes. */
  const older = new Map<string, View>()
  /** Damaged files of views, by their keys. */
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

  const part = ({ key, sha256 }: Part) => file(key, sha256, decodeDays)
  const readClasses = rememberLast(
    (view: View) => view.classesKey,
    view => file(view.classesKey, view.classesSha256, decodeClasses),
  )

  /** Looks for views behind the latest one that is known to be whole. */
  async function look(): Promise<{ revision: number; damages: DamagedObjectError[] }> {
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
    return { revision, damages }
  }

  async function current(): Promise<View | undefined> {
    const { damages } = await look()
    if (!latest && damages[0]) throw damages[0]
    return latest
  }

  /** Whole views before one, newest first. */
  async function* before({ revision }: View): AsyncIterable<View> {
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
  }

  async function read<Answer>(ask: (view: View | undefined) => Promise<Answer>): Promise<Answer> {
    const newest = await current()
    const found = await orDamaged(newest, ask)
    if (!newest || !(found instanceof DamagedObjectError)) return found as Answer
    const avoided = new Set([found.key])
    for await (const view of before(newest)) {
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
      const { revision, damages } = await look()
      const view = await read(async view => {
        await (view && readClasses(view))
        return view
      }).catch(error => {
        if (error instanceof DamagedObjectError) return undefined
        throw error
      })
      const named = new Set(latest && keysOf(latest))
      for (const key of damaged.keys()) if (!named.has(key)) damaged.delete(key)
      return { view, revision, damages: [...damages, ...damaged.values()] }
    },
    async asOf(timeMs) {
      const newest = await current()
      const isPublished = ({ publishedAt }: View) => Date.parse(publishedAt) <= timeMs
      if (!newest || isPublished(newest)) return newest
      for await (const view of before(newest)) if (isPublished(view)) return view
      return undefined
    },
    classes: readClasses,
    part,
    async days({ parts }, first, last) {
      const within = Object.values(parts).filter(({ firstDay, lastDay }) => firstDay <= last && lastDay >= first)
      const rows: DayHistory[] = []
      for (const each of within) rows.push(...(await part(each)).filter(({ day }) => first <= day && day <= last))
      return rows
    },
  }
}

/** The answer to a question of a view, or which of its files is damaged. */
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

/** Answers a question that was the last one before, too, from memory. */
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
    throw new DamagedObjectError(key, 'is no Parquet file of a view')
  }
}
