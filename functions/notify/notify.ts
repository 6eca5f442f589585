import { createHash } from 'node:crypto'
import type { Incidents } from '../batch/incidents-file.ts'
import { type Decision, handlingOf, muteOf, mutesOf } from '../core/incidents/decisions.ts'
import { isRouted, planPosts, type Route } from '../core/incidents/delivery.ts'
import type { Incident } from '../core/incidents/incident.ts'
import { messagesDue } from '../core/incidents/message-due.ts'
import { MINUTE_MS, SECOND_MS } from '../core/time.ts'
import type { Failures } from '../ports/failures.ts'
import type { Logger } from '../ports/logger.ts'
import type { ObjectStore } from '../ports/object-store.ts'
import type { Outcome, Post, Receiver } from '../ports/receiver.ts'
import { type Entry, LEASE_MS, type Ledger, type LedgerState, openLedger, type Pending } from './ledger.ts'

/** Decisions of people about incidents. */
export interface Decided {
  isMuted(incident: Incident, atMs: number): boolean
  acknowledgedBy(incident: Incident): string | null
}

/** State after all decisions. */
export function decidedBy(decisions: readonly Decision[]): Decided {
  const mutes = mutesOf(decisions)
  return {
    isMuted: (incident, atMs) => muteOf(mutes, incident, atMs) !== undefined,
    acknowledgedBy: incident => handlingOf(decisions, incident).acknowledgedBy,
  }
}

export const NOTHING_DECIDED: Decided = { isMuted: () => false, acknowledgedBy: () => null }

/** Ports and settings of a notifier. */
export interface Notifying {
  /** Store in which the ledgers are. */
  objects: ObjectStore
  receivers: ReadonlyMap<string, Receiver>
  routes: readonly Route[]
  /** Reads the newest incidents; undefined before the first. */
  incidents(): Promise<Pick<Incidents, 'skipped' | 'incidents'> | undefined>
  decided(): Promise<Decided>
  /** Name of this program. Every other one has another name, also the next one on the same machine. */
  owner: string
  now(): number
  sleep(ms: number): Promise<void>
  failures: Failures
  logger: Logger
}

/** Waits after failures in a row, ms: each is twice as long as the one before. */
const FIRST_WAIT_MS = 30 * SECOND_MS
const LONGEST_WAIT_MS = 15 * MINUTE_MS

/** Notifier of one receiver, with what it remembers between rounds. */
interface Desk {
  name: string
  receiver: Receiver
  ledger: Ledger
  /** Time before which nothing is tried, and the number of failures in a row. */
  notBeforeMs: number
  failed: number
  lastTryMs: number
  /** Outcomes of claims whose marks could not be written: they are not sent again. */
  unmarked: Map<number, Entry>
  /** Claims of which a try of this program may have arrived. */
  uncertain: Set<number>
}

/** Program that tells receivers of incidents. */
export interface Notifier {
  /**
   * Sends what is due. Receivers do not wait for each other, and a failure of one is a failure in health.
   *
   * @param signal ends the round after the post that is under way
   */
  round(signal?: AbortSignal): Promise<void>
  /** Time for which the oldest post waits that a receiver has not taken, by what the rounds have read, ms; 0 if none waits. */
  untoldMs(): number
}

/** Opens a notifier. Its rounds must not overlap. */
export function openNotifier(notifying: Notifying): Notifier {
  const desks = Array.from(notifying.receivers, ([name, receiver]): Desk => {
    const ledger = openLedger(notifying.objects, name)
    const times = { notBeforeMs: Number.NEGATIVE_INFINITY, failed: 0, lastTryMs: Number.NEGATIVE_INFINITY }
    return { name, receiver, ledger, ...times, unmarked: new Map(), uncertain: new Set() }
  })
  return {
    async round(signal) {
      await Promise.all(desks.map(desk => tell(notifying, desk, signal)))
    },
    untoldMs() {
      const nowMs = notifying.now()
      const waiting = desks.map(({ ledger }) => ledger.state.pending[0]?.atMs ?? nowMs)
      return Math.max(0, ...waiting.map(atMs => nowMs - atMs))
    },
  }
}

async function tell(notifying: Notifying, desk: Desk, signal: AbortSignal | undefined): Promise<void> {
  if (notifying.now() < desk.notBeforeMs) return
  const component = `Telling ${desk.name}`
  try {
    const reason = await tellDue(notifying, desk, signal)
    if (reason === null) {
      desk.failed = 0
      notifying.failures.recovered(component)
      return
    }
    notifying.failures.failed(component, new Error(reason))
    notifying.logger.warn('a receiver was not told', { receiver: desk.name, reason })
  } catch (error) {
    waitAfterFailure(notifying, desk, null)
    notifying.failures.failed(component, error)
    notifying.logger.warn('a receiver was not told', { receiver: desk.name, error: String(error) })
  }
}

/** Sends what waits, then what is due. Returns the reason why it stopped; null when nothing went wrong. */
async function tellDue(notifying: Notifying, desk: Desk, signal: AbortSignal | undefined): Promise<string | null> {
  const { ledger, receiver, name } = desk
  let state: LedgerState | null = await ledger.read()
  if (state.sinceMs === null) state = await ledger.append({ type: 'begin', atMs: notifying.now() })
  if (!state) return null
  for (const pending of state.pending) {
    if (signal?.aborted) return null
    const turn = await takeOver(notifying, desk, pending)
    if (turn === 'wait') return null
    const reason = await send(notifying, desk, state, { ...pending, mayHaveArrived: turn === 'repeat' })
    if (reason !== null) return reason
  }
  const found = await notifying.incidents()
  // If nothing was judged, no incident has gone away.
  if (!found || found.skipped !== null) return null
  const decided = await notifying.decided()
  const nowMs = notifying.now()
  state = await ledger.read()
  // Another program has claimed in the meantime: its message may come before ours.
  if (state.pending.length > 0) return null
  const due = messagesDue(found.incidents, state.told.values(), {
    ...decided,
    nowMs,
    sinceMs: state.sinceMs ?? nowMs,
    isFor: incident => receiver.takes(incident) && isRouted(notifying.routes, name, incident),
  })
  for (const planned of planPosts(due, state.past, nowMs, receiver)) {
    if (signal?.aborted) return null
    const claim = { type: 'claim' as const, atMs: notifying.now(), owner: notifying.owner, ...planned }
    state = await ledger.append(claim)
    const pending = state?.pending.at(-1)
    if (!state || !pending) return null
    const reason = await send(notifying, desk, state, pending)
    if (reason !== null) return reason
  }
  return null
}

/**
 * Makes sure that this program owns a post that waits.
 *
 * @returns `repeat` when an earlier try may have arrived; `wait` when another program may be trying it now
 */
async function takeOver(
  { owner, now }: Notifying,
  { ledger, uncertain }: Desk,
  { claim, owner: before, leasedMs, mayHaveArrived }: Pending,
): Promise<'try' | 'repeat' | 'wait'> {
  const isOwn = before === owner
  const sinceMs = now() - leasedMs
  if (!isOwn && sinceMs < LEASE_MS) return 'wait'
  const isRepeat = mayHaveArrived || !isOwn || uncertain.has(claim)
  if (!isOwn || sinceMs >= LEASE_MS / 2) {
    const entry = { type: 'try' as const, atMs: now(), claim, owner, mayHaveArrived: isRepeat }
    if (!(await ledger.append(entry))) return 'wait'
  }
  return isRepeat ? 'repeat' : 'try'
}

/** Sends a claimed post and marks it. Returns the reason why it was not sent; null when nothing is left to do. */
async function send(
  notifying: Notifying,
  desk: Desk,
  { sinceMs }: LedgerState,
  { claim, atMs, messages, isSummary, mayHaveArrived }: Pending,
): Promise<string | null> {
  const { receiver, name, unmarked, uncertain } = desk
  if (!unmarked.has(claim)) {
    const waitMs = desk.lastTryMs + receiver.gapMs - notifying.now()
    if (waitMs > 0) await notifying.sleep(waitMs)
    const id = postId(name, sinceMs, claim)
    const outcome = await receiver.post({ id, atMs, messages, isSummary, isRepeated: mayHaveArrived })
    desk.lastTryMs = notifying.now()
    if (outcome.kind === 'later') {
      if (outcome.mayHaveArrived) uncertain.add(claim)
      waitAfterFailure(notifying, desk, outcome.afterMs)
      return outcome.reason
    }
    unmarked.set(claim, markOf(notifying, desk, claim, outcome))
  }
  await mark(desk, claim)
  unmarked.delete(claim)
  uncertain.delete(claim)
  return null
}

function markOf({ now, logger }: Notifying, { name }: Desk, claim: number, outcome: Outcome): Entry {
  if (outcome.kind === 'sent' && outcome.note) logger.warn('a message was sent', { receiver: name, note: outcome.note })
  if (outcome.kind !== 'refused') return { type: 'sent', atMs: now(), claim }
  logger.warn('a receiver refused a message permanently', { receiver: name, reason: outcome.reason })
  return { type: 'refused', atMs: now(), claim, reason: outcome.reason }
}

/** Writes the mark of a claim, also when other programs write at the same time. */
async function mark({ ledger, unmarked }: Desk, claim: number): Promise<void> {
  for (;;) {
    const state = await ledger.read()
    const entry = unmarked.get(claim)
    if (!entry || !state.pending.some(pending => pending.claim === claim) || (await ledger.append(entry))) return
  }
}

function waitAfterFailure({ now }: Notifying, desk: Desk, afterMs: number | null): void {
  const waitMs = Math.min(FIRST_WAIT_MS * 2 ** Math.min(desk.failed, 10), LONGEST_WAIT_MS)
  desk.failed++
  desk.notBeforeMs = now() + (afterMs ?? waitMs)
}

/** Id of a post, made from this ledger's claim: no other system has the same. */
function postId(receiver: string, sinceMs: number | null, claim: number): string {
  const digest = createHash('sha256')
    .update(JSON.stringify([receiver, sinceMs, claim]))
    .digest('hex')
  return `msg_${digest.slice(0, 32)}`
}

/** Post that tries out a receiver, and says that all is well. */
export function testPost(atMs: number, incident: Incident): Post {
  const id = `msg_test_${atMs}`
  const messages = [{ kind: 'opened' as const, incident, thread: id }]
  return { id, atMs, messages, isSummary: false, isRepeated: false }
}
