import { type Decision, decisionsAbout, type Mute, mutesOf } from '../core/incidents/decisions.ts'
import { BadParameterError } from './bad-parameter.ts'
import type { DecisionRow, DecisionsQuery, MuteRow, MutesQuery } from './decision-schemas.ts'
import type { IncidentsSource } from './incidents.ts'

/** Ports from which decisions are read. */
export interface DecisionsSource extends Pick<IncidentsSource, 'incidents' | 'decisions'> {
  now(): number
}

/**
 * Answers the decisions about an incident, oldest first.
 *
 * @throws BadParameterError when there is no such incident
 */
export async function incidentDecisions(source: DecisionsSource, { id }: DecisionsQuery): Promise<DecisionRow[]> {
  const incident = (await source.incidents())?.incidents.find(each => each.id === id)
  if (!incident) throw new BadParameterError(`id: there is no incident '${id}'`, 404)
  return decisionsAbout((await source.decisions?.()) ?? [], incident).flatMap(rowOf)
}

function rowOf(decision: Decision): DecisionRow[] {
  if (decision.kind === 'mute' || decision.kind === 'end-mute') return []
  const { number, at, by, kind } = decision
  const to = decision.kind === 'assign' ? decision.to : null
  const text = decision.kind === 'note' ? decision.text : null
  return [{ number, at, by, kind, to, text }]
}

/** Answers mutes, the newest first. */
export async function mutes(source: DecisionsSource, { state, limit }: MutesQuery): Promise<MuteRow[]> {
  const nowMs = source.now()
  return mutesOf((await source.decisions?.()) ?? [])
    .map(mute => muteRow(mute, nowMs))
    .filter(row => state === 'all' || row.state !== 'over')
    .toReversed()
    .slice(0, limit)
}

function muteRow(mute: Mute, nowMs: number): MuteRow {
  const { number, site, class: className, region, from, until, reason, by, at } = mute
  const [west = null, south = null, east = null, north = null] = region ?? []
  const state = Date.parse(until) <= nowMs ? 'over' : Date.parse(from) <= nowMs ? 'active' : 'planned'
  return { number, state, site, class: className, west, south, east, north, from, until, reason, by, at }
}
