import type { Cursor } from '../../core/cursor.ts'
import { type Position, START, toPosition, toSequenceNumber } from '../../core/lane.ts'
import type { LogRecord } from '../../core/record.ts'
import { formatTimestamp } from '../../core/time.ts'
import { ARCHIVE_CONSUMER, type Checkpoints, SPEED_CONSUMER } from '../../ports/checkpoints.ts'
import type { EventLog } from '../../ports/event-log.ts'
import type { OpenedLog } from './log.ts'

/** Progress of the consumers of a log. */
export interface Progress {
  /** Cursors of the speed layer. */
  cursors: readonly Pick<Cursor, 'lane' | 'lastPosition' | 'lastArrivalMs'>[]
  checkpoints: Pick<Checkpoints, 'read'>
}

/** Lane from which more was read than it now contains. */
interface LaneBehind {
  lane: string
  /** Description for people. */
  reason: string
  /** Highest position that any consumer has read. */
  read: Position
  end: Position
  /** Records up to `read` that arrived after everything that the lane has applied. No consumer has read them. */
  arrivedSince: number | null
  /** Maximum number of records that the speed layer has applied and the archive will never get. */
  notArchived: bigint
}

/** Number of positions before a cursor in which the last record of its lane is searched. */
const POSITIONS_LOOKED_AT = 100n
const RECORDS_AT_ONCE = 1_000

/**
 * Refuses a log that has lost records that were read: it was restored alone, or its newest writes are lost. New records
 * would get positions that count as read. They would never be counted, although they were acknowledged. Refuses also a
 * new log in place of one that was removed: what had arrived there and was not read yet would be missing silently.
 *
 * @param name name of the log, for people
 * @throws Error that says which records are missing, and what can be done
 */
export async function refuseLogBehind(
  opened: Pick<OpenedLog, 'log' | 'moveEnd'>,
  name: string,
  progress: Progress,
): Promise<void> {
  const other = otherLog(opened, progress)
  if (other !== undefined) {
    throw new Error(
      `${name} is not the log that was read: ${other}. Records that only the lost log had are missing. Either stop all programs that use the folder, and put the lost log back or restore a whole backup: npm run restore -- --from BACKUP --state ANOTHER-FOLDER. Or continue without these records: npm start -- --accept-lost-records`,
    )
  }
  const behind = await lanesBehind(opened.log, progress)
  if (behind.length === 0) return
  throw new Error(
    `${name} has lost records that were read: ${behind.map(({ reason }) => reason).join('; ')}. New records would get positions that were read already, so they would be acknowledged but never counted. Either restore a whole backup: npm run restore -- --from BACKUP --state ANOTHER-FOLDER. Or continue without the lost records: npm start -- --accept-lost-records`,
  )
}

/**
 * Moves a log that has lost records behind everything that was read, and appends again the records that no consumer has
 * read.
 *
 * @returns descriptions of what is missing, one line each; an empty list when nothing is
 * @throws Error when the log cannot continue
 */
export async function acceptLostRecords(
  opened: Pick<OpenedLog, 'log' | 'moveEnd'>,
  name: string,
  progress: Progress,
): Promise<string[]> {
  const { log, moveEnd } = opened
  const other = otherLog(opened, progress)
  if (other !== undefined) {
    return [
      `accepted: ${name} is not the log that was read: ${other}. If a batch run says that the layers differ: npm run batch -- --ignore-speed`,
    ]
  }
  const behind = await lanesBehind(log, progress)
  const highest = behind
    .map(({ read }) => read)
    .sort()
    .at(-1)
  if (highest === undefined) return []
  if (!moveEnd) {
    throw new Error(
      `${name} cannot go on at a later position: delete the topic and create it again; then it is read from the start`,
    )
  }
  await moveEnd(highest)
  const told: string[] = []
  for (const { lane, reason, read, arrivedSince, notArchived } of behind) {
    told.push(`accepted: ${reason}`)
    if (notArchived > 0n) {
      told.push(
        `lane ${lane}: up to ${notArchived} records were counted by the speed layer and never reach the archive; if a batch run says that the layers differ: npm run batch -- --ignore-speed`,
      )
    }
    if (arrivedSince === null) continue
    const again = await appendAgain(log, lane, read, arrivedSince)
    if (again > 0) told.push(`lane ${lane}: ${again} records that nobody had read are appended again`)
  }
  return told
}

/**
 * Finds out whether the file of a log was removed or replaced since it was read: then no cursor is of this log.
 * A topic or stream may be created again, and is read from its start.
 *
 * @returns description of the log that was read; undefined when it is this one, or when nothing was read yet
 */
function otherLog({ log, moveEnd }: Pick<OpenedLog, 'log' | 'moveEnd'>, { cursors }: Progress): string | undefined {
  const [known] = cursors
  if (!moveEnd || !known) return undefined
  if (cursors.some(({ lane }) => lane.startsWith(`${log.identity}.`))) return undefined
  return `it has the identity ${log.identity}, and ${known.lane} was read up to ${numberOf(known.lastPosition)}`
}

async function lanesBehind(log: EventLog, { cursors, checkpoints }: Progress): Promise<LaneBehind[]> {
  const behind: LaneBehind[] = []
  for (const { name: lane } of await log.lanes()) {
    const cursor = cursors.find(each => each.lane === lane)
    const speed = await checkpoints.read(SPEED_CONSUMER, lane)
    const archive = await checkpoints.read(ARCHIVE_CONSUMER, lane)
    const applied = latest(cursor?.lastPosition ?? START, speed)
    const read = latest(applied, archive)
    // The end is read last: a system that runs at the same time reads only records that were appended before.
    const end = await log.end(lane)
    if (read === START || end === null) continue
    const missing = distance(end, read)
    const regrown = await grownAgain(log, cursor)
    if (missing <= 0n && !regrown) continue
    const reason =
      missing > 0n
        ? `lane ${lane} ends at ${numberOf(end)}, and was read up to ${numberOf(read)} (${missing} records or less)`
        : `lane ${lane} was cut and has grown again: its record ${numberOf(regrown?.position ?? START)} arrived at ${formatTimestamp(regrown?.arrivalMs ?? 0)}, after all that was read up to ${numberOf(read)}`
    const notArchived = distance(latest(archive, missing > 0n ? end : archive), applied)
    behind.push({ lane, reason, read, end, arrivedSince: cursor?.lastArrivalMs ?? null, notArchived })
  }
  return behind
}

/** Finds the last record of a lane up to its cursor, if it arrived after everything that the lane has applied. */
async function grownAgain(
  log: EventLog,
  cursor: Progress['cursors'][number] | undefined,
): Promise<LogRecord | undefined> {
  if (!cursor || cursor.lastPosition === START || cursor.lastArrivalMs === null) return undefined
  const { lane, lastPosition, lastArrivalMs } = cursor
  const first = BigInt(lastPosition) - POSITIONS_LOOKED_AT
  const records = await log.read(lane, first > 0n ? toPosition(first) : START, Number(POSITIONS_LOOKED_AT))
  const last = records.filter(({ position }) => position <= lastPosition).at(-1)
  return last && last.arrivalMs > lastArrivalMs ? last : undefined
}

/**
 * Appends again the records of a lane up to a position that arrived after a time.
 *
 * @returns number of records
 */
async function appendAgain(log: EventLog, lane: string, upTo: Position, arrivedAfterMs: number): Promise<number> {
  let count = 0
  for (let after = START; ; ) {
    const page = await log.read(lane, after, RECORDS_AT_ONCE)
    const unread = page.filter(({ position, arrivalMs }) => position <= upTo && arrivalMs > arrivedAfterMs)
    for (const outcome of await log.append(unread.map(({ data }) => ({ lane, data })))) {
      if ('error' in outcome) throw new Error(`a record of ${lane} could not be appended again: ${outcome.error}`)
    }
    count += unread.length
    const last = page.at(-1)
    if (!last || last.position >= upTo) return count
    after = last.position
  }
}

function latest(a: Position, b: Position): Position {
  return a > b ? a : b
}

function distance(from: Position, to: Position): bigint {
  return BigInt(to || 0) - BigInt(from || 0)
}

function numberOf(position: Position): string {
  return position === START ? '0' : toSequenceNumber(position)
}
