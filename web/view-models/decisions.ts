import type { Incident } from '../answers.ts'
import { type Clock, plural } from './format.ts'

/** Decision of a reader about an incident, as the form has it. */
export type DecisionForm = {
  kind: 'acknowledge' | 'assign' | 'note' | 'mute'
  /** Name of the reader; empty if they do not say it. */
  by: string
  /** Name of the one who takes it on, text of a note, or reason of a mute. */
  text: string
  /** Length of a mute, days. */
  days: number
}

/** Label of the text of a decision; null where it needs none. */
export const TEXT_LABELS: Record<DecisionForm['kind'], string | null> = {
  acknowledge: null,
  assign: 'Name of the person to assign',
  note: 'Note',
  mute: 'Reason',
}

const DAY_MS = 86_400_000

/** Request that stores a decision. A mute is for the site, or for the class of an incident without one. */
export function decisionRequest(
  { id, site_id, class_name }: Pick<Incident, 'id' | 'site_id' | 'class_name'>,
  { kind, by, text, days }: DecisionForm,
  nowMs: number,
): { url: string; body: Record<string, unknown> } {
  const name = by.trim() === '' ? {} : { by: by.trim() }
  const url = `/api/incidents/${encodeURIComponent(id)}/decisions`
  switch (kind) {
    case 'acknowledge':
      return { url, body: { kind, ...name } }
    case 'assign':
      return { url, body: { kind, to: text.trim(), ...name } }
    case 'note':
      return { url, body: { kind, text: text.trim(), ...name } }
    case 'mute': {
      const until = new Date(nowMs + days * DAY_MS).toISOString()
      const scope = site_id === null ? { class: class_name } : { site: site_id }
      return { url: '/api/mutes', body: { ...scope, until, reason: text.trim(), ...name } }
    }
  }
}

/** Decisions of people about an incident, in one line; empty while there are none. */
export function handledText(
  { acknowledged_by, assigned_to, notes, muted_until }: Incident,
  clock: Clock,
  nowMs: number,
): string {
  const mutedMs = muted_until === null ? null : Date.parse(muted_until)
  return [
    ...(acknowledged_by === null ? [] : [`acknowledged by ${acknowledged_by}`]),
    ...(assigned_to === null ? [] : [`${assigned_to} has it`]),
    ...(notes === 0 ? [] : [plural(notes, 'note')]),
    ...(mutedMs === null || mutedMs <= nowMs ? [] : [`muted until ${clock.utcDay(mutedMs, nowMs)}`]),
  ].join(', ')
}
