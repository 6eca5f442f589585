import { type Slot, slotName } from '../core/slot.ts'
import { HOUR_MS } from '../core/time.ts'
import type { ObjectStore } from '../ports/object-store.ts'
import {
  COMPACTION_PROGRESS_PREFIX,
  type CompactionWorker,
  isOfWorker,
  ONLY_WORKER,
  readProgress,
  writeProgress,
} from './compaction-progress.ts'
import { ARCHIVE_PREFIX, COMPACTED_LANE_PREFIX, IMPORT_LANE_PREFIX, parseArchiveKey, slotPrefix } from './layout.ts'
import { digestOf, encodePiece, filesOfLanes, PIECE_LIMITS, readPiece, type SmallFile } from './merge.ts'

/**
 * Options of a compaction, which merges the small files of each lane and slot into few large ones. Every reader sees
 * each record at all times.
 */
export interface CompactionOptions {
  objects: ObjectStore
  slotMs: number
  /** First slot that is not compacted. All earlier slots are. */
  before: Slot
  now(): number
  /** Share of the work; by default all of it. */
  worker?: CompactionWorker
  /** Tells whether another piece may be started, which takes up to some minutes; by default always. */
  hasTime?(): boolean
  pieceLimits?: typeof PIECE_LIMITS
}

/** Numbers of files in a compaction. */
interface Merged {
  /** Number of files that were merged, and of files that were written. */
  inputs: number
  outputs: number
  /** Number of deleted files. Their records have been in other files for long enough. */
  deleted: number
}

/** Outcome of a compaction. */
export interface Compacted extends Merged {
  /** Time from the first slot with work that is left to the end of the slots to compact, ms; 0 when none is left. */
  behindMs: number
}

/** Record of a piece: the files that were merged and written. The inputs are deleted once nobody can be reading them. */
interface Done {
  inputs: string[]
  outputs: string[]
  writtenMs: number
}

const DONE_PREFIX = 'compactions/'
/** Time after which merged files are deleted, ms. A query lists files before it reads them, and may take this long. */
const GRACE_MS = HOUR_MS
/** Number of slots that are listed again before the first one that is not compacted: files may have come late. */
const SLOTS_LISTED_AGAIN = 24

/**
 * Merges the small files of each lane and slot, in pieces of bounded size. A piece is recorded when it is done, so a run
 * that ends early has lost at most one. Files are deleted only an hour after their replacement is visible. While both
 * exist, a record is in several files, as can happen anyway; statements count it once. May fail at any point, and may
 * run beside other compactions.
 *
 * @throws Error when some lane and slot could not be compacted. All others are: none waits for another
 */
export async function compactArchive(options: CompactionOptions): Promise<Compacted> {
  const { objects, slotMs, before, worker = ONLY_WORKER, hasTime = () => true } = options
  const merged: Merged = { inputs: 0, outputs: 0, deleted: 0 }
  const replaced = await deleteReplaced(options, merged)
  const known = await readProgress(objects, worker)
  let unfinished: Slot | undefined
  const failures: Error[] = []
  const listed = smallFiles(objects, slotMs, known?.from, before)
  for await (const [slot, keys] of listed) {
    for (const [lane, files] of filesOfLanes(keys.filter(key => !replaced.has(key)))) {
      if (!isOfWorker(worker, slotName(slot, slotMs), lane)) continue
      try {
        if (!(await compactLane(options, slot, files, merged))) unfinished ??= slot
      } catch (error) {
        failures.push(error as Error)
        unfinished ??= slot
      }
    }
    if (unfinished !== undefined && !hasTime()) break
  }
  const from = unfinished ?? Math.max(before, known?.from ?? 0)
  const error = failures[0]?.message ?? null
  const behindMs = Math.max(before - from, 0)
  await writeProgress(objects, worker, { from, behindMs, error })
  if (failures.length > 0) {
    const cause = failures[0]
    throw new Error(`${failures.length} times a lane of a slot could not be compacted. The first time: ${error}`, {
      cause,
    })
  }
  return { ...merged, behindMs }
}

/**
 * Deletes files that were replaced long enough ago.
 *
 * @returns the files that were replaced later
 */
async function deleteReplaced(
  { objects, now, worker = ONLY_WORKER, hasTime = () => true }: CompactionOptions,
  merged: Merged,
): Promise<Set<string>> {
  const replaced = new Set<string>()
  for await (const key of objects.list(DONE_PREFIX)) {
    if (key.startsWith(COMPACTION_PROGRESS_PREFIX) || !isDoneOf(worker, key)) continue
    const bytes = await objects.get(key)
    if (!bytes) continue
    const done = JSON.parse(Buffer.from(bytes).toString('utf8')) as Done
    if (now() - done.writtenMs < GRACE_MS || !hasTime()) {
      for (const input of done.inputs) replaced.add(input)
      continue
    }
    for (const input of done.inputs) await objects.delete(input)
    await objects.delete(key)
    merged.deleted += done.inputs.length
  }
  return replaced
}

/**
 * Tells whether a worker reads the record of a piece. Older records hold all lanes of a slot: every worker reads them.
 */
function isDoneOf(worker: CompactionWorker, key: string): boolean {
  const match = /^compactions\/([^/]+)\/(.+)-[0-9a-f]{32}\.json$/.exec(key)
  return !match || isOfWorker(worker, match[1] as string, match[2] as string)
}

/**
 * Lists the files that are not compacted yet, slot by slot.
 *
 * @param from first slot that was not compacted in an earlier run; undefined for all
 */
async function* smallFiles(
  objects: ObjectStore,
  slotMs: number,
  from: Slot | undefined,
  before: Slot,
): AsyncIterable<[Slot, string[]]> {
  const after = from === undefined ? '' : slotPrefix(Math.max(from - SLOTS_LISTED_AGAIN * slotMs, 0), slotMs)
  let inSlot: { slot: Slot; keys: string[] } | undefined
  for await (const key of objects.list(ARCHIVE_PREFIX, after)) {
    const file = parseArchiveKey(key)
    if (!file) continue
    if (file.slot >= before) break
    if (file.lane.startsWith(COMPACTED_LANE_PREFIX) || file.lane.startsWith(IMPORT_LANE_PREFIX)) continue
    if (inSlot?.slot !== file.slot) {
      if (inSlot) yield [inSlot.slot, inSlot.keys]
      inSlot = { slot: file.slot, keys: [] }
    }
    inSlot.keys.push(key)
  }
  if (inSlot) yield [inSlot.slot, inSlot.keys]
}

/**
 * Merges the files of a lane in a slot, piece by piece. A single file is left as it is.
 *
 * @returns false when the time ended before
 */
async function compactLane(
  { objects, slotMs, now, hasTime = () => true, pieceLimits = PIECE_LIMITS }: CompactionOptions,
  slot: Slot,
  files: readonly SmallFile[],
  merged: Merged,
): Promise<boolean> {
  for (let waiting = files; waiting.length > 1; ) {
    if (!hasTime()) return false
    const piece = await readPiece(objects, waiting, pieceLimits)
    const { inputs, rows } = piece
    waiting = waiting.slice(inputs.length)
    if (inputs.length < 2) continue
    const outputs: string[] = []
    if (rows.length > 0) {
      const { key, bytes } = encodePiece(piece, slot, slotMs)
      await objects.put(key, bytes)
      outputs.push(key)
    }
    const done: Done = { inputs, outputs, writtenMs: now() }
    const { lane } = files[0] as SmallFile
    const name = `${slotName(slot, slotMs)}/${lane}-${digestOf(piece)}.json`
    await objects.put(`${DONE_PREFIX}${name}`, Buffer.from(JSON.stringify(done)))
    merged.inputs += inputs.length
    merged.outputs += outputs.length
  }
  return true
}
