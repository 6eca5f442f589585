import type { ClassList } from '../core/classes.ts'
import type { RejectionReason } from '../core/record.ts'
import { slotOf } from '../core/slot.ts'
import type { EventLog } from '../ports/event-log.ts'
import type { QuarantineEntry, RedriveState, SpeedStore } from '../ports/speed-store.ts'
import { REDRIVE_PREFIX, type RedrivenRecord, redrivenRecord } from './redriven-record.ts'
import { appendWithRetries, LAST_ATTEMPT_MS, type RetryTime } from './retry.ts'

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

interface Judged {
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
 * How many producer ids of redrives a lane may have to remember: they stand in its cursor for as long as copies can
 * come, and the cursor is read and written with every delivery.
 */
const MAX_REMEMBERED = 5_000

/** What the quarantine holds of one reason. */
export interface Listed {
  standings: Record<Standing, number>
  firstArrivalMs: number
  lastArrivalMs: number
  /** The place of one of the entries. */
  example: Pick<QuarantineEntry, 'lane' | 'position' | 'index'>
}

/**
 * Goes through the quarantine and changes nothing.
 *
 * @param reason look at entries of this reason only
 */
export async function listQuarantine(
  redrive: Redrive,
  reason?: RejectionReason,
): Promise<Map<RejectionReason, Listed>> {
  const listed = new Map<RejectionReason, Listed>()
  for await (const page of judgedPages(redrive, reason)) {
    for (const { entry, standing } of page) {
      const { lane, position, index, arrivalMs } = entry
      const known = listed.get(entry.reason)
      const of: Listed = known ?? {
        standings: { bad: 0, ready: 0, redriven: 0, uncertain: 0 },
        firstArrivalMs: arrivalMs,
        lastArrivalMs: arrivalMs,
        example: { lane, position, index },
      }
      of.standings[standing]++
      of.firstArrivalMs = Math.min(of.firstArrivalMs, arrivalMs)
      of.lastArrivalMs = Math.max(of.lastArrivalMs, arrivalMs)
      listed.set(entry.reason, of)
    }
  }
  return listed
}

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
 * @throws SpeedStoreUnavailable when the store does not answer: what was claimed by then can be continued by another run
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
  const room = MAX_REMEMBERED - (await mostRemembered(redrive.store))
  let left = Math.min(limit, room)

  for await (const page of judgedPages(redrive, reason)) {
    const ready: Ready[] = []
    for (const { entry, standing, record, reason, claim } of page) {
      if (standing === 'bad') summary.bad.set(reason, (summary.bad.get(reason) ?? 0) + 1)
      else if (standing === 'redriven') summary.redrivenBefore++
      else if (standing === 'uncertain') summary.uncertain++
      else if (ready.length < left) ready.push({ entry, record: record as RedrivenRecord, claim })
      else summary.stoppedBy = left === room ? 'full-lane' : 'limit'
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

type Ready = { entry: QuarantineEntry; record: RedrivenRecord; claim: RedriveState | undefined }

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

/** Whether copies of what was appended under a claim are still recognised. */
function isContinuable(claim: RedriveState, { log, time }: Redrive): boolean {
  return claim.log === log.identity && time.now() - claim.claimedMs <= LAST_ATTEMPT_MS
}

async function* judgedPages(redrive: Redrive, reason: RejectionReason | undefined): AsyncGenerator<Judged[]> {
  const { store, slotMs, time } = redrive
  const classes = await redrive.classes()
  const slot = slotOf(time.now(), slotMs)
  // A lane has a cursor before it has an entry, and keeps it when the log no longer has the lane.
  for (const { lane } of await store.readCursors()) {
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
  slot: number,
  classes: ClassList,
): Promise<Judged[]> {
  const now = entries.map(entry => redrivenRecord(entry, slot, classes))
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

/** The most producer ids of redrives that any lane remembers now. */
async function mostRemembered(store: SpeedStore): Promise<number> {
  const counts = (await store.readCursors()).map(
    ({ producers }) => producers.keys().filter(producer => producer.startsWith(REDRIVE_PREFIX)).toArray().length,
  )
  return Math.max(0, ...counts)
}
