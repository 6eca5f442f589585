import type { Incidents } from '../batch/incidents-file.ts'
import { type Decision, handlingOf, muteOf, mutesOf } from '../core/incidents/decisions.ts'
import { type ClassSource, refuseUnknownClass } from './class-names.ts'
import type { IncidentRow, IncidentsQuery } from './incident-schemas.ts'

/** Ports from which incidents are read. */
export interface IncidentsSource extends ClassSource {
  /** Reads the incidents of the newest view that has them; undefined before the first. */
  incidents(): Promise<Incidents | undefined>
  /** Reads what people have decided, in order; null where nobody can decide. */
  decisions: (() => Promise<readonly Decision[]>) | null
  now(): number
}

/**
 * Answers incidents, newest first, as of the batch view.
 *
 * @throws BadParameterError when the class is unknown
 */
export async function incidents(
  source: IncidentsSource,
  { state, class: only, site, limit }: IncidentsQuery,
): Promise<IncidentRow[]> {
  await refuseUnknownClass(source, only)
  const rows = (await source.incidents())?.incidents ?? []
  const decisions = (await source.decisions?.()) ?? []
  const mutes = mutesOf(decisions)
  const nowMs = source.now()
  return rows
    .filter(
      row =>
        (state === 'all' || (state === 'open') === (row.closed_at === null)) &&
        (only === undefined || row.class_name === only) &&
        (site === undefined || row.site_id === site),
    )
    .slice(0, limit)
    .map(row => {
      const { acknowledgedBy, assignedTo, notes } = handlingOf(decisions, row)
      const muted = muteOf(mutes, row, nowMs)
      return {
        ...row,
        acknowledged_by: acknowledgedBy,
        assigned_to: assignedTo,
        notes,
        muted_until: muted?.until ?? null,
      }
    })
}
