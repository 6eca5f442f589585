import type { Cursor } from '../core/cursor.ts'
import type { RejectionReason } from '../core/record.ts'
import { appendWithRetries } from '../ingest/retry.ts'
import type { QuarantineEntry, RedriveState } from '../ports/speed-store.ts'
import { REDRIVE_PREFIX, type RedrivenRecord } from './redriven-record.ts'
import { isContinuable, judgedPages, type Redrive } from './standing.ts'

/**
 * How many producer ids of redrives a lane may have to remember: they stand in its cursor for as long as copies can
 * come, and the cursor is read and written with every delivery.
 */
const MAX_REMEMBERED = 5_000

export interface RedriveOptions {
  /** Redrive entries of this reason only. */
  reason?: RejectionReason | undefined
  /** At most so many. */
  limit?: number
  /** Ends the run after the entries that it is at. */
  signal?: AbortSignal
  /** Told why an entry was not stored when it will be sent again. */
  onRetry?(error: string): void
  /** Told after each page how many entries are redriven so far. */
  onProgress?(redriven: number): void
}

/** What a run came to: counts of entries unless named otherwise. */
export interface RedriveSummary {
  /** The log has their events. */
  redriven: number
  /** How many events that are. */
  events: number
  /** The log may have their events or not; another run may find out within the retry limit. */
  unacknowledged: number
  /** The log may have their events or not, and nobody can find out by trying again. */
  uncertain: number
  /** Redriven by an earlier run. */
  redrivenBefore: number
  /** Left as they are, by the reason that they would be refused for now. */
  bad: Map<RejectionReason, number>
  /** Why entries may be left that were not looked at. */
  stoppedBy: 'limit' | 'full-lane' | 'unacknowledged' | 'signal' | null
}

/**
 * Appends the events of entries that are good by now to the log. Entries stay as they are.
 *
 * Each entry is claimed first, and appended under an identity that is its own: so a run that goes on where another was
 * cut off, or two that run at once, append copies, which the lane drops. That holds for as long as a producer may
 * retry; a claim that is older and not marked as appended is left alone for ever.
 *
 * @throws SpeedStoreUnavailableError when the store does not answer: what was claimed by then can be continued by another run
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
  // Also of a claim of its own: the process may have stood still since.
  if (!isContinuable(claim, redrive)) return 'uncertain'
  const destination = claim.lane === null ? log.destinationOf(producer) : { lane: claim.lane }
  const record = { ...destination, data }
  const failure = await appendWithRetries(log, record, time, onRetry, signal, claim.claimedMs)
  if (failure !== null) return 'unacknowledged'
  await store.markRedriven(producer, time.now())
  return 'redriven'
}

/** Takes an entry on, or finds out who has. */
async function claimEntry(
  { log, store, time }: Redrive,
  { lane, position, index }: QuarantineEntry,
  producer: string,
): Promise<RedriveState> {
  const claimedMs = time.now()
  const destination = log.destinationOf(producer)
  const claim = {
    producer,
    entry: { lane, position, index },
    claimedMs,
    log: log.identity,
    lane: 'lane' in destination ? destination.lane : null,
  }
  if (await store.claimRedrive(claim)) return { ...claim, appendedMs: null }
  const [known] = await store.readRedrives([producer])
  if (!known) throw new Error(`the claim of ${producer} was refused, yet there is none`)
  return known
}

/** The most producer ids of redrives that any lane remembers now. */
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
