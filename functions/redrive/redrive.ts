import type { Cursor } from '../core/cursor.ts'
import type { RejectionReason } from '../core/record.ts'
import { appendWithRetries, isContinuable } from '../ingest/retry.ts'
import type { QuarantineEntry, RedriveState } from '../ports/speed-store.ts'
import { REDRIVE_PREFIX, type RedrivenRecord } from './redriven-record.ts'
import { judgedPages, type Redrive } from './standing.ts'

/**
 * Maximum number of producer ids of redrives in a lane's cursor. They stay there as long as copies can come, and the
 * cursor is read and written with every delivery.
 */
const MAX_REMEMBERED = 5_000

/** Options of one run over the quarantine. */
export interface RedriveOptions {
  /** Reason of the entries to redrive; by default all. */
  reason?: RejectionReason | undefined
  /** Maximum number of entries. */
  limit?: number
  /** Signal that ends the run after the current entries. */
  signal?: AbortSignal
  /** Called with the reason when an entry was not stored and will be sent again. */
  onRetry?(error: string): void
  /** Called after each page with the number of redriven entries so far. */
  onProgress?(redriven: number): void
}

/** Result of a run. Counts of entries unless named otherwise. */
export interface RedriveSummary {
  /** Entries whose events the log has stored. */
  redriven: number
  /** Number of these events. */
  events: number
  /** Entries whose events the log may have stored or not. Another run within the retry limit can find out. */
  unacknowledged: number
  /** Entries whose events the log may have stored or not, and no further attempt can find out. */
  uncertain: number
  /** Entries that an earlier run had redriven. */
  redrivenBefore: number
  /** Entries that are still invalid, by the reason for which they would be quarantined now. */
  bad: Map<RejectionReason, number>
  /** Reason why the run ended before the last entry. */
  stoppedBy: 'limit' | 'full-lane' | 'unacknowledged' | 'signal' | null
}

/**
 * Re-processes quarantined events that are valid now, by appending them to the log. Entries stay unchanged.
 *
 * Each entry is claimed first, and appended with an identity of its own. So a run that continues an interrupted one, or
 * two runs in parallel, append copies, which the lane drops. This works as long as a producer may retry. An older claim
 * that is not marked as appended is never touched again.
 *
 * @throws SpeedStoreUnavailableError when the store does not answer. Another run can continue the claims that were
 *   written.
 */
export async function redriveQuarantine(redrive: Redrive, options: RedriveOptions = {}): Promise<RedriveSummary> {
  const { reason, limit = Number.POSITIVE_INFINITY, signal, onProgress } = options
  const summary: RedriveSummary = {
    redriven: 0,
    events: 0,
    unacknowledged: 0,
    uncertain: 0,
    redrivenBefore: 0,
    bad: new Map(),
    stoppedBy: null,
  }
  const cursors = await redrive.store.readCursors()
  const room = MAX_REMEMBERED - mostRemembered(cursors)
  const bound = room < limit ? 'full-lane' : 'limit'
  let left = Math.min(limit, room)

  const lanes = cursors.map(({ lane }) => lane)
  for await (const page of judgedPages(redrive, lanes, reason)) {
    const ready: Ready[] = []
    for (const { entry, standing, record, reason, claim } of page) {
      if (standing === 'bad') summary.bad.set(reason, (summary.bad.get(reason) ?? 0) + 1)
      else if (standing === 'redriven') summary.redrivenBefore++
      else if (standing === 'uncertain') summary.uncertain++
      else if (ready.length < left) ready.push({ entry, record: record as RedrivenRecord, claim })
      else summary.stoppedBy = bound
    }
    left -= ready.length

    const results = await Promise.allSettled(ready.map(each => redriveEntry(redrive, each, options)))
    for (const [index, result] of results.entries()) {
      if (result.status === 'rejected') throw result.reason
      summary[result.value]++
      if (result.value === 'redriven') summary.events += (ready[index] as Ready).record.events
    }
    onProgress?.(summary.redriven)
    if (summary.unacknowledged > 0) summary.stoppedBy = 'unacknowledged'
    if (signal?.aborted) summary.stoppedBy = 'signal'
    if (summary.stoppedBy) break
  }
  return summary
}

interface Ready {
  entry: QuarantineEntry
  record: RedrivenRecord
  claim: RedriveState | undefined
}

async function redriveEntry(
  redrive: Redrive,
  { entry, record: { producer, data }, claim: known }: Ready,
  { signal, onRetry = () => {} }: RedriveOptions,
): Promise<'redriven' | 'redrivenBefore' | 'unacknowledged' | 'uncertain'> {
  const { log, store, time } = redrive
  const claim = known ?? (await claimEntry(redrive, entry, producer))
  if (claim.appendedMs !== null) return 'redrivenBefore'
  // This applies to a claim of this run, too: the process may have been suspended since.
  if (!isContinuable(claim, redrive)) return 'uncertain'
  const destination = claim.lane === null ? log.destinationOf(producer) : { lane: claim.lane }
  const record = { ...destination, data }
  const failure = await appendWithRetries(log, record, time, onRetry, signal, claim.claimedMs)
  if (failure !== null) return 'unacknowledged'
  await store.markRedriven(producer, time.now())
  return 'redriven'
}

/** Claims an entry, or reads the claim of another run. */
async function claimEntry(
  { log, store, time }: Redrive,
  { lane, position, line }: QuarantineEntry,
  producer: string,
): Promise<RedriveState> {
  const claimedMs = time.now()
  const destination = log.destinationOf(producer)
  const claim = {
    producer,
    entry: { lane, position, line },
    claimedMs,
    log: log.identity,
    lane: 'lane' in destination ? destination.lane : null,
  }
  if (await store.claimRedrive(claim)) return { ...claim, appendedMs: null }
  const [known] = await store.readRedrives([producer])
  if (!known) throw new Error(`the claim of ${producer} was refused, but there is no other claim`)
  return known
}

/** Returns the maximum number of redrive producer ids in any lane's cursor. */
function mostRemembered(cursors: readonly Cursor[]): number {
  const counts = cursors.map(
    ({ producers }) =>
      producers
        .keys()
        .filter(producer => producer.startsWith(REDRIVE_PREFIX))
        .toArray().length,
  )
  return Math.max(0, ...counts)
}
