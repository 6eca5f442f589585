import { createHash } from 'node:crypto'
import { type Position, toPosition } from '../core/lane.ts'
import { type Slot, slotName } from '../core/slot.ts'
import { HOUR_MS } from '../core/time.ts'
import { type Column, writeParquet } from '../parquet/write.ts'
import type { ObjectStore } from '../ports/object-store.ts'
import {
  ARCHIVE_PREFIX,
  type ArchiveFileName,
  archiveKey,
  COMPACTED_LANE_PREFIX,
  fileName,
  IMPORT_LANE_PREFIX,
  parseArchiveKey,
} from './layout.ts'
import { ARCHIVE_COLUMNS, ARCHIVE_METADATA } from './parquet.ts'
import { readArchiveFile } from './read.ts'

/**
 * Options of a compaction, which merges the small files of a slot into few large ones. Every reader sees each record at
 * all times.
 */
export interface CompactionOptions {
  objects: ObjectStore
  slotMs: number
  /** First slot that is not compacted. All earlier slots are. */
  before: Slot
  now(): number
}

/** Outcome of a compaction. */
export interface Compacted {
  /** Number of files that were merged, and of files that were written. */
  inputs: number
  outputs: number
  /** Number of deleted files. Their records have been in other files for long enough. */
  deleted: number
}

/** Row of the archive as stored in a file. */
type StoredRow = Record<string, unknown>

/**
 * Record of a compaction of one slot: the files that it wrote, and the files to delete once nobody can be reading them.
 */
interface Done {
  inputs: string[]
  outputs: string[]
  writtenMs: number
}

const DONE_PREFIX = 'compactions/'
/** Number of rows from which on an output takes no further file, so that memory stays bounded. */
const ROWS_PER_FILE = 250_000
/** Time after which merged files are deleted, ms. A query lists files before it reads them, and may take this long. */
const GRACE_MS = HOUR_MS

/**
 * Merges the small files of each slot. Files are deleted only an hour after their replacement is visible. While both
 * exist, a record is in several files, as can happen anyway; statements count it once. May fail at any point, and may
 * run beside other compactions.
 */
export async function compactArchive({ objects, slotMs, before, now }: CompactionOptions): Promise<Compacted> {
  const compacted: Compacted = { inputs: 0, outputs: 0, deleted: 0 }
  const pending = new Set<string>()
  for await (const key of objects.list(DONE_PREFIX)) {
    const bytes = await objects.get(key)
    if (!bytes) continue
    const done = JSON.parse(Buffer.from(bytes).toString('utf8')) as Done
    if (now() - done.writtenMs < GRACE_MS) {
      pending.add(fileName(key))
      continue
    }
    for (const input of done.inputs) await objects.delete(input)
    await objects.delete(key)
    compacted.deleted += done.inputs.length
  }
  for (const [slot, keys] of await smallFiles(objects, before)) {
    const name = `${slotName(slot, slotMs)}.json`
    if (keys.length < 2 || pending.has(name)) continue
    const outputs: string[] = []
    for await (const { key, bytes } of merged(objects, slot, slotMs, keys)) {
      await objects.put(key, bytes)
      outputs.push(key)
    }
    const done: Done = { inputs: keys, outputs, writtenMs: now() }
    await objects.put(`${DONE_PREFIX}${name}`, Buffer.from(JSON.stringify(done)))
    compacted.inputs += keys.length
    compacted.outputs += outputs.length
  }
  return compacted
}

/** Lists the files of each slot that are not compacted yet. */
async function smallFiles(objects: ObjectStore, before: Slot): Promise<Map<Slot, string[]>> {
  const bySlot = new Map<Slot, string[]>()
  for await (const key of objects.list(ARCHIVE_PREFIX)) {
    const file = parseArchiveKey(key)
    if (!file) continue
    if (file.slot >= before) break
    if (file.lane.startsWith(COMPACTED_LANE_PREFIX) || file.lane.startsWith(IMPORT_LANE_PREFIX)) continue
    bySlot.set(file.slot, [...(bySlot.get(file.slot) ?? []), key])
  }
  return bySlot
}

/** Merges files. The same input gives the same output. */
async function* merged(
  objects: ObjectStore,
  slot: Slot,
  slotMs: number,
  keys: readonly string[],
): AsyncIterable<{ key: string; bytes: Uint8Array }> {
  let rows: StoredRow[] = []
  let part = 0
  const digest = createHash('sha256').update(keys.join('\n')).digest('hex').slice(0, 32)
  const write = () => {
    const key = archiveKey(slot, slotMs, `${COMPACTED_LANE_PREFIX}${digest}`, String(++part), String(rows.length))
    const bytes = encodeStoredRows(rows, fileName(key))
    rows = []
    return { key, bytes }
  }
  for (const files of filesOfLanes(keys)) {
    const seen = new Set<Position>()
    for (const { key, first } of files) {
      const bytes = await objects.get(key)
      if (!bytes) throw new Error(`the archive file ${key} vanished while its slot was compacted`)
      // No later file begins before this one. A slot may have more records than positions fit in memory, so positions
      // before it are dropped.
      for (const position of seen) if (position < first) seen.delete(position)
      const fileRows = await readArchiveFile(key, bytes)
      // A record is always whole in a file, so records of earlier files are left out whole.
      const newRows = fileRows.filter(({ sequence }) => !seen.has(sequence as Position))
      for (const row of newRows) {
        rows.push(row)
        seen.add(row.sequence as Position)
      }
      if (rows.length >= ROWS_PER_FILE) yield write()
    }
  }
  if (rows.length > 0) yield write()
}

/** Groups the files by lane, in the order of their first records. In text order, 10 would come before 9. */
function filesOfLanes(keys: readonly string[]): Iterable<{ key: string; first: Position }[]> {
  const files = keys.map(key => {
    const { lane, first } = parseArchiveKey(key) as ArchiveFileName
    return { key, lane, first: toPosition(first) }
  })
  const lanes = Map.groupBy(files, ({ lane }) => lane).values()
  return lanes.map(ofLane => ofLane.sort((a, b) => (a.first < b.first ? -1 : a.first > b.first ? 1 : 0)))
}

function encodeStoredRows(rows: readonly StoredRow[], file: string): Uint8Array {
  const columns = ARCHIVE_COLUMNS.map(({ name, of: _, ...column }): Column<StoredRow> => {
    if (name === 'source_file') return { name, ...column, of: () => file }
    if (name === 'event_time') {
      return { name, ...column, of: row => (row[name] === null ? null : BigInt((row[name] as Date).getTime())) }
    }
    return { name, ...column, of: row => row[name] as ReturnType<Column<StoredRow>['of']> }
  })
  return writeParquet(columns, rows, ARCHIVE_METADATA)
}
