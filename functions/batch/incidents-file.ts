import type { Incident } from '../core/incidents/incident.ts'
import type { ObjectStore } from '../ports/object-store.ts'
import { revisionName } from './view.ts'

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

/**
 * Reads the newest incidents; undefined before the first view with looks. A damaged file is skipped: the one before it
 * is used until the next view has incidents.
 */
export async function readIncidents(objects: ObjectStore): Promise<Incidents | undefined> {
  return newestOf(objects, await Array.fromAsync(objects.list(INCIDENTS_PREFIX)))
}

/** @param keys oldest first */
async function newestOf(objects: ObjectStore, keys: readonly string[]): Promise<Incidents | undefined> {
  for (const key of keys.toReversed()) {
    const bytes = await objects.get(key)
    const incidents = bytes && parse(bytes)
    if (incidents === 'damaged') continue
    if (incidents?.format !== FORMAT) return undefined
    // Older files lack this field. Their incidents are judged again with the next look.
    return {
      ...incidents,
      incidents: incidents.incidents.map(incident => ({ ...incident, from_import: incident.from_import ?? true })),
    }
  }
  return undefined
}

function parse(bytes: Uint8Array): Incidents | 'damaged' {
  try {
    return JSON.parse(Buffer.from(bytes).toString('utf8'))
  } catch {
    return 'damaged'
  }
}

/** Reader of the newest incidents. It remembers what it read last: a repeated question costs a listing. */
export function incidentsReader(objects: ObjectStore): () => Promise<Incidents | undefined> {
  let last: { key: string; incidents: Incidents } | undefined
  return async () => {
    const keys = await Array.fromAsync(objects.list(INCIDENTS_PREFIX))
    const key = keys.at(-1)
    if (key === undefined || key === last?.key) return last?.incidents
    const incidents = await newestOf(objects, keys)
    if (incidents && incidentsKey(incidents.revision) === key) last = { key, incidents }
    return incidents
  }
}
