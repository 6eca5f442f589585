import * as z from 'zod'
import { toPosition, toSequenceNumber } from '../core/lane.ts'
import { shownText } from '../core/shown-bytes.ts'
import { formatTimestamp } from '../core/time.ts'
import type { QuarantineHead, QuarantinePlace, SpeedStore } from '../ports/speed-store.ts'
import { BadParameterError } from './bad-parameter.ts'
import { mergeInOrder } from './merge-in-order.ts'
import { MOST_PAGED_LANES, type QuarantineQuery, type QuarantineRow } from './schemas.ts'

/** Number of bytes of an entry that are answered. */
const SHOWN_BYTES = 512

/** Last time that a date can have, ms. */
const LAST_MS = 8.64e15

/** Place in each lane of which a page had entries: lane, arrival time, sequence number and line. */
const Places = z.array(
  z.tuple([z.string(), z.int().min(0).max(LAST_MS), z.string().regex(/^\d{1,56}$/), z.int().min(0).nullable()]),
)

/**
 * Reads a page of the quarantine, newest first. The entries of a lane are in the order of their places: their arrival
 * times may differ from it where a clock was set back.
 *
 * @returns rows, and the parameters of the next page; null on the last page, and where the address would be too long
 * @throws BadParameterError when `after` is not the end of a page, or the lane is unknown
 */
export async function quarantine(
  { store }: { store: Pick<SpeedStore, 'readCursors' | 'readNewestQuarantine'> },
  { limit, lane, after }: QuarantineQuery,
): Promise<{ rows: QuarantineRow[]; next: { after: string } | null }> {
  // No other lane has entries.
  const known = (await store.readCursors()).map(cursor => cursor.lane).sort()
  if (lane !== undefined && !known.includes(lane)) {
    throw new BadParameterError('lane: there is no such lane; GET /api/health has their names', 404)
  }
  const lanes = lane === undefined ? known : [lane]
  const places = after === undefined ? new Map<string, QuarantinePlace>() : placesOf(after)
  // All lanes together read little more than the page, and a lane that has all the entries reads few times.
  const atOnce = Math.max(Math.ceil((limit + 1) / Math.max(lanes.length, 1)), 10)
  const streams = lanes.map(name => entriesOf(store, name, places.get(name) ?? null, atOnce))
  const rows: QuarantineRow[] = []
  for await (const entry of mergeInOrder(streams, (a, b) => b.arrivalMs - a.arrivalMs)) {
    if (rows.length === limit) {
      return { rows, next: lanes.length > MOST_PAGED_LANES ? null : { after: textOf(places) } }
    }
    rows.push(rowOf(entry))
    places.set(entry.lane, entry)
  }
  return { rows, next: null }
}

async function* entriesOf(
  store: Pick<SpeedStore, 'readNewestQuarantine'>,
  lane: string,
  from: QuarantinePlace | null,
  limit: number,
): AsyncGenerator<QuarantineHead> {
  for (let before = from; ; ) {
    const page = await store.readNewestQuarantine({ lane, before, limit, mostBytes: SHOWN_BYTES })
    yield* page
    before = page.at(-1) ?? null
    if (page.length < limit) return
  }
}

function textOf(places: ReadonlyMap<string, QuarantinePlace>): string {
  const values: z.infer<typeof Places> = Array.from(places, ([lane, { arrivalMs, position, line }]) => [
    lane,
    arrivalMs,
    toSequenceNumber(position),
    line,
  ])
  return Buffer.from(JSON.stringify(values)).toString('base64url')
}

function placesOf(text: string): Map<string, QuarantinePlace> {
  try {
    const values = Places.parse(JSON.parse(Buffer.from(text, 'base64url').toString('utf8')))
    return new Map(
      values.map(([lane, arrivalMs, number, line]) => [lane, { arrivalMs, position: toPosition(number), line }]),
    )
  } catch {
    throw new BadParameterError('after: there is no such page; take it from the Link header of the previous page', 404)
  }
}

function rowOf({ arrivalMs, reason, detail, lane, position, line, bytes, length }: QuarantineHead): QuarantineRow {
  return {
    arrived_at: formatTimestamp(arrivalMs),
    reason,
    detail,
    lane,
    position: toSequenceNumber(position),
    line,
    bytes: length,
    beginning: shownText(bytes),
  }
}
