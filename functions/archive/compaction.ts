import { createHash } from 'node:crypto'
import { type Position, toPosition } from '../core/lane.ts'
import { type Slot, slotName } from '../core/slot.ts'
import { HOUR_MS } from '../core/time.ts'
import { readParquet } from '../parquet/read.ts'
import { type Column, writeParquet } from '../parquet/write.ts'
import type { ObjectStore } from '../ports/object-store.ts'
import { ARCHIVE_PREFIX, type ArchiveFileName, archiveKey, fileName, parseArchiveKey } from './layout.ts'
import { ARCHIVE_COLUMNS } from './parquet.ts'

/** Takes many small files of a slot together into few large ones; every reader sees each record all the while. */
export interface CompactionOptions {
  objects: ObjectStore
  slotMs: number
  /** Slots before this one are compacted. */
  before: Slot
  now(): number
}

export interface Compacted {
  /** Files that were taken together, and into how many. */
  inputs: number
  outputs: number
  /** Files deleted whose records have been in others for long enough. */
  deleted: number
}

/** A row of the archive as it stands in a file. */
type StoredRow = Record<string, unknown>

/** What a compaction has written, and what may be deleted for it once nobody can still be reading that. */
interface Done {
  inputs: string[]
  outputs: string[]
  writtenMs: number
}

const DONE_PREFIX = 'compactions/'
const LANE = 'compacted'
/** An output takes no further file once it has as many rows: what is in memory at once stays bounded. */
const ROWS_PER_FILE = 250_000
/** A query lists files before it reads them, and may take this long. */
const GRACE_MS = HOUR_MS

/**
 * Nothing is deleted before what replaces it can be seen, and then only an hour later. While both are there, a record
 * is in several files, as it can be anyway, and statements count it from one of them. May fail at any point and run
 * beside others.
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

/** The files of each slot that were not compacted yet. */
async function smallFiles(objects: ObjectStore, before: Slot): Promise<Map<Slot, string[]>> {
  const bySlot = new Map<Slot, string[]>()
  for await (const key of objects.list(ARCHIVE_PREFIX)) {
    const file = parseArchiveKey(key)
    if (!file) continue
    if (file.slot >= before) break
    if (file.lane.startsWith(`${LANE}-`) || file.lane.startsWith('import-')) continue
    bySlot.set(file.slot, [...(bySlot.get(file.slot) ?? []), key])
  }
  return bySlot
}

/** Files that hold the records of all others: the same input gives the same. */
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
    const key = archiveKey(slot, slotMs, `${LANE}-${digest}`, String(++part), String(rows.length))
    const bytes = encodeStoredRows(rows, fileName(key))
    rows = []
    return { key, bytes }
  }
  for (const files of filesOfLanes(keys)) {
    const seen = new Set<Position>()
    for (const { key, first } of files) {
      const bytes = await objects.get(key)
      if (!bytes) throw new Error(`the archive file ${key} vanished while its slot was compacted`)
      // No file to come begins before this one: a slot may have more records than there is memory for their positions.
      for (const position of seen) if (position < first) seen.delete(position)
      const fileRows = await readParquet(bytes)
      // A record is in a file whole: those of files before are left out whole.
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

/** The files of each lane, in the order of their first records: in that of text, 10 comes before 9. */
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
  return writeParquet(columns, rows)
}
