import { createHash, randomBytes } from 'node:crypto'
import { existsSync, readFileSync, statSync } from 'node:fs'
import { uptime } from 'node:os'
import type { DatabaseSync } from 'node:sqlite'
import { type ClockReading, type LastArrival, leapGuard, nextArrivalMs } from '../../core/arrival-clock.ts'
import { laneName, type Position, START, toPosition, toSequenceNumber } from '../../core/lane.ts'
import type { Append, AppendOutcome, EventLog } from '../../ports/event-log.ts'
import { openDatabase, transaction, whenFree } from './database.ts'

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

interface Place {
  shard: string
  data: Uint8Array
}

/** An append that nothing is stored of yet. */
interface WaitingAppend {
  places: Place[]
  resolve(outcomes: AppendOutcome[]): void
  reject(error: unknown): void
}

/** Linux only: elsewhere a leap is also seen in a machine that was off, and costs the minute of its confirmation. */
const BOOT_ID_FILE = '/proc/sys/kernel/random/boot_id'

/** As Kinesis takes by default. */
const MAX_RECORD_BYTES = 1024 * 1024

export interface SqliteEventLogOptions {
  file: string
  /** How many lanes a new log gets; an existing one keeps its own. */
  shards?: number
  readClocks?: () => ClockReading
  maxRecordBytes?: number
}

/**
 * The embedded event log: a SQLite file that any number of processes append to and read. An append is on the disk
 * before it is acknowledged. Arrival times never go back.
 */
export function openSqliteEventLog({
  file,
  shards = 2,
  readClocks = machineClocks,
  maxRecordBytes = MAX_RECORD_BYTES,
}: SqliteEventLogOptions): EventLog & {
  /** Forgets records that lie at or before a position of their lane and arrived so long before the newest of all. */
  trim(lane: string, upTo: string, keptMs: number): Promise<void>
  /** Lets the next record lie behind a position, in whichever lane. */
  moveEnd(to: Position): Promise<void>
} {
  const database = openDatabase({ file, durability: 'power-loss', define: opened => define(opened, shards) })
  const { identity } = database.prepare('SELECT identity FROM stream').get() as { identity: string }
  const shardNames = (database.prepare('SELECT name FROM shard ORDER BY name').all() as { name: string }[]).map(
    row => row.name,
  )
  const shardOfLane = new Map(shardNames.map(shard => [laneName(identity, shard), shard]))
  const insert = database.prepare('INSERT INTO record (shard, arrival_ms, data) VALUES (?, ?, ?)')
  const arrivals = arrivalsOf(database, readClocks)
  const selectBehind = database.prepare(
    'SELECT sequence, arrival_ms, data FROM record WHERE shard = ? AND sequence > ? ORDER BY sequence LIMIT ?',
  )
  // One count for all lanes; trimming takes nothing from it.
  const selectEnd = database.prepare("SELECT seq FROM sqlite_sequence WHERE name = 'record'")
  const deleteUpTo = database.prepare(
    `DELETE FROM record
     WHERE shard = ? AND sequence <= ? AND arrival_ms < (SELECT arrival_ms FROM last_arrival) - ?`,
  )

  /** Appends that wait for the lock. They are one commit, and so wait for the disk once. */
  let waiting: WaitingAppend[] = []

  const inode = () => statSync(file, { throwIfNoEntry: false })?.ino
  const opened = inode()

  /** What is written to a file that was removed is lost, and SQLite says nothing of it. */
  function refuseIfRemoved(): void {
    if (inode() !== opened) throw new Error(`the log ${file} was removed, or made anew: open it again`)
  }

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

  async function commitWaiting(): Promise<void> {
    try {
      const settle = await whenFree(database, () => {
        refuseIfRemoved()
        const outcomes = transaction(database, () => {
          const arrivalMs = arrivals.next()
          return waiting.map(({ places }) => places.map(place => store(place, arrivalMs)))
        })
        const committed = taken()
        return () => {
          for (const [index, { resolve }] of committed.entries()) resolve(outcomes[index] as AppendOutcome[])
        }
      })
      settle()
    } catch (error) {
      for (const { reject } of taken()) reject(error)
    }
  }

  function taken(): WaitingAppend[] {
    const all = waiting
    waiting = []
    return all
  }

  function store({ shard, data }: Place, arrivalMs: number): AppendOutcome {
    const bytes = data.byteLength
    if (bytes > maxRecordBytes) {
      return { error: `the record has ${bytes} bytes; the log takes ${maxRecordBytes}`, tooLarge: true }
    }
    const { lastInsertRowid } = insert.run(shard, arrivalMs, data)
    return { lane: laneName(identity, shard), position: toPosition(lastInsertRowid) }
  }

  async function rowsBehind(lane: string, after: Position, limit: number) {
    const sequence = after === START ? 0 : Number(toSequenceNumber(after))
    const shard = knownShard(lane)
    const rows = await whenFree(database, () => selectBehind.all(shard, sequence, limit))
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
      const places = records.map(record => ({ shard: shardFor(record), data: record.data }))
      return new Promise((resolve, reject) => {
        waiting.push({ places, resolve, reject })
        if (waiting.length === 1) void commitWaiting()
      })
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
      const row = (await whenFree(database, () => selectEnd.get())) as { seq: number } | undefined
      return row ? toPosition(row.seq) : START
    },
    async moveEnd(to) {
      const end = Number(toSequenceNumber(to))
      await whenFree(database, () =>
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
    // Its lanes share one sequence.
    firstKept: async () => null,
    async trim(lane, upTo, keptMs) {
      if (upTo === START) return
      const shard = knownShard(lane)
      await whenFree(database, () => deleteUpTo.run(shard, Number(toSequenceNumber(upTo)), keptMs))
    },
    async close() {
      database.close()
    },
  }
}

/** Creates the tables of a new log. A process that opens it at the same time finds the same ones. */
function define(database: DatabaseSync, shards: number): void {
  database.exec(SCHEMA)
  // A log that was written before it kept its newest arrival.
  const isStamped = database.prepare(
    'SELECT 1 FROM last_arrival UNION SELECT 1 WHERE NOT EXISTS (SELECT 1 FROM record)',
  )
  if (!isStamped.get()) {
    database.exec(`INSERT INTO last_arrival SELECT max(arrival_ms), 0, '' FROM record`)
  }
  const isSettled = () => database.prepare('SELECT 1 FROM stream').get() !== undefined
  if (isSettled()) return
  transaction(database, () => {
    if (isSettled()) return
    database.prepare('INSERT INTO stream VALUES (?)').run(`embedded-${randomBytes(4).toString('hex')}`)
    const insert = database.prepare('INSERT INTO shard VALUES (?)')
    for (let shard = 0; shard < shards; shard++) insert.run(`shardId-${String(shard).padStart(12, '0')}`)
  })
}

/** The clocks of this machine. */
function machineClocks(): ClockReading {
  return { wallMs: Date.now(), upMs: Math.round(uptime() * 1000), boot: bootOfMachine() }
}

let knownBoot: string | undefined

function bootOfMachine(): string {
  knownBoot ??= existsSync(BOOT_ID_FILE) ? readFileSync(BOOT_ID_FILE, 'utf8').trim() : ''
  return knownBoot
}

/**
 * Stamps what arrives. The newest arrival is kept in the log with the clock that nobody sets, so every process that
 * appends to the log knows of a leap, also one that is started meanwhile.
 */
function arrivalsOf(database: DatabaseSync, readClocks: () => ClockReading) {
  const select = database.prepare('SELECT arrival_ms AS arrivalMs, up_ms AS upMs, boot FROM last_arrival')
  const insert = database.prepare('INSERT INTO last_arrival VALUES (?, ?, ?)')
  const update = database.prepare('UPDATE last_arrival SET arrival_ms = ?, up_ms = ?, boot = ?')
  const refuseLeap = leapGuard()
  return {
    /** The arrival time of what the transaction stores. @throws ClockLeapError while the clock is not believed */
    next(): number {
      const last = select.get() as unknown as LastArrival | undefined
      const now = readClocks()
      refuseLeap(now, last)
      const arrivalMs = nextArrivalMs(now, last)
      if (!last) insert.run(arrivalMs, now.upMs, now.boot)
      // Where arrival stands still, the time goes on that it is measured by.
      else if (arrivalMs !== last.arrivalMs || now.boot !== last.boot) update.run(arrivalMs, now.upMs, now.boot)
      return arrivalMs
    },
  }
}
