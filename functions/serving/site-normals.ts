import type { Incidents } from '../batch/incidents-file.ts'
import type { SiteNormal, SiteNormals } from '../batch/normals-file.ts'
import type { SiteLook } from '../batch/site-looks.ts'
import { looksAtSite } from '../batch/site-parts.ts'
import { fromMicro } from '../core/fixed-point.ts'
import type { ClassBaseline } from '../core/looks/class-baseline.ts'
import { DETECTION } from '../core/looks/detection.ts'
import { isLearning, scoreOf } from '../core/looks/score.ts'
import { CLASS_BIN_DAYS, CLASS_BINS } from '../core/looks/season.ts'
import { byName } from '../core/text-order.ts'
import { DAY_MS, formatTimestamp } from '../core/time.ts'
import { refuseUnknownClass } from './class-names.ts'
import type { IncidentsSource } from './incidents.ts'
import type { SiteNormalQuery, SiteNormalRow } from './site-schemas.ts'
import { decoded, type SiteSource, unknownSite } from './sites.ts'

/** Ports from which what is normal at sites is read. */
export interface NormalsSource extends IncidentsSource {
  /** Reads what is normal by the looks that incidents were found in; undefined where there is none. */
  normals(incidents: Incidents | undefined): Promise<SiteNormals | undefined>
}

/** Baselines of a site and of its class. */
export interface SiteBaselines {
  ofClass: Pick<ClassBaseline, 'typical' | 'curve' | 'scale'>
  ofSite: SiteNormal
}

/** Normals by the ids of their sites. One map for each file that was read. */
const bySite = new WeakMap<SiteNormals, Map<string, SiteNormal[]>>()

/** Groups what is normal by site. */
export function normalsBySite(normals: SiteNormals): ReadonlyMap<string, SiteNormal[]> {
  const known = bySite.get(normals)
  if (known) return known
  const made = Map.groupBy(normals.sites, ({ siteId }) => siteId)
  bySite.set(normals, made)
  return made
}

/** Reads the looks at a site that the batch view counts. */
export function looksOfSite({ views }: Pick<NormalsSource, 'views'>, siteId: string): Promise<SiteLook[]> {
  return views.read(async view => (view ? looksAtSite(views, view, siteId) : []))
}

/** Reads the baselines of a site, by class. */
export async function readNormals(source: NormalsSource, siteId: string): Promise<Map<string, SiteBaselines>> {
  const normals = await source.normals(await source.incidents())
  const found = new Map<string, SiteBaselines>()
  if (!normals) return found
  const classes = new Map(normals.classes.map(({ className, baseline }) => [className, baseline]))
  for (const ofSite of normalsBySite(normals).get(siteId) ?? []) {
    const ofClass = classes.get(ofSite.className)
    if (ofClass) found.set(ofSite.className, { ofClass, ofSite })
  }
  return found
}

/** NDVI that is normal for an image of a site. What is normal since a lasting change says nothing of the time before. */
export function normalOfImage(baselines: SiteBaselines | undefined, ms: number): ReturnType<typeof normalAt> {
  const sinceMs = baselines?.ofSite.baseline?.firstMs ?? Number.NEGATIVE_INFINITY
  return normalAt(ms < sinceMs ? undefined : baselines, ms)
}

/** NDVI that is normal at a site at a time, and its standard deviation; null where they are not known. */
export function normalAt(
  baselines: SiteBaselines | undefined,
  ms: number,
): { ndvi_normal: number | null; ndvi_normal_stddev: number | null } {
  const score = baselines && scoreOf({ eventMs: ms, ndvi: 0 }, baselines.ofClass, baselines.ofSite.baseline, DETECTION)
  if (!score) return { ndvi_normal: null, ndvi_normal_stddev: null }
  // A look of NDVI 0 differs from normal by minus what is normal.
  const ndvi_normal = fromMicro(0 - score.residual)
  return { ndvi_normal, ndvi_normal_stddev: score.scale === null ? null : fromMicro(score.scale) }
}

/**
 * Answers what is normal at a site by the time of the year. No rows while the site has too few looks, and where it has
 * none.
 *
 * @throws BadParameterError when the site or class is unknown
 */
export async function siteNormal(
  source: NormalsSource & SiteSource,
  { id, class: only }: SiteNormalQuery,
): Promise<SiteNormalRow[]> {
  await refuseUnknownClass(source, only)
  const siteId = decoded(id)
  const baselines = await readNormals(source, siteId)
  if (baselines.size === 0 && (await looksOfSite(source, siteId)).length === 0) await refuseUnknownSite(source, siteId)
  return [...baselines]
    .filter(([className]) => only === undefined || className === only)
    .sort(byName)
    .flatMap(([class_name, each]) =>
      Array.from({ length: CLASS_BINS }, (_, bin) => {
        const { ndvi_normal, ndvi_normal_stddev } = normalAt(each, (bin + 0.5) * CLASS_BIN_DAYS * DAY_MS)
        const { baseline, lastMs } = each.ofSite
        const is_learning = isLearning(baseline, lastMs, DETECTION)
        const since = formatTimestamp(baseline?.firstMs ?? lastMs)
        const day_of_year = bin * CLASS_BIN_DAYS + 1
        const looks = baseline?.looks ?? 0
        return { class_name, day_of_year, ndvi_normal, ndvi_normal_stddev, is_learning, looks, since }
      }),
    )
    .filter((row): row is SiteNormalRow => row.ndvi_normal !== null)
}

/**
 * Checks that a site that no image names is stored.
 *
 * @throws BadParameterError with status 404 and near ids
 */
export async function refuseUnknownSite({ sites }: SiteSource, siteId: string): Promise<void> {
  const ids = ((await sites())?.sites ?? []).map(site => site.id)
  if (!ids.includes(siteId)) throw unknownSite(siteId, ids, 'is not a stored site, and no image names it')
}
