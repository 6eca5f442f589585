import type { Refused } from '../answers.ts'
import { type Clock, formatCount, plural } from './format.ts'

/** Record or line that was refused, as its row shows it. */
export type RefusedItem = {
  key: string
  time: string
  /** Time as ISO 8601, UTC. */
  timeTitle: string
  reason: string
  detail: string
  place: string
  /** Lane, which is too long for the row. */
  placeTitle: string
  beginning: string
}

/** View of the refused records. */
export type RefusedView = { note: string; items: RefusedItem[] }

const REASONS: Record<Refused['reason'], string> = {
  empty: 'Empty',
  'cannot-decompress': 'Cannot be decompressed',
  'cannot-unwrap': 'Unknown wrapper',
  'too-large': 'Too large',
  'bad-header': 'Header not right',
  'not-utf8': 'Not UTF-8 text',
  'not-json': 'Not JSON',
  'invalid-event': 'Value not right',
  'unknown-class': 'Unknown class',
}

/**
 * View of the newest refused records; null when there is none.
 *
 * @param count number of all that were refused; undefined while it is not known
 */
export function refusedView(
  rows: readonly Refused[] | undefined,
  count: number | undefined,
  clock: Clock,
  nowMs: number,
): RefusedView | null {
  if (!rows || rows.length === 0 || count === 0) return null
  const all = Math.max(count ?? 0, rows.length)
  return {
    note:
      all > rows.length
        ? `The newest ${rows.length} of ${formatCount(all)}`
        : plural(all, 'record or line', 'records or lines'),
    items: rows.map(row => ({
      key: `${row.lane} ${row.position} ${row.line}`,
      time: clock.second(row.arrivedMs, nowMs),
      timeTitle: new Date(row.arrivedMs).toISOString(),
      reason: REASONS[row.reason] ?? row.reason,
      detail: row.detail,
      place: row.line === null ? `record ${row.position}` : `record ${row.position}, line ${row.line}`,
      placeTitle: `Lane ${row.lane}`,
      beginning: row.bytes === 0 ? 'no bytes' : row.beginning,
    })),
  }
}
