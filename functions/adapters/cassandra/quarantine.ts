import { formatTimestamp } from '../../core/time.ts'
import type { QuarantineEntry, QuarantineHead, SpeedStore } from '../../ports/speed-store.ts'
import { inParallel } from '../in-parallel.ts'
import { fromCells, QUARANTINE_FORM, toCells } from '../row-encoding/speed-rows.ts'
import { quarantineBytesTable, quarantineHoursTable, quarantineTable, WHOLE_RECORD } from '../row-encoding/tables.ts'
import type { CqlClient, CqlRow, CqlStatement } from './client.ts'
import { insertCql } from './cql.ts'

/**
 * Maximum length of bytes in the row of an entry. A page of entries reads all of them, and readers of the API may ask for
 * many pages. Versions before 0.2.0 stored up to 256 KB there.
 */
const FIRST_BYTES = 4 * 1024
/**
 * Maximum length of bytes in each further row of an entry. It is far below the 1 MB limit of a row in Keyspaces.
 */
const PIECE_BYTES = 256 * 1024
/** Maximum number of statements in one batch. Keyspaces accepts 30. */
const ENTRIES_PER_WRITE = 20
/** Number of rows in a page. A page must fit into the server's memory even if every row has the maximum length. */
const PAGE_ROWS = 20
const IN_FLIGHT = 8

/**
 * Quarantine in Cassandra. Entries are written plainly, without lightweight transactions: many bad lines must not delay
 * their lane, and a second write to a place has the same bytes. Entries that exist are read and skipped, so the first
 * one stays. Only processes that work on the same lane at the same moment could replace each other's equal entries.
 */
export function cassandraQuarantine(
  client: CqlClient,
  keyspace: string,
): Pick<SpeedStore, 'quarantine' | 'readQuarantine' | 'readNewestQuarantine'> {
  return {
    quarantine: quarantineWriter(client, keyspace),
    readQuarantine: quarantineReader(client, keyspace),
    readNewestQuarantine: newestReader(client, keyspace),
  }
}

function quarantineWriter(client: CqlClient, keyspace: string): SpeedStore['quarantine'] {
  const placesBetween = `SELECT sequence, line FROM ${keyspace}.quarantine
    WHERE lane = ? AND arrival_hour = ? AND sequence >= ? AND sequence <= ?`

  /** Stores the entries of one lane and hour. */
  async function putBucket(lane: string, hour: string, entries: readonly QuarantineEntry[]): Promise<void> {
    const sequences = entries.map(entry => entry.position).sort()
    const known = new Set<string>()
    const range = [lane, hour, sequences[0] as string, sequences.at(-1) as string]
    for await (const { sequence, line } of client.rows([placesBetween, range], 1_000)) known.add(`${sequence} ${line}`)
    const missing = entries.filter(({ position, line }) => {
      const place = `${position} ${line ?? WHOLE_RECORD}`
      return !known.has(place) && known.add(place)
    })
    if (missing.length === 0) return
    await client.write([insertCql(keyspace, quarantineHoursTable, { lane, arrival_hour: hour })])
    await inParallel(missing.flatMap(laterPieces), IN_FLIGHT, piece => client.write([piece]))
    await inParallel(inWrites(missing), IN_FLIGHT, write => client.write(write.map(entry => putStatement(hour, entry))))
  }

  function putStatement(hour: string, { bytes, ...entry }: QuarantineEntry): CqlStatement {
    const first = asBuffer(bytes).subarray(0, FIRST_BYTES)
    const cells = { ...toCells(QUARANTINE_FORM, entry), arrival_hour: hour, bytes_length: bytes.length, bytes: first }
    return insertCql(keyspace, quarantineTable, cells)
  }

  function laterPieces({ lane, position, line, bytes }: QuarantineEntry): CqlStatement[] {
    const pieces: CqlStatement[] = []
    for (let start = FIRST_BYTES; start < bytes.length; start += PIECE_BYTES) {
      const place = { lane, sequence: position, line: line ?? WHOLE_RECORD, piece: pieces.length + 1 }
      const piece = asBuffer(bytes).subarray(start, start + PIECE_BYTES)
      pieces.push(insertCql(keyspace, quarantineBytesTable, { ...place, bytes: piece }))
    }
    return pieces
  }

  return async entries => {
    const buckets = Map.groupBy(entries, ({ lane, arrivalMs }) => `${lane}/${hourOf(arrivalMs)}`)
    for (const bucket of buckets.values()) {
      const { lane, arrivalMs } = bucket[0] as QuarantineEntry
      await putBucket(lane, hourOf(arrivalMs), bucket)
    }
  }
}

function quarantineReader(client: CqlClient, keyspace: string): SpeedStore['readQuarantine'] {
  const sql = {
    hoursFrom: `SELECT arrival_hour FROM ${keyspace}.quarantine_hours WHERE lane = ? AND arrival_hour >= ?`,
    pieces: `SELECT bytes FROM ${keyspace}.quarantine_bytes WHERE lane = ? AND sequence = ? AND line = ?`,
    // Two statements replace (sequence, line) > (?, ?): Keyspaces compares columns one by one.
    linesBehind: `SELECT * FROM ${keyspace}.quarantine
      WHERE lane = ? AND arrival_hour = ? AND sequence = ? AND line > ? LIMIT ?`,
    recordsBehind: `SELECT * FROM ${keyspace}.quarantine
      WHERE lane = ? AND arrival_hour = ? AND sequence > ? LIMIT ?`,
  }

  async function toEntry(row: CqlRow): Promise<QuarantineEntry> {
    const { lane, sequence, line, bytes_length, bytes } = row as unknown as StoredBytes
    const pieces = [bytes]
    if (bytes.length < bytes_length) {
      for await (const piece of client.rows([sql.pieces, [lane, sequence, line]], PAGE_ROWS)) {
        pieces.push(piece.bytes as Buffer)
      }
    }
    return { ...fromCells(QUARANTINE_FORM, row), bytes: pieces.length === 1 ? bytes : Buffer.concat(pieces) }
  }

  return async ({ lane, after, limit }) => {
    const firstHour = after ? hourOf(after.arrivalMs) : ''
    const found: CqlRow[] = []
    const take = async (cql: string, place: readonly (string | number)[]) => {
      if (found.length >= limit) return
      const statement: CqlStatement = [cql, [lane, ...place, limit - found.length]]
      for await (const row of client.rows(statement, PAGE_ROWS)) found.push(row)
    }
    for await (const { arrival_hour } of client.rows([sql.hoursFrom, [lane, firstHour]])) {
      const hour = arrival_hour as string
      if (after && hour === firstHour) {
        await take(sql.linesBehind, [hour, after.position, after.line ?? WHOLE_RECORD])
        await take(sql.recordsBehind, [hour, after.position])
      } else await take(sql.recordsBehind, [hour, ''])
      if (found.length >= limit) break
    }
    return inParallel(found, IN_FLIGHT, toEntry)
  }
}

/** Hour and position that are greater than those of every entry: these begin with a digit. */
const BEHIND_ALL = '~'

function newestReader(client: CqlClient, keyspace: string): SpeedStore['readNewestQuarantine'] {
  const newestFirst = 'ORDER BY sequence DESC, line DESC LIMIT ?'
  const sql = {
    hoursUntil: `SELECT arrival_hour FROM ${keyspace}.quarantine_hours
      WHERE lane = ? AND arrival_hour <= ? ORDER BY arrival_hour DESC`,
    // Two statements replace (sequence, line) < (?, ?): Keyspaces compares columns one by one.
    linesBefore: `SELECT * FROM ${keyspace}.quarantine
      WHERE lane = ? AND arrival_hour = ? AND sequence = ? AND line < ? ${newestFirst}`,
    recordsBefore: `SELECT * FROM ${keyspace}.quarantine
      WHERE lane = ? AND arrival_hour = ? AND sequence < ? ${newestFirst}`,
  }

  return async ({ lane, before, limit, mostBytes }) => {
    const lastHour = before ? hourOf(before.arrivalMs) : BEHIND_ALL
    const found: QuarantineHead[] = []
    const take = async (cql: string, place: readonly (string | number)[]) => {
      if (found.length >= limit) return
      const statement: CqlStatement = [cql, [lane, ...place, limit - found.length]]
      for await (const row of client.rows(statement, PAGE_ROWS)) found.push(headOf(row, mostBytes))
    }
    for await (const { arrival_hour } of client.rows([sql.hoursUntil, [lane, lastHour]])) {
      const hour = arrival_hour as string
      if (before && hour === lastHour) {
        await take(sql.linesBefore, [hour, before.position, before.line ?? WHOLE_RECORD])
        await take(sql.recordsBefore, [hour, before.position])
      } else await take(sql.recordsBefore, [hour, BEHIND_ALL])
      if (found.length >= limit) break
    }
    return found
  }
}

/** The bytes are a copy, so that the page of the answer need not stay in memory. */
function headOf(row: CqlRow, mostBytes: number): QuarantineHead {
  const { bytes_length: length, bytes } = row as unknown as StoredBytes
  return { ...fromCells(QUARANTINE_FORM, row), bytes: Buffer.from(bytes.subarray(0, mostBytes)), length }
}

/** Row of an entry: its place, the length of its bytes, and the first of them. */
interface StoredBytes {
  lane: string
  sequence: string
  line: number
  bytes_length: number
  bytes: Buffer
}

/** Formats an hour, for example `2026-11-22T14`. Text order is time order. */
function hourOf(ms: number): string {
  return formatTimestamp(ms).slice(0, 13)
}

function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
}

/** Divides entries into batches with few statements and few bytes each. */
function inWrites(entries: readonly QuarantineEntry[]): QuarantineEntry[][] {
  const writes: QuarantineEntry[][] = []
  let bytes = 0
  for (const entry of entries) {
    const length = Math.min(entry.bytes.length, FIRST_BYTES)
    const write = writes.at(-1)
    if (write && write.length < ENTRIES_PER_WRITE && bytes + length <= PIECE_BYTES) {
      write.push(entry)
      bytes += length
    } else {
      writes.push([entry])
      bytes = length
    }
  }
  return writes
}
