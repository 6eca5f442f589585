import { statSync } from 'node:fs'
import type { DatabaseSync } from 'node:sqlite'
import { type ClockReading, type LastArrival, leapGuard, nextArrivalMs } from '../../core/arrival-clock.ts'
import { inGroups } from '../in-groups.ts'
import { functionInThread } from '../thread.ts'
import { openDatabase, transaction, UnwritableError, whenFree } from './database.ts'

/** Record with the shard that it goes to. */
export interface Place {
  shard: string
  data: Uint8Array
}

/** Records packed into few objects: passing them to a thread costs as much as one record. */
export interface PackedPlaces {
  shards: string[]
  /** End of each record's data in `bytes`. */
  ends: number[]
  bytes: Uint8Array<ArrayBuffer>
}

/** Commit to the log. Each one waits for the disk. */
export type LogCommit =
  | { kind: 'append'; places: PackedPlaces; now: ClockReading }
  | { kind: 'trim'; shard: string; upTo: number; keptMs: number }

/**
 * Writes a commit, and resolves with the sequence numbers of the appended records when they are on the disk.
 *
 * @throws Error when nothing of it is stored: the file is locked by another process or was removed, or the clock is not
 *   trusted
 * @throws UnwritableError when its disk refuses writes
 */
export type Commit = (commit: LogCommit) => Promise<number[]>

/** Result of a commit, or the message of an UnwritableError: the class of an error is lost between threads. */
export type CommitValue = number[] | { unwritable: string }

/** Writer of the log. Its promises resolve when the change is on the disk; they reject like Commit. */
export interface LogWriter {
  /** Returns the sequence number of each record. */
  append(places: readonly Place[]): Promise<number[]>
  /** See openSqliteEventLog. */
  trim(shard: string, upTo: number, keptMs: number): Promise<void>
  /** Waits for commits that are under way, then closes. */
  close(): Promise<void>
}

/** File of a log, with its inode: another file with the same name is a different log. */
export interface LogFile {
  file: string
  inode: number | undefined
}

/**
 * Creates a writer that commits in groups, in its own thread. So the thread that answers requests never waits for the
 * disk.
 */
export function writerInThread(log: LogFile, readClocks: () => ClockReading): LogWriter {
  const thread = functionInThread<LogCommit, CommitValue>(new URL('log-writer-thread.ts', import.meta.url), log)
  const commit = async (event: LogCommit, transfer?: readonly ArrayBuffer[]) =>
    resultOf(await thread.call(event, transfer))
  const groups = inGroups((places: readonly Place[]) => {
    const packed = packPlaces(places)
    return commit({ kind: 'append', places: packed, now: readClocks() }, [packed.bytes.buffer])
  })
  let trimmed: Promise<unknown> = Promise.resolve()
  return {
    append: groups.add,
    async trim(shard, upTo, keptMs) {
      const trimming = commit({ kind: 'trim', shard, upTo, keptMs })
      trimmed = Promise.allSettled([trimmed, trimming])
      await trimming
    },
    async close() {
      await groups.idle()
      await trimmed
      await thread.stop()
    },
  }
}

/** Returns the result of a commit, or the message of its UnwritableError, as a value. */
export async function commitValue(committing: Promise<number[]>): Promise<CommitValue> {
  try {
    return await committing
  } catch (error) {
    if (error instanceof UnwritableError) return { unwritable: error.message }
    throw error
  }
}

function resultOf(value: CommitValue): number[] {
  if ('unwritable' in value) throw new UnwritableError(value.unwritable)
  return value
}

/** Creates a writer that commits in this thread, for a log in memory, which never waits for a disk. */
export function writerHere(database: DatabaseSync, log: LogFile, readClocks: () => ClockReading): LogWriter {
  const commit = committerOf(database, log)
  return {
    append: places => commit({ kind: 'append', places: packPlaces(places), now: readClocks() }),
    async trim(shard, upTo, keptMs) {
      await commit({ kind: 'trim', shard, upTo, keptMs })
    },
    async close() {},
  }
}

/** Opens a connection that is used for commits only. @throws Error when the file was removed */
export function openCommitter(log: LogFile): Commit {
  // Opening a missing file would create it.
  refuseIfRemoved(log)
  return committerOf(openDatabase({ file: log.file, durability: 'power-loss', define() {} }), log)
}

function committerOf(database: DatabaseSync, log: LogFile): Commit {
  const insert = database.prepare('INSERT INTO record (shard, arrival_ms, data) VALUES (?, ?, ?)')
  const deleteUpTo = database.prepare(
    `DELETE FROM record
     WHERE shard = ? AND sequence <= ? AND arrival_ms < (SELECT arrival_ms FROM last_arrival) - ?`,
  )
  const arrivals = arrivalsOf(database)

  function append({ shards, ends, bytes }: PackedPlaces, now: ClockReading): number[] {
    return transaction(database, () => {
      const arrivalMs = arrivals.next(now)
      return shards.map((shard, index) => {
        const data = bytes.subarray(ends[index - 1] ?? 0, ends[index])
        return Number(insert.run(shard, arrivalMs, data).lastInsertRowid)
      })
    })
  }

  return commit =>
    whenFree(database, () => {
      refuseIfRemoved(log)
      if (commit.kind === 'append') return append(commit.places, commit.now)
      deleteUpTo.run(commit.shard, commit.upTo, commit.keptMs)
      return []
    })
}

/** Packs the data of records into one array, which costs little to send to a thread. */
export function packPlaces(places: readonly Place[]): PackedPlaces {
  const bytes = new Uint8Array(places.reduce((sum, { data }) => sum + data.byteLength, 0))
  const ends: number[] = []
  let end = 0
  for (const { data } of places) {
    bytes.set(data, end)
    end += data.byteLength
    ends.push(end)
  }
  return { shards: places.map(({ shard }) => shard), ends, bytes }
}

/** Number of the file on its disk; undefined when there is no such file. A file in its place has another one. */
export function inodeOf(file: string): number | undefined {
  return statSync(file, { throwIfNoEntry: false })?.ino
}

/** Throws when the file was removed. Writes to a removed file are lost, and SQLite reports no error. */
function refuseIfRemoved({ file, inode }: LogFile): void {
  if (inodeOf(file) !== inode) throw new Error(`the log ${file} was removed or replaced: open it again`)
}

/**
 * Stamps arrivals. The log stores the newest arrival together with the time since boot, a clock that nobody can set. So
 * every process that appends to the log recognises a leap of the system clock, even if the process started later.
 */
function arrivalsOf(database: DatabaseSync) {
  const select = database.prepare('SELECT arrival_ms AS arrivalMs, up_ms AS upMs, boot FROM last_arrival')
  const insert = database.prepare('INSERT INTO last_arrival VALUES (?, ?, ?)')
  const update = database.prepare('UPDATE last_arrival SET arrival_ms = ?, up_ms = ?, boot = ?')
  const refuseLeap = leapGuard()
  return {
    /** Returns the arrival time for this transaction. @throws ClockLeapError while the clock is not trusted */
    next(now: ClockReading): number {
      const last = select.get() as unknown as LastArrival | undefined
      refuseLeap(now, last)
      const arrivalMs = nextArrivalMs(now, last)
      if (!last) insert.run(arrivalMs, now.upMs, now.boot)
      // While arrival stands still, the stored time since boot stays too: elapsed time is measured from it.
      else if (arrivalMs !== last.arrivalMs || now.boot !== last.boot) update.run(arrivalMs, now.upMs, now.boot)
      return arrivalMs
    },
  }
}
