import type { Polygon, Site } from '../images/sites/site.ts'
import { featureOf, type StoredSites } from '../images/sites/stored-sites.ts'
import type { BadParameterError } from './bad-parameter.ts'
import { type ClassSource, refuseUnknownClass } from './class-names.ts'
import { unknownName } from './near-names.ts'
import type { SiteCollection, SiteFeature, SiteQuery, SitesQuery } from './site-schemas.ts'

/** Source of the stored sites. */
export interface SiteSource {
  /** Reads the newest version of the stored sites; undefined before the first import. */
  sites(): Promise<StoredSites | undefined>
}

type Box = readonly [west: number, south: number, east: number, north: number]

/** Boxes of the polygons of each site that was asked for by place. */
const boxes = new WeakMap<Site, readonly Box[]>()

/**
 * Answers a page of the stored sites, in order of their ids. A new version may come between two pages: the pages go on
 * by id.
 *
 * @throws BadParameterError when the class is unknown
 */
export async function sites(
  source: SiteSource & ClassSource,
  { bbox, class: only, limit, after }: SitesQuery,
): Promise<{ body: SiteCollection; next: { after: string } | null }> {
  await refuseUnknownClass(source, only)
  const stored = await source.sites()
  const found: Site[] = []
  let isMore = false
  for (const site of stored?.sites ?? []) {
    if (after !== undefined && site.id <= after) continue
    if (only !== undefined && site.className !== only) continue
    if (bbox !== undefined && !boxesOf(site).some(box => touches(box, bbox))) continue
    isMore = found.length === limit
    if (isMore) break
    found.push(site)
  }
  const last = found.at(-1)
  return {
    body: {
      type: 'FeatureCollection',
      version: stored?.version.version ?? null,
      features: found.map(featureOf),
    },
    next: isMore && last ? { after: last.id } : null,
  }
}

/**
 * Answers a stored site.
 *
 * @throws BadParameterError with status 404 and near ids when there is none
 */
export async function siteById(source: SiteSource, { id: asked }: SiteQuery): Promise<SiteFeature> {
  const stored = (await source.sites())?.sites ?? []
  // Some gateways decode the path and others do not.
  const site = stored.find(({ id }) => id === asked) ?? stored.find(({ id }) => id === decoded(asked))
  if (site) return featureOf(site)
  const ids = stored.map(({ id }) => id)
  throw unknownSite(decoded(asked), ids, 'is not a stored site')
}

/** Error of a site that is not there, with near ids and status 404. */
export function unknownSite(siteId: string, ids: Iterable<string>, wrong: string): BadParameterError {
  return unknownName(siteId, ids, {
    ...{ parameter: 'id', wrong, noun: 'id' },
    all: 'GET /api/sites has all stored sites',
  })
}

/** Id of a site from an address. Some gateways decode the path and others do not. */
export function decoded(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}

function boxesOf(site: Site): readonly Box[] {
  const known = boxes.get(site)
  if (known) return known
  const made = site.polygons.map(boxOf)
  boxes.set(site, made)
  return made
}

function boxOf([outer = []]: Polygon): Box {
  let [west, south, east, north] = [Infinity, Infinity, -Infinity, -Infinity]
  for (const [lon, lat] of outer) {
    west = Math.min(west, lon)
    south = Math.min(south, lat)
    east = Math.max(east, lon)
    north = Math.max(north, lat)
  }
  return [west, south, east, north]
}

/** Tells whether two boxes touch. The longitudes of an outline may be beyond 180 degrees, by a turn or two. */
function touches([west, south, east, north]: Box, [left, bottom, right, top]: Box): boolean {
  if (north < bottom || south > top) return false
  const end = right < left ? right + 360 : right
  return [-720, -360, 0, 360, 720].some(turn => west + turn <= end && east + turn >= left)
}

/** Middle of the box around a site's first outline, degrees, with a longitude from -180 to 180. */
export function middleOf(site: Site): { lon: number; lat: number } {
  const [west, south, east, north] = boxesOf(site)[0] ?? [0, 0, 0, 0]
  const lon = (west + east) / 2
  return { lon: ((((lon + 180) % 360) + 360) % 360) - 180, lat: (south + north) / 2 }
}
