import { createHash } from 'node:crypto'
import { compareText } from '../../core/text-order.ts'
import type { ObjectStore } from '../../ports/object-store.ts'
import { ImageError } from '../errors.ts'
import { parseGeoJson, polygonsOf } from './geojson.ts'
import type { Polygon, Site } from './site.ts'

/**
 * Sites that a system keeps. An import makes a new version, which holds all sites and never changes:
 *
 * - `sites/files/<sha256>.geojson`: the sites in order of their ids, a feature for each.
 * - `sites/versions/<number>.json`: which file a version has, and where it comes from. It is put if absent, after the
 *   file, so several imports at once get different numbers.
 */
export const SITES_PREFIX = 'sites/'
const FILES_PREFIX = `${SITES_PREFIX}files/`
const VERSIONS_PREFIX = `${SITES_PREFIX}versions/`

/** Format number of versions and of their files. */
const FORMAT = 1

/** Maximum size of a version's file, bytes. The API holds the sites in memory: ten times this size. */
export const MAX_STORED_BYTES = 32 * 1024 * 1024

/** Version of the stored sites. */
export interface SitesVersion {
  /** 1, 2, 3 … */
  version: number
  key: string
  sha256: string
  /** Number of sites. */
  sites: number
  importedAt: string
  /** File that was imported, for people. */
  source: string
}

/** Stored sites, in order of their ids. */
export interface StoredSites {
  version: SitesVersion
  sites: readonly Site[]
}

/**
 * Stores sites as the newest version.
 *
 * @returns the version; the one before if it has the same sites
 * @throws ImageError when they are too many
 */
export async function storeSites(
  objects: ObjectStore,
  sites: readonly Site[],
  { source, importedAt }: Pick<SitesVersion, 'source' | 'importedAt'>,
): Promise<{ version: SitesVersion; isNew: boolean }> {
  const bytes = Buffer.from(sitesToGeoJson(sites))
  if (bytes.byteLength > MAX_STORED_BYTES) {
    throw new ImageError(
      `${source}: its sites need ${bytes.byteLength} bytes, and ${MAX_STORED_BYTES} at most can be stored; simplify the outlines, or give the file to observe with --sites`,
    )
  }
  const sha256 = createHash('sha256').update(bytes).digest('hex')
  const key = `${FILES_PREFIX}${sha256}.geojson`
  await objects.putIfAbsent(key, bytes)
  for (;;) {
    const newest = await newestSitesVersion(objects)
    if (newest?.sha256 === sha256) return { version: newest, isNew: false }
    const number = (newest?.version ?? 0) + 1
    const version: SitesVersion = { version: number, key, sha256, sites: sites.length, importedAt, source }
    const stated = Buffer.from(JSON.stringify({ format: FORMAT, ...version }))
    if (await objects.putIfAbsent(versionKey(number), stated)) return { version, isNew: true }
  }
}

/** Writes sites as GeoJSON, in order of their ids. The same sites give the same text. */
export function sitesToGeoJson(sites: readonly Site[]): string {
  const features = [...sites].sort((a, b) => compareText(a.id, b.id)).map(site => JSON.stringify(featureOf(site)))
  return `{"type":"FeatureCollection","features":[\n${features.join(',\n')}\n]}\n`
}

/** Feature of a site, with its outline as a Polygon or a MultiPolygon. */
export function featureOf({ id, className, polygons }: Site) {
  const rings = polygons.map(polygon => polygon.map(ring => [...ring, ring[0]]))
  const [only] = rings
  return {
    type: 'Feature' as const,
    id,
    properties: { site_id: id, class_name: className },
    geometry:
      rings.length === 1
        ? { type: 'Polygon' as const, coordinates: only as unknown[] }
        : { type: 'MultiPolygon' as const, coordinates: rings as unknown[] },
  }
}

function versionKey(number: number): string {
  return `${VERSIONS_PREFIX}${String(number).padStart(12, '0')}.json`
}

/** Lists the versions, the oldest first. @throws Error when one is of a format to come */
export async function listSitesVersions(objects: ObjectStore): Promise<SitesVersion[]> {
  const versions: SitesVersion[] = []
  for await (const key of objects.list(VERSIONS_PREFIX)) versions.push(await readVersion(objects, key))
  return versions
}

/** Reads the newest version; undefined before the first import. @throws Error when it is of a format to come */
export async function newestSitesVersion(objects: ObjectStore): Promise<SitesVersion | undefined> {
  const newest = (await Array.fromAsync(objects.list(VERSIONS_PREFIX))).at(-1)
  return newest === undefined ? undefined : readVersion(objects, newest)
}

async function readVersion(objects: ObjectStore, key: string): Promise<SitesVersion> {
  const bytes = await objects.get(key)
  if (!bytes) throw new Error(`the object ${key} is listed, and not there: restore it from a backup`)
  const { format, ...version } = parsed(key, bytes)
  if (format <= FORMAT) return version
  throw new Error(`the object ${key} has format ${format}: run the landcover that wrote it`)
}

function parsed(key: string, bytes: Uint8Array): SitesVersion & { format: number } {
  try {
    const value = JSON.parse(Buffer.from(bytes).toString('utf8')) as SitesVersion & { format: number }
    if (Number.isInteger(value.format)) return value
  } catch (error) {
    if (!(error instanceof SyntaxError || error instanceof TypeError)) throw error
  }
  throw new Error(`the object ${key} is damaged: restore it from a backup`)
}

/** Reads the sites of a version. @throws Error when its file is missing or damaged */
export async function readStoredSites(objects: ObjectStore, version: SitesVersion): Promise<StoredSites> {
  const { key, sha256 } = version
  const bytes = await objects.get(key)
  if (!bytes) throw new Error(`the object ${key} is missing: restore it from a backup`)
  if (createHash('sha256').update(bytes).digest('hex') !== sha256) {
    throw new Error(`the object ${key} does not match its checksum: restore it from a backup`)
  }
  const features = parseGeoJson(Buffer.from(bytes).toString('utf8'), key)
  const sites = features.map(({ id, properties, geometry }) => ({
    id: id as string,
    className: properties.class_name as string,
    polygons: polygonsOf(geometry) as Polygon[],
  }))
  return { version, sites }
}

/** Reader of the newest version. It remembers what it read last, so that a repeated question costs one short listing. */
export function sitesReader(objects: ObjectStore): () => Promise<StoredSites | undefined> {
  let last: StoredSites | undefined
  return async () => {
    const known = last && versionKey(last.version.version)
    const newest = (await Array.fromAsync(objects.list(VERSIONS_PREFIX, known))).at(-1)
    if (newest === undefined) return last
    const read = await readStoredSites(objects, await readVersion(objects, newest))
    // Of two reads at once the later version stays.
    if (read.version.version > (last?.version.version ?? 0)) last = read
    return last
  }
}
