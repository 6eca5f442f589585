import type { SiteNormal, SiteNormals } from '../batch/normals-file.ts'
import { fromMicro } from '../core/fixed-point.ts'
import { DETECTION } from '../core/looks/detection.ts'
import { isLearning } from '../core/looks/score.ts'
import { byName, compareText } from '../core/text-order.ts'
import { formatTimestamp } from '../core/time.ts'
import type { StoredSites } from '../images/sites/stored-sites.ts'
import { refuseUnknownClass } from './class-names.ts'
import { type NormalsSource, normalAt, normalsBySite } from './site-normals.ts'
import type { SiteStateRow, SiteStatesQuery } from './site-schemas.ts'
import { middleOf, type SiteSource } from './sites.ts'

/**
 * Answers a page of all sites with their places and states, as of the batch view: those that are stored, and those that
 * images name. A site of two classes has the class of its newest image.
 *
 * @throws BadParameterError when the class is unknown
 */
export async function siteStates(
  source: NormalsSource & SiteSource,
  { class: only, state, limit, after }: SiteStatesQuery,
): Promise<{ rows: SiteStateRow[]; next: { after: string } | null }> {
  await refuseUnknownClass(source, only)
  const found = await source.incidents()
  const open = new Set((found?.incidents ?? []).filter(each => each.closed_at === null).map(each => each.site_id))
  const rows: SiteStateRow[] = []
  for (const [siteId, row] of rowsOf(await source.normals(found), await source.sites())) {
    if (after !== undefined && compareText(siteId, after) <= 0) continue
    const shown = { ...row, state: open.has(siteId) ? ('open' as const) : row.state }
    if ((only !== undefined && row.class_name !== only) || (state !== undefined && shown.state !== state)) continue
    if (rows.length === limit) return { rows, next: { after: rows.at(-1)?.site_id as string } }
    rows.push(shown)
  }
  return { rows, next: null }
}

type Rows = readonly (readonly [siteId: string, row: SiteStateRow])[]

/** Rows that were made last: a map asks for all pages one after the other. */
let last: { normals: SiteNormals | undefined; stored: StoredSites | undefined; rows: Rows } | undefined

function rowsOf(normals: SiteNormals | undefined, stored: StoredSites | undefined): Rows {
  if (last && last.normals === normals && last.stored === stored) return last.rows
  const rows = new Map<string, SiteStateRow>()
  for (const site of stored?.sites ?? []) {
    rows.set(site.id, {
      ...{ site_id: site.id, class_name: site.className, ...middleOf(site), state: 'no-images' },
      ...{ last_at: null, ndvi_mean: null, ndvi_distance: null },
    })
  }
  const curves = new Map(normals?.classes.map(({ className, baseline }) => [className, baseline]))
  for (const [siteId, ofClasses] of normals ? normalsBySite(normals) : []) {
    const newest = ofClasses.toSorted((a, b) => b.lastMs - a.lastMs)[0] as SiteNormal
    const place = newest.lon === null ? rows.get(siteId) : newest
    const { baseline, lastLand } = newest
    const isLearned = !isLearning(baseline, newest.lastMs, DETECTION)
    const ofClass = curves.get(newest.className)
    const normal = ofClass && lastLand && isLearned ? normalAt({ ofClass, ofSite: newest }, lastLand.ms) : null
    const ndvi = lastLand && fromMicro(lastLand.ndvi)
    rows.set(siteId, {
      ...{ site_id: siteId, class_name: newest.className, lon: place?.lon ?? null, lat: place?.lat ?? null },
      state: isLearned ? 'normal' : 'learning',
      last_at: lastLand && formatTimestamp(lastLand.ms),
      ndvi_mean: ndvi,
      ndvi_distance:
        ndvi === null || normal?.ndvi_normal == null ? null : Number((ndvi - normal.ndvi_normal).toFixed(6)),
    })
  }
  last = { normals, stored, rows: [...rows].sort(byName) }
  return last.rows
}
