import { createHash } from 'node:crypto'
import type { ClockReading } from '../../core/arrival-clock.ts'
import { laneName, type Position, START, toPosition, toSequenceNumber } from '../../core/lane.ts'
import type { Append, AppendFailure, AppendOutcome, EventLog } from '../../ports/event-log.ts'
import { type Connection, openConnection } from './connection.ts'
import { transaction, UnwritableError } from './database.ts'
import { defineLog, logStatements } from './log-tables.ts'
import { inodeOf, type LogWriter, type Place, writerHere, writerInThread } from './log-writer.ts'
import { machineClocks } from './machine-clocks.ts'

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

/** Embedded log, which can also be trimmed and moved on. */
export interface SqliteEventLog extends EventLog {
  /** Deletes a lane's records up to a position that arrived more than `keptMs` before the log's newest record. */
  trim(lane: string, upTo: string, keptMs: number): Promise<void>
  /** Makes the next record, in any lane, get a position after the given one. */
  moveEnd(to: Position): Promise<void>
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
}: SqliteEventLogOptions): SqliteEventLog {
  const connection = openConnection(
    { file, durability: 'power-loss', define: opened => defineLog(opened, file, shards) },
    logStatements,
  )
  const { database, identity, shardNames } = connection.statements()
  const lanes = lanesOf(identity, shardNames)
  const opened = { file, inode: inodeOf(file) }
  const writer = file === IN_MEMORY ? writerHere(database, opened, readClocks) : writerInThread(opened, readClocks)
  let isClosed = false

  return {
    identity,
    arrivalNeverGoesBack: true,
    maxRecordBytes,
    async lanes() {
      return lanes.names.map(name => ({ name, parents: [], closed: false }))
    },
    destinationOf: key => ({ key }),
    async append(records) {
      if (isClosed) throw new Error(`the log ${file} was closed`)
      return appendRecords(records, { lanes, writer, maxRecordBytes })
    },
    // All lanes share one sequence, so the positions of one lane have gaps without any loss.
    firstKept: async () => null,
    ...recordReader(connection, lanes),
    async trim(lane, upTo, keptMs) {
      if (upTo === START) return
      const shard = lanes.knownShard(lane)
      await writer.trim(shard, Number(toSequenceNumber(upTo)), keptMs)
    },
    async close() {
      isClosed = true
      await writer.close()
      connection.close()
    },
  }
}

type Lanes = ReturnType<typeof lanesOf>

/** Maps lanes and keys to the shards of a log. */
function lanesOf(identity: string, shardNames: readonly string[]) {
  const shardOfLane = new Map(shardNames.map(shard => [laneName(identity, shard), shard]))

  /** @throws Error when there is no such lane */
  function knownShard(lane: string): string {
    const shard = shardOfLane.get(lane)
    if (shard === undefined) throw new Error(`the log ${identity} has no lane '${lane}'`)
    return shard
  }

  return {
    names: [...shardOfLane.keys()],
    laneOf: (shard: string) => laneName(identity, shard),
    knownShard,
    shardFor(record: Append): string {
      if ('lane' in record) return knownShard(record.lane)
      const hash = createHash('md5').update(record.key).digest().readUInt32BE(0)
      return shardNames[Math.floor((hash * shardNames.length) / 2 ** 32)] as string
    },
  }
}

/** Appends the records that are not too large. Returns an outcome for each. */
async function appendRecords(
  records: readonly Append[],
  { lanes, writer, maxRecordBytes }: { lanes: Lanes; writer: LogWriter; maxRecordBytes: number },
): Promise<AppendOutcome[]> {
  const places = records.map(record => ({ shard: lanes.shardFor(record), data: record.data }))
  const refusals = places.map(({ data }) => refusalOf(data.byteLength, maxRecordBytes))
  const taken = places.filter((_, index) => !refusals[index])
  const sequences = taken.length > 0 ? await sequencesOf(taken, writer) : []
  let next = 0
  return places.map(({ shard }, index): AppendOutcome => {
    const refusal = refusals[index]
    if (refusal) return refusal
    if (!Array.isArray(sequences)) return sequences
    return { lane: lanes.laneOf(shard), position: toPosition(sequences[next++] as number) }
  })
}

/** Writes places, and returns the sequence number of each, or the failure of all. */
async function sequencesOf(places: readonly Place[], writer: LogWriter): Promise<number[] | AppendFailure> {
  try {
    return await writer.append(places)
  } catch (error) {
    if (error instanceof UnwritableError) return { error: error.message, unwritable: true }
    throw error
  }
}

function refusalOf(bytes: number, maxRecordBytes: number): AppendFailure | undefined {
  if (bytes <= maxRecordBytes) return undefined
  return { error: `the record has ${bytes} bytes; the log takes ${maxRecordBytes}`, tooLarge: true }
}

/** Reads records and the end of the log, and moves that end. */
function recordReader(
  connection: Connection<ReturnType<typeof logStatements>>,
  { knownShard }: Lanes,
): Pick<SqliteEventLog, 'read' | 'end' | 'moveEnd' | 'waiting'> {
  async function rowsBehind(lane: string, after: Position, limit: number) {
    const sequence = after === START ? 0 : Number(toSequenceNumber(after))
    const shard = knownShard(lane)
    const rows = await connection.run(sql => sql.selectBehind.all(shard, sequence, limit))
    return rows as { sequence: number; arrival_ms: number; data: Uint8Array }[]
  }

  return {
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
  }
}
