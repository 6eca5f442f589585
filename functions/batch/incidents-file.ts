import type { AlertMessage } from '../core/incidents/messages.ts'
import type { Severity, SiteChange } from '../core/incidents/site-change.ts'
import type { ObjectStore } from '../ports/object-store.ts'
import { revisionName } from './view.ts'

/** Incident as people and programs see it. Times are ISO 8601, NDVI is -1 to 1. */
export interface Incident {
  /** Id by which receivers recognise it: the same in every view that has it. */
  id: string
  kind: AlertMessage['kind']
  /** Cause of a change at many sites: the land, or the producer of the images; null where it is not told. */
  cause: AlertMessage['cause']
  class_name: string
  /** Null for an incident of a class. */
  site_id: string | null
  state: SiteChange['state']
  severity: Severity
  /** Time of the first unusual look, of the look that opened it, and of its end; null while it is open. */
  first_at: string
  opened_at: string
  closed_at: string | null
  /** Change of NDVI: the median of its unusual looks; negative for a drop. Null for an incident of a class. */
  ndvi_change: number | null
  /** Distance of its furthest look from normal, standard deviations. Null for an incident of a class. */
  score: number | null
  /** Number of sites. */
  sites: number
  /** Id of the class's incident that the change of this site is a part of. */
  part_of: string | null
  /** Place of the last look that says it, degrees. */
  lon: number | null
  lat: number | null
}

/** Incidents of the looks that a view counts. */
export interface Incidents {
  format: typeof FORMAT
  revision: number
  /** Names the files of looks that were judged. */
  looksDigest: string
  /** Numbers of looks, of sites, and of sites that have learned what is normal. */
  looks: number
  sites: number
  judgedSites: number
  /** Reason why no incidents were looked for; null when they were. */
  skipped: string | null
  /** Newest first. */
  incidents: Incident[]
}

export const INCIDENTS_PREFIX = 'incidents/'
const FORMAT = 1 as const

/** Key of the incidents of a view. Keys sort like revisions. */
export function incidentsKey(revision: number): string {
  return `${INCIDENTS_PREFIX}${revisionName(revision)}.json`
}

/** Encodes the incidents of a view. */
export function encodeIncidents(incidents: Omit<Incidents, 'format'>): Uint8Array {
  return Buffer.from(JSON.stringify({ format: FORMAT, ...incidents } satisfies Incidents))
}

/** Reads the newest incidents; undefined before the first view with looks. */
export async function readIncidents(objects: ObjectStore): Promise<Incidents | undefined> {
  const keys = await Array.fromAsync(objects.list(INCIDENTS_PREFIX))
  const bytes = keys.length > 0 ? await objects.get(keys.at(-1) as string) : undefined
  const incidents = bytes && (JSON.parse(Buffer.from(bytes).toString('utf8')) as Incidents)
  return incidents?.format === FORMAT ? incidents : undefined
}
