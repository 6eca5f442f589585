import { createHash } from 'node:crypto'
import type { Slot } from '../core/slot.ts'
import type { ObjectStore } from '../ports/object-store.ts'

/** Share of the compaction's work: worker `index` of `of`. Workers do not need to know each other. */
export interface CompactionWorker {
  /** Number of this worker, from 0. */
  index: number
  of: number
}

/** Worker that does all the work. */
export const ONLY_WORKER: CompactionWorker = { index: 0, of: 1 }

/** Progress of a worker, stored when its run ends. */
export interface CompactionProgress {
  /** First slot that is not compacted. In all earlier slots, the worker has done its share. */
  from: Slot
  /** Time from there to the end of the slots that the last run was to compact, ms; 0 when it compacted all. */
  behindMs: number
  /** Reason why a slot could not be compacted in the last run; null when all could. */
  error: string | null
}

/** Number of slots behind from which on compaction does not keep up. A slot that failed once is compacted soon after. */
export const SLOTS_BEHIND = 6

/** Key prefix of the objects with the progress of the workers. */
export const COMPACTION_PROGRESS_PREFIX = 'compactions/progress/'

/** Tells whether a worker compacts a lane's files in a slot. Each lane and slot has exactly one worker. */
export function isOfWorker({ index, of }: CompactionWorker, slotName: string, lane: string): boolean {
  return createHash('sha256').update(`${slotName}/${lane}`).digest().readUInt32BE() % of === index
}

/** Reads how far a worker has come; undefined before its first run. */
export function readProgress(objects: ObjectStore, worker: CompactionWorker): Promise<CompactionProgress | undefined> {
  return read(objects, keyOf(worker))
}

/** Stores how far a worker has come. Deletes the progress of workers of another division of the work. */
export async function writeProgress(
  objects: ObjectStore,
  worker: CompactionWorker,
  progress: CompactionProgress,
): Promise<void> {
  await objects.put(keyOf(worker), Buffer.from(JSON.stringify(progress)))
  for await (const key of objects.list(COMPACTION_PROGRESS_PREFIX)) {
    if (!key.endsWith(`-of-${worker.of}.json`)) await objects.delete(key)
  }
}

/** Reads the progress of the worker that is furthest behind; undefined before the first run. */
export async function slowestProgress(objects: ObjectStore): Promise<CompactionProgress | undefined> {
  let slowest: CompactionProgress | undefined
  for await (const key of objects.list(COMPACTION_PROGRESS_PREFIX)) {
    const progress = await read(objects, key)
    if (progress && (!slowest || progress.behindMs > slowest.behindMs)) slowest = progress
  }
  return slowest
}

function keyOf({ index, of }: CompactionWorker): string {
  return `${COMPACTION_PROGRESS_PREFIX}${index}-of-${of}.json`
}

async function read(objects: ObjectStore, key: string): Promise<CompactionProgress | undefined> {
  const bytes = await objects.get(key)
  return bytes && (JSON.parse(Buffer.from(bytes).toString('utf8')) as CompactionProgress)
}
