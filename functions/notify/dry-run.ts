import type { Route } from '../core/incidents/delivery.ts'
import type { Incident } from '../core/incidents/incident.ts'
import { DAY_MS } from '../core/time.ts'
import type { ObjectStore } from '../ports/object-store.ts'
import type { Post, Receiver } from '../ports/receiver.ts'
import { NOTHING_DECIDED, openNotifier } from './notify.ts'

/** Post that would have been sent. */
export interface WouldSend {
  receiver: string
  post: Post
}

/** Input of a dry run. */
export interface DryRun {
  incidents: readonly Incident[]
  receivers: ReadonlyMap<string, Receiver>
  routes: readonly Route[]
  fromMs: number
  untilMs: number
  /** An empty store. */
  objects: ObjectStore
}

/**
 * Plays a period again, as if each incident, also of an import, had become known when it opened and ended. It runs the
 * code that sends, with receivers that only take notes. Incidents that were open at its start count as told.
 */
export async function dryRun({ incidents, receivers, routes, fromMs, untilMs, objects }: DryRun): Promise<WouldSend[]> {
  const sent: WouldSend[] = []
  let nowMs = fromMs
  const noting = Array.from(receivers, ([name, receiver]): [string, Receiver] => [
    name,
    {
      ...receiver,
      gapMs: 0,
      async post(post) {
        if (nowMs > fromMs) sent.push({ receiver: name, post })
        return { kind: 'sent' }
      },
    },
  ])
  const ports = { failed: (_: string, error: unknown) => raise(error), recovered: () => {} }
  const { round } = openNotifier({
    objects,
    receivers: new Map(noting),
    routes,
    incidents: async () => ({ skipped: null, incidents: incidents.flatMap(each => asKnownAt(each, nowMs) ?? []) }),
    decided: async () => NOTHING_DECIDED,
    owner: 'dry run',
    now: () => nowMs,
    sleep: async () => {},
    failures: ports,
    logger: { info: () => {}, warn: () => {} },
  })
  for (const atMs of momentsOf(incidents, fromMs, untilMs)) {
    nowMs = atMs
    await round()
  }
  return sent
}

/** Incident as it was known at a time; null before it opened. */
function asKnownAt(incident: Incident, atMs: number): Incident | null {
  if (Date.parse(incident.opened_at) > atMs) return null
  const isOpen = incident.closed_at === null || Date.parse(incident.closed_at) > atMs
  return { ...incident, from_import: false, ...(isOpen && { state: 'confirmed', closed_at: null }) }
}

/** Times at which something may be due, in order: openings, ends, and each day for reminders. */
function momentsOf(incidents: readonly Incident[], fromMs: number, untilMs: number): number[] {
  const moments = new Set([fromMs])
  for (const { opened_at, closed_at } of incidents) {
    for (const time of [opened_at, closed_at]) if (time !== null) moments.add(Date.parse(time))
  }
  for (let atMs = fromMs; atMs <= untilMs; atMs += DAY_MS) moments.add(atMs)
  return [...moments].filter(atMs => atMs >= fromMs && atMs <= untilMs).sort((a, b) => a - b)
}

function raise(error: unknown): never {
  throw error
}
