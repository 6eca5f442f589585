import type { ClassList } from '../core/classes.ts'
import type { RejectionReason } from '../core/record.ts'
import { type Slot, slotOf } from '../core/slot.ts'
import { isContinuable, type RetryTime } from '../ingest/retry.ts'
import type { EventLog } from '../ports/event-log.ts'
import type { QuarantineEntry, RedriveState, SpeedStore } from '../ports/speed-store.ts'
import { type RedrivenRecord, redrivenRecord } from './redriven-record.ts'

/** Ports and settings with which quarantined events are appended again. */
export interface Redrive {
  log: EventLog
  store: SpeedStore
  classes(): Promise<ClassList>
  slotMs: number
  /** Time since the epoch, because it is compared with the claims of other runs. Their clocks may differ by seconds. */
  time: RetryTime
}

/** State of an entry before a redrive. */
export type Standing =
  /** Entry that is still invalid. */
  | 'bad'
  /** Valid now: a redrive appends its events. */
  | 'ready'
  /** Its events are on the log. */
  | 'redriven'
  /** Claimed by a redrive that got no acknowledgement, and copies of it may no longer be recognised. */
  | 'uncertain'

/** Entry with its state. */
export interface Judged {
  entry: QuarantineEntry
  standing: Standing
  /** Record to append; null when the entry is invalid. */
  record: RedrivenRecord | null
  /** Reason why the entry is invalid now, or was invalid before. */
  reason: RejectionReason
  claim: RedriveState | undefined
}

/** Number of entries that are processed in parallel. Each may have megabytes. */
const PAGE_ENTRIES = 20

/**
 * Reads the quarantine page by page, each entry with its state.
 *
 * @param lanes lanes that have a cursor. No other lane has entries, and the log may have removed some of these lanes.
 * @param reason only entries that were quarantined for this reason
 */
export async function* judgedPages(
  redrive: Redrive,
  lanes: readonly string[],
  reason: RejectionReason | undefined,
): AsyncGenerator<Judged[]> {
  const { store, slotMs, time } = redrive
  const classes = await redrive.classes()
  const slot = slotOf(time.now(), slotMs)
  for (const lane of lanes) {
    for (let after: QuarantineEntry | null = null; ; ) {
      const entries: QuarantineEntry[] = await store.readQuarantine({ lane, after, limit: PAGE_ENTRIES })
      const wanted = entries.filter(entry => reason === undefined || entry.reason === reason)
      yield await judged(redrive, wanted, slot, classes)
      after = entries.at(-1) ?? null
      if (entries.length < PAGE_ENTRIES) break
    }
  }
}

async function judged(
  redrive: Redrive,
  entries: readonly QuarantineEntry[],
  slot: Slot,
  classes: ClassList,
): Promise<Judged[]> {
  const now = entries.map(entry => redrivenRecord(entry, slot, classes, redrive.log.maxRecordBytes))
  const producers = now.flatMap(each => ('record' in each ? [each.record.producer] : []))
  const states = producers.length > 0 ? await redrive.store.readRedrives(producers) : []
  const claims = new Map(states.map(state => [state.producer, state]))
  return entries.map((entry, index): Judged => {
    const each = now[index] as (typeof now)[number]
    if ('reason' in each) return { entry, standing: 'bad', record: null, reason: each.reason, claim: undefined }
    const claim = claims.get(each.record.producer)
    return { entry, standing: standingOf(claim, redrive), record: each.record, reason: entry.reason, claim }
  })
}

function standingOf(claim: RedriveState | undefined, redrive: Redrive): Standing {
  if (claim === undefined) return 'ready'
  if (claim.appendedMs !== null) return 'redriven'
  return isContinuable(claim, redrive) ? 'ready' : 'uncertain'
}
