import type { ClassList } from '../core/classes.ts'
import type { RejectionReason } from '../core/record.ts'
import { type Slot, slotOf } from '../core/slot.ts'
import { LAST_ATTEMPT_MS, type RetryTime } from '../ingest/retry.ts'
import type { EventLog } from '../ports/event-log.ts'
import type { QuarantineEntry, RedriveState, SpeedStore } from '../ports/speed-store.ts'
import { type RedrivenRecord, redrivenRecord } from './redriven-record.ts'

export interface Redrive {
  log: EventLog
  store: SpeedStore
  classes(): Promise<ClassList>
  slotMs: number
  /** Counts from the epoch: other runs' claims are held against it. Runs' clocks may differ by seconds. */
  time: RetryTime
}

/** Where an entry stands now, before anything is done about it. */
export type Standing =
  /** It is refused as before. */
  | 'bad'
  /** A redrive would append its events. */
  | 'ready'
  /** Its events are on the log. */
  | 'redriven'
  /** A redrive took it on, never heard that the log has it, and copies of it may no longer be recognised. */
  | 'uncertain'

/** An entry with its standing. */
export interface Judged {
  entry: QuarantineEntry
  standing: Standing
  /** Null where the entry is bad. */
  record: RedrivenRecord | null
  /** Why the entry is bad now; else why it was. */
  reason: RejectionReason
  claim: RedriveState | undefined
}

/** Entries that are judged, and redriven, at once: each may have megabytes. */
const PAGE_ENTRIES = 20

/**
 * Goes through the quarantine.
 *
 * @param lanes those that have a cursor: no other has an entry, and the log may have forgotten some of them
 * @param reason judge only entries that were refused for it
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

/** Whether copies of what was appended under a claim are still recognised. */
export function isContinuable(claim: RedriveState, { log, time }: Redrive): boolean {
  return claim.log === log.identity && time.now() - claim.claimedMs <= LAST_ATTEMPT_MS
}
