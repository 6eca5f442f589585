import type { Incidents } from '../batch/incidents-file.ts'
import { type ClassSource, refuseUnknownClass } from './class-names.ts'
import type { IncidentRow, IncidentsQuery } from './incident-schemas.ts'

/** Ports from which incidents are read. */
export interface IncidentsSource extends ClassSource {
  /** Reads the incidents of the newest view that has them; undefined before the first. */
  incidents(): Promise<Incidents | undefined>
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
  return rows
    .filter(
      row =>
        (state === 'all' || (state === 'open') === (row.closed_at === null)) &&
        (only === undefined || row.class_name === only) &&
        (site === undefined || row.site_id === site),
    )
    .slice(0, limit)
}
