import type { Incident } from './incident.ts'

/** Description of an incident, by which a decision still fits it when a late look gives it another id. */
export type About = Pick<Incident, 'id' | 'kind' | 'class_name' | 'site_id' | 'opened_at'>

/** Degrees: west, south, east, north. West of east, or across 180 degrees. */
export type Region = readonly [west: number, south: number, east: number, north: number]

/** Scope of a mute. A field that is null fits everything. */
export interface MuteScope {
  site: string | null
  class: string | null
  region: Region | null
}

/** Decision of a person. Each is an event: none changes or removes another. */
export type Decision = {
  /** 1, 2, 3 … */
  number: number
  at: string
  /** Name of the person who decided, as given; null if not given. */
  by: string | null
} & (
  | { kind: 'acknowledge'; incident: About }
  | { kind: 'assign'; incident: About; to: string }
  | { kind: 'note'; incident: About; text: string }
  | ({ kind: 'mute'; from: string; until: string; reason: string } & MuteScope)
  /** Ends a mute early, by its number. */
  | { kind: 'end-mute'; mute: number }
)

/** Mute as it is after all decisions. */
export type Mute = Extract<Decision, { kind: 'mute' }>

/** Decisions of people about one incident, summed up. */
export interface Handling {
  acknowledgedBy: string | null
  assignedTo: string | null
  notes: number
}

/** Name that stands for a person who gave none. */
const SOMEBODY = 'somebody'

/** Mutes in the order of their numbers. One that was ended early has that time as its end. */
export function mutesOf(decisions: readonly Decision[]): Mute[] {
  const mutes = new Map<number, Mute>()
  for (const decision of decisions) {
    if (decision.kind === 'mute') mutes.set(decision.number, decision)
    if (decision.kind !== 'end-mute') continue
    const mute = mutes.get(decision.mute)
    if (mute && decision.at < mute.until) mutes.set(decision.mute, { ...mute, until: decision.at })
  }
  return [...mutes.values()]
}

/** Finds a mute that holds for an incident at a time. */
export function muteOf(mutes: readonly Mute[], incident: Incident, atMs: number): Mute | undefined {
  return mutes.find(mute => Date.parse(mute.from) <= atMs && atMs < Date.parse(mute.until) && isInScope(mute, incident))
}

function isInScope({ site, class: className, region }: MuteScope, incident: Incident): boolean {
  return (
    (site === null || site === incident.site_id) &&
    (className === null || className === incident.class_name) &&
    (region === null || isWithin(region, incident))
  )
}

/** Incidents without a place are in no region. */
function isWithin([west, south, east, north]: Region, { lon, lat }: Incident): boolean {
  if (lon === null || lat === null || lat < south || lat > north) return false
  return west <= east ? lon >= west && lon <= east : lon >= west || lon <= east
}

/** Decisions about an incident, in their order. */
export function decisionsAbout(decisions: readonly Decision[], incident: Incident): Decision[] {
  return decisions.filter(decision => 'incident' in decision && isAbout(decision.incident, incident))
}

function isAbout(about: About, incident: Incident): boolean {
  if (about.id === incident.id) return true
  return (
    about.kind === incident.kind &&
    about.class_name === incident.class_name &&
    about.site_id === incident.site_id &&
    incident.first_at <= about.opened_at &&
    (incident.closed_at === null || about.opened_at <= incident.closed_at)
  )
}

/** Sums up all decisions about an incident. The last assignment counts. */
export function handlingOf(decisions: readonly Decision[], incident: Incident): Handling {
  const handling: Handling = { acknowledgedBy: null, assignedTo: null, notes: 0 }
  for (const decision of decisionsAbout(decisions, incident)) {
    if (decision.kind === 'acknowledge') handling.acknowledgedBy ??= decision.by ?? SOMEBODY
    if (decision.kind === 'assign') handling.assignedTo = decision.to
    if (decision.kind === 'note') handling.notes++
  }
  return handling
}
