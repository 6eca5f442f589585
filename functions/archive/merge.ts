import { createHash } from 'node:crypto'
import { type Position, toPosition } from '../core/lane.ts'
import type { Slot } from '../core/slot.ts'
import { compareText } from '../core/text-order.ts'
import { type Column, writeParquet } from '../parquet/write.ts'
import type { ObjectStore } from '../ports/object-store.ts'
import { type ArchiveFileName, archiveKey, COMPACTED_LANE_PREFIX, fileName, parseArchiveKey } from './layout.ts'
import { ARCHIVE_COLUMNS, ARCHIVE_METADATA } from './parquet.ts'
import { readArchiveFile } from './read.ts'

/** Row of the archive as stored in a file. */
type StoredRow = Record<string, unknown>

/** File of a lane in a slot that may be merged with others. */
export interface SmallFile {
  key: string
  lane: string
  /** Position of the first record in the file. */
  first: Position
}

/** Some files of a lane in a slot, merged. */
export interface Piece {
  inputs: string[]
  /** Different records' rows of the inputs. */
  rows: StoredRow[]
}

/**
 * Limits of a piece, after which it takes no further file. They bound its memory and its time: one core needs seconds
 * for the rows, and a store over a network about a minute for the files.
 */
export const PIECE_LIMITS = { rows: 250_000, files: 1_000 }

/** Groups files by lane, in the order of their first records. In text order, 10 would come before 9. */
export function filesOfLanes(keys: readonly string[]): [lane: string, SmallFile[]][] {
  const files = keys.map((key): SmallFile => {
    const { lane, first } = parseArchiveKey(key) as ArchiveFileName
    return { key, lane, first: toPosition(first) }
  })
  const lanes = Map.groupBy(files, ({ lane }) => lane)
  for (const ofLane of lanes.values()) ofLane.sort((a, b) => compareText(a.first, b.first))
  return [...lanes]
}

/**
 * Reads files of a lane until a piece is full. The same files give the same piece.
 *
 * @param files in the order of their first records
 * @throws Error when a file is not there: another compaction has deleted it
 */
export async function readPiece(
  objects: ObjectStore,
  files: readonly SmallFile[],
  limits = PIECE_LIMITS,
): Promise<Piece> {
  const piece: Piece = { inputs: [], rows: [] }
  const seen = new Set<Position>()
  for (const { key, first } of files) {
    const bytes = await objects.get(key)
    if (!bytes) throw new Error(`the archive file ${key} vanished while its slot was compacted`)
    // No later file begins before this one. A lane may have more records than positions fit in memory, so positions
    // before it are dropped.
    for (const position of seen) if (position < first) seen.delete(position)
    const fileRows = await readArchiveFile(key, bytes)
    // A record is always whole in a file, so records of earlier files are left out whole.
    const newRows = fileRows.filter(({ sequence }) => !seen.has(sequence as Position))
    for (const row of newRows) {
      piece.rows.push(row)
      seen.add(row.sequence as Position)
    }
    piece.inputs.push(key)
    if (piece.rows.length >= limits.rows || piece.inputs.length >= limits.files) break
  }
  return piece
}

/** Fingerprint of the inputs of a piece, which names what is made of them: 32 hexadecimal digits. */
export function digestOf({ inputs }: Piece): string {
  return createHash('sha256').update(inputs.join('\n')).digest('hex').slice(0, 32)
}

/** Encodes a piece as a file of the archive. The same piece gives the same file. */
export function encodePiece(piece: Piece, slot: Slot, slotMs: number): { key: string; bytes: Uint8Array } {
  const lane = `${COMPACTED_LANE_PREFIX}${digestOf(piece)}`
  const key = archiveKey(slot, slotMs, lane, '1', String(piece.rows.length))
  return { key, bytes: encodeStoredRows(piece.rows, fileName(key)) }
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
