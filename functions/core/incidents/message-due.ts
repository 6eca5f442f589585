import { compareText } from '../text-order.ts'
import { DAY_MS } from '../time.ts'
import type { Incident } from './incident.ts'

/**
 * Reason of a message: the incident opened, changed, ended, turned out not to be one, was acknowledged, or is still open
 * after a week.
 */
export type MessageKind = 'opened' | 'changed' | 'ended' | 'withdrawn' | 'acknowledged' | 'reminder'

/** Message about an incident that is due. */
export interface DueMessage {
  kind: MessageKind
  incident: Incident
  /**
   * Id by which receivers join messages: that of the incident when it was first told. An incident whose opening
   * moves, because of a late look, gets another id and keeps its thread.
   */
  thread: string
  /** Person who has acknowledged it; absent while nobody has. */
  acknowledgedBy?: string
}

/** Last message of a thread. */
export interface Told extends DueMessage {
  toldMs: number
}

/** Facts that decide which messages are due. */
export interface DueRules {
  nowMs: number
  /** Time from which the receiver is told. Incidents that ended before are not reported to it. */
  sinceMs: number
  /** Tells whether the first message of an incident goes to the receiver. Further ones follow the first. */
  isFor(incident: Incident): boolean
  /** Tells whether an incident is muted at a time. */
  isMuted(incident: Incident, atMs: number): boolean
  /** Returns the person who has acknowledged it, so that there are no reminders; null while nobody has. */
  acknowledgedBy(incident: Incident): string | null
}

/** Time after which an open incident that nobody has acknowledged is told again. */
export const REMINDER_MS = 7 * DAY_MS

/**
 * Lists the messages that are due, by time of opening. It compares the present incidents with the last messages. So
 * nothing is lost while a receiver is out of reach: news that is still true is due, and an incident that opened and
 * ended in the meantime gets one message.
 *
 * @param incidents all that there are; a told one that is missing here is withdrawn
 * @param told last message of each thread
 */
export function messagesDue(incidents: readonly Incident[], told: Iterable<Told>, rules: DueRules): DueMessage[] {
  const byId = new Map(incidents.map(incident => [incident.id, incident]))
  const lastOf = new Map<string, Told>()
  for (const last of told) lastOf.set(last.incident.id, last)
  const untold = incidents.filter(({ id }) => !lastOf.has(id))
  const due: DueMessage[] = []
  const continued = new Set<string>()
  for (const last of lastOf.values()) {
    const same = byId.get(last.incident.id)
    const now = same ?? untold.find(each => !continued.has(each.id) && continues(each, last))
    if (now && now !== same) continued.add(now.id)
    const kind = now ? kindOf(now, last, rules) : withdrawalOf(last)
    const incident = now ?? last.incident
    if (kind && !rules.isMuted(incident, rules.nowMs)) due.push(messageOf(kind, incident, last.thread, rules))
  }
  for (const incident of untold) {
    if (continued.has(incident.id) || !isFirstDue(incident, byId, rules)) continue
    due.push(messageOf(incident.closed_at === null ? 'opened' : 'ended', incident, incident.id, rules))
  }
  return due.sort((a, b) => compareText(a.incident.opened_at, b.incident.opened_at) || compareText(a.thread, b.thread))
}

function messageOf(kind: MessageKind, incident: Incident, thread: string, rules: DueRules): DueMessage {
  const acknowledgedBy = rules.acknowledgedBy(incident)
  return { kind, incident, thread, ...(acknowledgedBy !== null && { acknowledgedBy }) }
}

function isFirstDue(incident: Incident, byId: ReadonlyMap<string, Incident>, rules: DueRules): boolean {
  if (incident.from_import || isJoined(incident, byId) || !rules.isFor(incident)) return false
  if (rules.isMuted(incident, rules.nowMs)) return false
  if (incident.closed_at === null) return true
  const closedMs = Date.parse(incident.closed_at)
  return closedMs >= rules.sinceMs && !rules.isMuted(incident, closedMs)
}

/** Tells whether a site opened when the incident of its class was open: that one names it, and no own message is sent. */
function isJoined({ part_of, opened_at }: Incident, byId: ReadonlyMap<string, Incident>): boolean {
  const group = part_of === null ? undefined : byId.get(part_of)
  return group !== undefined && group.opened_at <= opened_at
}

/** Tells whether an incident is one that was told, with another opening. */
function continues(incident: Incident, { incident: before, kind }: Told): boolean {
  const isSame =
    kind !== 'withdrawn' &&
    incident.kind === before.kind &&
    incident.class_name === before.class_name &&
    incident.site_id === before.site_id
  const endOf = ({ closed_at }: Incident) => closed_at ?? '9999'
  return isSame && incident.first_at <= endOf(before) && before.first_at <= endOf(incident)
}

function kindOf(
  now: Incident,
  { incident: before, kind, toldMs, acknowledgedBy }: Told,
  rules: DueRules,
): MessageKind | null {
  const isOpen = now.closed_at === null
  if (kind === 'withdrawn') return isOpen ? 'opened' : null
  if (now.state !== before.state) return isOpen ? 'changed' : 'ended'
  if (now.id !== before.id || now.severity !== before.severity || now.cause !== before.cause) return 'changed'
  if (!isOpen) return null
  if (rules.acknowledgedBy(now) !== null) return acknowledgedBy === undefined ? 'acknowledged' : null
  return rules.nowMs - toldMs >= REMINDER_MS ? 'reminder' : null
}

function withdrawalOf({ kind }: Told): MessageKind | null {
  return kind === 'withdrawn' ? null : 'withdrawn'
}
