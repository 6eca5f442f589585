import { OPTIONAL_FIELDS, type WireEvent } from '../core/event.ts'
import { type Position, START, toPosition } from '../core/lane.ts'
import { encodeRecord, type LogRecord, type Origin } from '../core/record.ts'
import type { Slot } from '../core/slot.ts'
import { byName } from '../core/text-order.ts'
import { formatTimestamp } from '../core/time.ts'
import type { ObjectStore } from '../ports/object-store.ts'
import { ARCHIVE_PREFIX, COMPACTED_LANE_PREFIX, parseArchiveKey, slotPrefix } from './layout.ts'
import { readArchiveFile } from './read.ts'

/** Ports and settings of a replay. */
export interface ReplayOptions {
  objects: ObjectStore
  slotMs: number
  /** First arrival slot to replay. */
  from: Slot
  /**
   * Returns true when no record of a lane can be missing: the lane is closed, and records of its children are archived.
   */
  isFinished(lane: string): boolean
  /** Applies some records of a lane. They come in order. */
  apply(lane: string, records: LogRecord[]): Promise<void>
}

/** Result of a replay. */
export interface Replayed {
  lanes: number
  records: number
  events: number
}

const RECORDS_AT_ONCE = 1_000

interface LaneFiles {
  keys: string[]
  /** Position up to which the archive has all records of the lane. */
  upTo: Position
}

/**
 * Rebuilds the log's records from the archive and applies them, for a speed store that was lost when the log no longer
 * reaches back far enough. Rejected events are not in the archive and do not come back; all counted events do. The
 * log's consumer continues behind the last record that is applied here.
 */
export async function replayArchive({ objects, slotMs, from, isFinished, apply }: ReplayOptions): Promise<Replayed> {
  const replayed: Replayed = { lanes: 0, records: 0, events: 0 }
  for (const [lane, { keys, upTo }] of await filesOfLanes(objects, from, slotMs, isFinished)) {
    const records = new Map<Position, LogRecord>()
    for (const key of keys) {
      const bytes = await objects.get(key)
      if (!bytes) throw new Error(`the archive file ${key} vanished while it was replayed`)
      const rows = (await readArchiveFile(key, bytes)).filter(
        row => row.lane === lane && (row.sequence as string) <= upTo,
      )
      for (const [position, ofRecord] of Map.groupBy(rows, row => row.sequence as Position)) {
        if (records.has(position)) continue
        records.set(position, recordOf(ofRecord))
        replayed.events += ofRecord.filter(row => row.image_id !== null).length
      }
    }
    const inOrder = [...records].sort(byName).map(([, record]) => record)
    for (let start = 0; start < inOrder.length; start += RECORDS_AT_ONCE) {
      await apply(lane, inOrder.slice(start, start + RECORDS_AT_ONCE))
    }
    if (inOrder.length > 0) replayed.lanes++
    replayed.records += inOrder.length
  }
  return replayed
}

/** Returns the lanes that are not yet fully archived up to their given positions. */
export async function lanesToCome(
  objects: ObjectStore,
  slotMs: number,
  from: Slot,
  positions: ReadonlyMap<string, Position>,
): Promise<string[]> {
  const lanes = await filesOfLanes(objects, from, slotMs, () => false)
  const isToCome = ([lane, position]: [string, Position]) => (lanes.get(lane)?.upTo ?? START) < position
  return [...positions].filter(isToCome).map(([lane]) => lane)
}

/**
 * Lists the files of each lane and the position up to which the lane is whole. A delivery is written slot by slot and
 * may be interrupted in between; but the next delivery begins only behind one that was written whole. So a lane is
 * whole up to the end of a file behind which another file begins.
 */
async function filesOfLanes(
  objects: ObjectStore,
  from: Slot,
  slotMs: number,
  isFinished: (lane: string) => boolean,
): Promise<Map<string, LaneFiles>> {
  const lanes = new Map<string, { key: string; first: Position; last: Position }[]>()
  const compacted: string[] = []
  for await (const key of objects.list(ARCHIVE_PREFIX, slotPrefix(from, slotMs))) {
    const file = parseArchiveKey(key)
    if (!file) continue
    if (file.lane.startsWith(COMPACTED_LANE_PREFIX)) {
      compacted.push(key)
      continue
    }
    const files = lanes.get(file.lane) ?? []
    files.push({ key, first: toPosition(file.first), last: toPosition(file.last) })
    lanes.set(file.lane, files)
  }
  return new Map(
    Array.from(lanes, ([lane, files]) => {
      const latest = files
        .map(({ first }) => first)
        .sort()
        .at(-1) as Position
      const whole = files.map(({ last }) => last).filter(last => isFinished(lane) || last < latest)
      const keys = [...files.map(({ key }) => key), ...compacted]
      return [lane, { keys, upTo: whole.sort().at(-1) ?? START }]
    }),
  )
}

/**
 * Rebuilds a record with its counted events.
 *
 * @param rows rows of one position; a row without an event means that there is none
 */
function recordOf(rows: readonly Record<string, unknown>[]): LogRecord {
  const [row] = rows as [Record<string, unknown>]
  const origin: Origin | null =
    row.producer === null ? null : { producer: row.producer as string, counter: Number(row.counter) }
  const events = rows.filter(({ image_id }) => image_id !== null).map(wireEventOf)
  return {
    lane: row.lane as string,
    position: row.sequence as Position,
    arrivalMs: Number(row.arrival_ms),
    data: origin ? encodeRecord(origin, events) : Buffer.from(events.map(event => JSON.stringify(event)).join('\n')),
  }
}

/** Converts a row to an event. Columns and fields have the same names. Values that were not measured are absent. */
function wireEventOf(row: Record<string, unknown>): WireEvent {
  const measured = OPTIONAL_FIELDS.filter(name => row[name] !== null).map(name => [name, row[name]])
  return {
    image_id: row.image_id as string,
    class_name: row.class_name as string,
    ndvi_mean: row.ndvi_mean as number,
    ...Object.fromEntries(measured),
    timestamp: formatTimestamp(Number(row.event_ms)),
  }
}
