import { statSync } from 'node:fs'
import type { DatabaseSync } from 'node:sqlite'
import { type ClockReading, type LastArrival, leapGuard, nextArrivalMs } from '../../core/arrival-clock.ts'
import { inGroups } from '../in-groups.ts'
import { functionInThread } from '../thread.ts'
import { openDatabase, transaction, whenFree } from './database.ts'

/** A record and the shard that it goes to. */
export interface Place {
  shard: string
  data: Uint8Array
}

/** Records in few objects, so that a thread gets them at the cost of one. */
export interface PackedPlaces {
  shards: string[]
  /** Where the data of each ends in `bytes`. */
  ends: number[]
  bytes: Uint8Array<ArrayBuffer>
}

/** A commit to the log: each waits for the disk. */
export type LogCommit =
  | { kind: 'append'; places: PackedPlaces; now: ClockReading }
  | { kind: 'trim'; shard: string; upTo: number; keptMs: number }

/**
 * Resolves when the commit is on the disk, to the sequence numbers of what it appends.
 *
 * @throws Error when nothing of it is stored: the file is locked by another process, cannot be written or was removed, or
 *   the clock is not believed
 */
type Commit = (commit: LogCommit) => Promise<number[]>

/** Resolves when what is asked for is on the disk. */
export interface LogWriter {
  /** Answers the sequence number of each record. */
  append(places: readonly Place[]): Promise<number[]>
  /** See openSqliteEventLog. */
  trim(shard: string, upTo: number, keptMs: number): Promise<void>
  /** Waits for what is under way. */
  close(): Promise<void>
}

/** The file of a log as it was opened: another of the same name is not it. */
export interface LogFile {
  file: string
  inode: number | undefined
}

/** Commits in a thread of its own, so that whoever answers requests waits for no disk, and in groups. */
export function writerInThread(log: LogFile, readClocks: () => ClockReading): LogWriter {
  const thread = functionInThread<LogCommit, number[]>(new URL('log-writer-thread.ts', import.meta.url), log)
  const groups = inGroups((places: readonly Place[]) => {
    const packed = packPlaces(places)
    return thread.call({ kind: 'append', places: packed, now: readClocks() }, [packed.bytes.buffer])
  })
  let trimmed: Promise<unknown> = Promise.resolve()
  return {
    append: groups.add,
    async trim(shard, upTo, keptMs) {
      const trimming = thread.call({ kind: 'trim', shard, upTo, keptMs })
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

/** Commits in this thread: for a log in memory, which waits for no disk. */
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

/** Commits by a connection of its own. @throws Error when the file was removed */
export function openCommitter(log: LogFile): Commit {
  // Opening would make the file that is missing.
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

export function inodeOf(file: string): number | undefined {
  return statSync(file, { throwIfNoEntry: false })?.ino
}

/** What is written to a file that was removed is lost, and SQLite says nothing of it. */
function refuseIfRemoved({ file, inode }: LogFile): void {
  if (inodeOf(file) !== inode) throw new Error(`the log ${file} was removed, or made again: open it again`)
}

/**
 * Stamps what arrives. The newest arrival is kept in the log with the clock that nobody sets, so every process that
 * appends to the log knows of a leap, also one that is started meanwhile.
 */
function arrivalsOf(database: DatabaseSync) {
  const select = database.prepare('SELECT arrival_ms AS arrivalMs, up_ms AS upMs, boot FROM last_arrival')
  const insert = database.prepare('INSERT INTO last_arrival VALUES (?, ?, ?)')
  const update = database.prepare('UPDATE last_arrival SET arrival_ms = ?, up_ms = ?, boot = ?')
  const refuseLeap = leapGuard()
  return {
    /** The arrival time of what the transaction stores. @throws ClockLeapError while the clock is not believed */
    next(now: ClockReading): number {
      const last = select.get() as unknown as LastArrival | undefined
      refuseLeap(now, last)
      const arrivalMs = nextArrivalMs(now, last)
      if (!last) insert.run(arrivalMs, now.upMs, now.boot)
      // Where arrival stands still, the time goes on that it is measured by.
      else if (arrivalMs !== last.arrivalMs || now.boot !== last.boot) update.run(arrivalMs, now.upMs, now.boot)
      return arrivalMs
    },
  }
}
