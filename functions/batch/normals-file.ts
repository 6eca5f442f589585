import { gunzipSync, gzipSync } from 'node:zlib'
import type { ClassBaseline } from '../core/looks/class-baseline.ts'
import type { JudgedLook, Normals } from '../core/looks/judge.ts'
import type { SiteBaseline } from '../core/looks/site-baseline.ts'
import type { ObjectStore } from '../ports/object-store.ts'
import type { Incidents } from './incidents-file.ts'

/** Normal values of each site, made from the looks in the files that `looksDigest` names. */
export interface SiteNormals {
  format: typeof FORMAT
  classes: { className: string; baseline: Pick<ClassBaseline, 'typical' | 'curve' | 'scale'> }[]
  /** Sites of a class. A site with looks of two classes is there twice. */
  sites: SiteNormal[]
}

/** Normal of a site. */
export interface SiteNormal {
  className: string
  siteId: string
  /** Null while the site has too few looks. */
  baseline: SiteBaseline | null
  /** Place of its last look that says one, degrees. */
  lon: number | null
  lat: number | null
  /** Last look at all, and last look at land, with its NDVI in millionths. */
  lastMs: number
  lastLand: { ms: number; ndvi: number } | null
}

const NORMALS_PREFIX = 'history/normals/'
const FORMAT = 1 as const

/** Key of what is normal, by the digest of the looks that it is made from. */
export function normalsKey(looksDigest: string): string {
  return `${NORMALS_PREFIX}${looksDigest}.json.gz`
}

/** Joins the baselines at the end of a history with the last look, and the place, of each site. */
export function siteNormals(
  { classes, sites }: Normals,
  judged: readonly JudgedLook[],
  places: ReadonlyMap<string, { lon: number; lat: number }>,
): SiteNormals {
  const last = new Map<string, Pick<SiteNormal, 'lastMs' | 'lastLand'>>()
  for (const { look, verdict } of judged) {
    const key = JSON.stringify([look.className, look.siteId])
    const lastLand = verdict === 'land' ? { ms: look.eventMs, ndvi: look.ndvi } : (last.get(key)?.lastLand ?? null)
    last.set(key, { lastMs: look.eventMs, lastLand })
  }
  return {
    format: FORMAT,
    classes: classes.map(({ className, baseline: { typical, curve, scale } }) => ({
      className,
      baseline: { typical, curve, scale },
    })),
    sites: sites.map(({ className, siteId, baseline }) => ({
      ...{ className, siteId, baseline },
      lon: places.get(siteId)?.lon ?? null,
      lat: places.get(siteId)?.lat ?? null,
      ...(last.get(JSON.stringify([className, siteId])) ?? { lastMs: 0, lastLand: null }),
    })),
  }
}

/** Encodes what is normal: the same gives the same bytes. */
export function encodeNormals(normals: SiteNormals): Uint8Array {
  return gzipSync(JSON.stringify(normals))
}

/** Tells whether what is normal by these looks is stored. */
export async function hasNormals(objects: Pick<ObjectStore, 'list'>, looksDigest: string): Promise<boolean> {
  for await (const key of objects.list(normalsKey(looksDigest))) return key === normalsKey(looksDigest)
  return false
}

/** Removes what is normal by other looks than these. Readers of the incidents before may still read theirs. */
export async function removeNormals(objects: ObjectStore, digests: readonly (string | undefined)[]): Promise<void> {
  const kept = digests.map(digest => normalsKey(digest ?? ''))
  for (const key of await Array.fromAsync(objects.list(NORMALS_PREFIX))) {
    if (!kept.includes(key)) await objects.delete(key)
  }
}

/**
 * Reader of what is normal by the looks that incidents were found in. It remembers what it read last. Undefined when
 * there is none yet, where too many looks are stored to judge them, and while the file is damaged.
 */
export function normalsReader(
  objects: Pick<ObjectStore, 'get'>,
): (incidents: Pick<Incidents, 'looksDigest'> | undefined) => Promise<SiteNormals | undefined> {
  let last: { key: string; normals: SiteNormals } | undefined
  return async incidents => {
    if (!incidents) return undefined
    const key = normalsKey(incidents.looksDigest)
    if (last?.key === key) return last.normals
    const bytes = await objects.get(key)
    const normals = bytes && decoded(bytes)
    if (normals) last = { key, normals }
    return normals
  }
}

function decoded(bytes: Uint8Array): SiteNormals | undefined {
  try {
    const normals: SiteNormals = JSON.parse(gunzipSync(bytes).toString('utf8'))
    return normals.format === FORMAT ? normals : undefined
  } catch {
    return undefined
  }
}
