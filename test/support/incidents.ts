import type { Incident } from '../../functions/core/incidents/incident.ts'

/** Open change of one site, known from the log. */
export function openIncident(changes: Partial<Incident> = {}): Incident {
  return {
    id: 'a',
    kind: 'site-change',
    cause: null,
    class_name: 'Forest',
    site_id: 'stand-1',
    state: 'confirmed',
    severity: 'warning',
    first_at: '2026-10-03T10:20:00.000Z',
    opened_at: '2026-11-04T10:20:00.000Z',
    closed_at: null,
    ndvi_change: -0.15,
    score: -4.2,
    sites: 1,
    part_of: null,
    lon: 25.1,
    lat: 62.2,
    from_import: false,
    ...changes,
  }
}
