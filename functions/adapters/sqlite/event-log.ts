import { createHash, randomBytes } from 'node:crypto'
import { existsSync, readFileSync } from 'node:fs'
import { uptime } from 'node:os'
import type { DatabaseSync } from 'node:sqlite'
import type { ClockReading } from '../../core/arrival-clock.ts'
import { laneName, type Position, START, toPosition, toSequenceNumber } from '../../core/lane.ts'
import type { Append, AppendFailure, AppendOutcome, EventLog } from '../../ports/event-log.ts'
import { openConnection } from './connection.ts'
import { formatOf, transaction } from './database.ts'
import { inodeOf, writerHere, writerInThread } from './log-writer.ts'

/**
 * Format of the log's file. It increases whenever the tables change:
 *
 * 1. the first format, which the file does not state
 * 2. adds the table last_arrival
 */
export const LOG_FORMAT = 2

const SCHEMA = `
  CREATE TABLE IF NOT EXISTS stream (identity TEXT NOT NULL);
  CREATE TABLE IF NOT EXISTS shard (name TEXT PRIMARY KEY) WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS record (
    sequence INTEGER PRIMARY KEY AUTOINCREMENT,
    shard TEXT NOT NULL,
    arrival_ms INTEGER NOT NULL,
    data BLOB NOT NULL
  );
  CREATE INDEX IF NOT EXISTS record_by_shard ON record (shard, sequence, arrival_ms);
  CREATE TABLE IF NOT EXISTS last_arrival (
    arrival_ms INTEGER NOT NULL,
    up_ms INTEGER NOT NULL,
    boot TEXT NOT NULL
  );
`

/** Exists on Linux only. Elsewhere, a restart also looks like a leap of the clock, which takes a minute to confirm. */
const BOOT_ID_FILE = '/proc/sys/kernel/random/boot_id'

/** SQLite's name for a database in memory. */
const IN_MEMORY = ':memory:'

/** Default limit of Kinesis. */
const MAX_RECORD_BYTES = 1024 * 1024

/** Options of the embedded log. */
export interface SqliteEventLogOptions {
  file: string
  /** Number of lanes of a new log. An existing log keeps its number. */
  shards?: number
  readClocks?: () => ClockReading
  maxRecordBytes?: number
}

/**
 * Opens the embedded event log: a SQLite file that any number of processes can append to and read. An append is on the
 * disk before it is acknowledged. Appends that come while a commit is under way share the next commit. Arrival times
 * never go back.
 */
export function openSqliteEventLog({
  file,
  shards = 2,
  readClocks = machineClocks,
  maxRecordBytes = MAX_RECORD_BYTES,
}: SqliteEventLogOptions): EventLog & {
  /** Deletes a lane's records up to a position that arrived more than `keptMs` before the log's newest record. */
  trim(lane: string, upTo: string, keptMs: number): Promise<void>
  /** Makes the next record, in any lane, get a position after the given one. */
  moveEnd(to: Position): Promise<void>
} {
  const connection = openConnection(
    { file, durability: 'power-loss', define: opened => define(opened, file, shards) },
    statementsOf,
  )
  const { database, identity, shardNames } = connection.statements()
  const shardOfLane = new Map(shardNames.map(shard => [laneName(identity, shard), shard]))
  const opened = { file, inode: inodeOf(file) }
  const writer = file === IN_MEMORY ? writerHere(database, opened, readClocks) : writerInThread(opened, readClocks)
  let isClosed = false

  function shardFor(record: Append): string {
    if ('lane' in record) return knownShard(record.lane)
    const hash = createHash('md5').update(record.key).digest().readUInt32BE(0)
    return shardNames[Math.floor((hash * shardNames.length) / 2 ** 32)] as string
  }

  function knownShard(lane: string): string {
    const shard = shardOfLane.get(lane)
    if (shard === undefined) throw new Error(`the log ${identity} has no lane '${lane}'`)
    return shard
  }

  function refusalOf(bytes: number): AppendFailure | undefined {
    if (bytes <= maxRecordBytes) return undefined
    return { error: `the record has ${bytes} bytes; the log takes ${maxRecordBytes}`, tooLarge: true }
  }

  async function rowsBehind(lane: string, after: Position, limit: number) {
    const sequence = after === START ? 0 : Number(toSequenceNumber(after))
    const shard = knownShard(lane)
    const rows = await connection.run(sql => sql.selectBehind.all(shard, sequence, limit))
    return rows as { sequence: number; arrival_ms: number; data: Uint8Array }[]
  }

  return {
    identity,
    arrivalNeverGoesBack: true,
    maxRecordBytes,
    async lanes() {
      return [...shardOfLane.keys()].map(name => ({ name, parents: [], closed: false }))
    },
    destinationOf: key => ({ key }),
    async append(records) {
      if (isClosed) throw new Error(`the log ${file} was closed`)
      const places = records.map(record => ({ shard: shardFor(record), data: record.data }))
      const refusals = places.map(({ data }) => refusalOf(data.byteLength))
      const taken = places.filter((_, index) => !refusals[index])
      const sequences = taken.length > 0 ? await writer.append(taken) : []
      let next = 0
      return places.map(
        ({ shard }, index): AppendOutcome =>
          refusals[index] ?? { lane: laneName(identity, shard), position: toPosition(sequences[next++] as number) },
      )
    },
    async read(lane, after, limit) {
      return (await rowsBehind(lane, after, limit)).map(row => ({
        lane,
        position: toPosition(row.sequence),
        arrivalMs: row.arrival_ms,
        data: row.data,
      }))
    },
    async end(lane) {
      knownShard(lane)
      const row = (await connection.run(sql => sql.selectEnd.get())) as { seq: number } | undefined
      return row ? toPosition(row.seq) : START
    },
    async moveEnd(to) {
      const end = Number(toSequenceNumber(to))
      await connection.run(({ database, selectEnd }) =>
        transaction(database, () => {
          if (selectEnd.get() === undefined) database.exec("INSERT INTO sqlite_sequence VALUES ('record', 0)")
          database.prepare("UPDATE sqlite_sequence SET seq = max(seq, ?) WHERE name = 'record'").run(end)
        }),
      )
    },
    async waiting({ lane, lastPosition }) {
      const [oldest] = await rowsBehind(lane, lastPosition, 1)
      return { oldestMs: oldest?.arrival_ms ?? null, reason: null }
    },
    // All lanes share one sequence, so the positions of one lane have gaps without any loss.
    firstKept: async () => null,
    async trim(lane, upTo, keptMs) {
      if (upTo === START) return
      const shard = knownShard(lane)
      await writer.trim(shard, Number(toSequenceNumber(upTo)), keptMs)
    },
    async close() {
      isClosed = true
      await writer.close()
      connection.close()
    },
  }
}

function statementsOf(database: DatabaseSync) {
  const { identity } = database.prepare('SELECT identity FROM stream').get() as { identity: string }
  const shards = database.prepare('SELECT name FROM shard ORDER BY name').all() as { name: string }[]
  return {
    database,
    identity,
    shardNames: shards.map(({ name }) => name),
    selectBehind: database.prepare(
      'SELECT sequence, arrival_ms, data FROM record WHERE shard = ? AND sequence > ? ORDER BY sequence LIMIT ?',
    ),
    // One counter for all lanes. Trimming does not change it.
    selectEnd: database.prepare("SELECT seq FROM sqlite_sequence WHERE name = 'record'"),
  }
}

/**
 * Creates a new log, or migrates an older one. Processes that open it at the same time find the same log.
 *
 * @throws Error when a newer version of landcover wrote the log's format
 */
function define(database: DatabaseSync, file: string, shards: number): void {
  const form = { name: 'the log', file, format: LOG_FORMAT }
  if (formatOf(database, form) === LOG_FORMAT) return
  transaction(database, () => {
    // Another process may have done it in the meantime.
    if (formatOf(database, form) === LOG_FORMAT) return
    database.exec(SCHEMA)
    database.exec(
      "INSERT INTO last_arrival SELECT max(arrival_ms), 0, '' FROM record WHERE NOT EXISTS (SELECT 1 FROM last_arrival) HAVING count(*) > 0",
    )
    if (database.prepare('SELECT 1 FROM stream').get() === undefined) settle(database, shards)
    database.exec(`PRAGMA user_version = ${LOG_FORMAT}`)
  })
}

function settle(database: DatabaseSync, shards: number): void {
  database.prepare('INSERT INTO stream VALUES (?)').run(`embedded-${randomBytes(4).toString('hex')}`)
  const insert = database.prepare('INSERT INTO shard VALUES (?)')
  for (let shard = 0; shard < shards; shard++) insert.run(`shardId-${String(shard).padStart(12, '0')}`)
}

/** Reads the clocks of this machine. */
function machineClocks(): ClockReading {
  return { wallMs: Date.now(), upMs: Math.round(uptime() * 1000), boot: bootOfMachine() }
}

let knownBoot: string | undefined

function bootOfMachine(): string {
  knownBoot ??= existsSync(BOOT_ID_FILE) ? readFileSync(BOOT_ID_FILE, 'utf8').trim() : ''
  return knownBoot
}
