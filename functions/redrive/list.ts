import type { RejectionReason } from '../core/record.ts'
import { shownText } from '../core/shown-bytes.ts'
import type { QuarantineEntry } from '../ports/speed-store.ts'
import { judgedPages, type Redrive, type Standing } from './standing.ts'

/** Number of entries with one reason, and an example. */
export interface Listed {
  standings: Record<Standing, number>
  firstArrivalMs: number
  lastArrivalMs: number
  /** Place of one of the entries. */
  example: Pick<QuarantineEntry, 'lane' | 'position' | 'line'>
}

/** Entry of the quarantine for people. */
export interface Detailed extends Omit<QuarantineEntry, 'bytes'> {
  standing: Standing
  /** First bytes of the entry as text: see shownText. */
  beginning: string
  /** Length of the whole entry, bytes. */
  length: number
}

/** Number of bytes of an entry that are shown. */
const SHOWN_BYTES = 120

/**
 * Yields the entries of the quarantine, lane by lane, without changing them.
 *
 * @param reason only entries with this reason
 */
export async function* detailedEntries(redrive: Redrive, reason?: RejectionReason): AsyncGenerator<Detailed> {
  const lanes = (await redrive.store.readCursors()).map(({ lane }) => lane)
  for await (const page of judgedPages(redrive, lanes, reason)) {
    for (const { entry, standing } of page) {
      const { bytes, ...place } = entry
      yield { ...place, standing, beginning: shownText(bytes.subarray(0, SHOWN_BYTES)), length: bytes.length }
    }
  }
}

/**
 * Summarises the quarantine without changing it.
 *
 * @param reason only entries with this reason
 */
export async function listQuarantine(
  redrive: Redrive,
  reason?: RejectionReason,
): Promise<Map<RejectionReason, Listed>> {
  const listed = new Map<RejectionReason, Listed>()
  const lanes = (await redrive.store.readCursors()).map(({ lane }) => lane)
  for await (const page of judgedPages(redrive, lanes, reason)) {
    for (const { entry, standing } of page) {
      const { lane, position, line, arrivalMs } = entry
      const known = listed.get(entry.reason)
      const of: Listed = known ?? {
        standings: { bad: 0, ready: 0, redriven: 0, uncertain: 0 },
        firstArrivalMs: arrivalMs,
        lastArrivalMs: arrivalMs,
        example: { lane, position, line },
      }
      of.standings[standing]++
      of.firstArrivalMs = Math.min(of.firstArrivalMs, arrivalMs)
      of.lastArrivalMs = Math.max(of.lastArrivalMs, arrivalMs)
      listed.set(entry.reason, of)
    }
  }
  return listed
}
