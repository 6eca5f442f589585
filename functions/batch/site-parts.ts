import { createHash, randomUUID } from 'node:crypto'
import type { ObjectStore } from '../ports/object-store.ts'
import { encodeLooks, type SiteLook, siteOfLook } from './site-looks.ts'
import { type SitePart, sha256, type View } from './view.ts'
import type { ViewReader } from './view-reader.ts'

/** Looks that change from one view to the next. */
export interface LookChange {
  added: readonly SiteLook[]
  /** Chooses looks that the next view does not take over. Without it, the next view takes over all. */
  isReplaced?(look: SiteLook): boolean
}

/** Store, reader and revision with which a run writes the files of its view. */
export interface PartWriter {
  objects: ObjectStore
  views: Pick<ViewReader, 'looks'>
  revision: number
}

/**
 * Makes the files of looks of the next view from those of the view before. Files without a change are taken over.
 *
 * @throws DamagedObjectError when a file of the view before is damaged
 */
export async function nextSiteParts(
  { objects, views, revision }: PartWriter,
  before: View['sites'] = {},
  { added, isReplaced }: LookChange,
): Promise<Record<string, SitePart>> {
  const next: Record<string, SitePart> = {}
  const arrived = Map.groupBy(added, partOf)
  for (const name of new Set([...Object.keys(before), ...arrived.keys()])) {
    const part = before[name]
    const fresh = arrived.get(name) ?? []
    if (part && fresh.length === 0 && !isReplaced) {
      next[name] = part
      continue
    }
    const known = part ? await views.looks(part) : []
    const kept = isReplaced ? known.filter(look => !isReplaced(look)) : known
    if (part && fresh.length === 0 && kept.length === known.length) next[name] = part
    else if (kept.length + fresh.length > 0) {
      const key = `history/sites/${name}/${revision}-${randomUUID()}.parquet`
      const bytes = encodeLooks([...kept, ...fresh])
      await objects.put(key, bytes)
      next[name] = { key, sha256: sha256(bytes), looks: kept.length + fresh.length }
    }
  }
  return next
}

/** Reads all looks of a site, in the order of class, time and image. */
export async function looksAtSite(
  views: Pick<ViewReader, 'looks'>,
  { sites = {} }: Pick<View, 'sites'>,
  siteId: string,
): Promise<SiteLook[]> {
  const group = groupOf(siteId)
  const looks: SiteLook[] = []
  for (const [name, part] of Object.entries(sites)) {
    if (!name.startsWith(`${group}/`)) continue
    for (const look of await views.looks(part)) if (siteOfLook(look) === siteId) looks.push(look)
  }
  return looks
}

/** Name of the file that a look is in: a group of sites, and the year of the look. So a new look rewrites one year. */
function partOf(look: SiteLook): string {
  return `${groupOf(siteOfLook(look))}/${new Date(look.event.eventMs).getUTCFullYear()}`
}

/** One of 16 groups of sites: a hexadecimal digit. */
function groupOf(siteId: string): string {
  return createHash('sha256').update(siteId).digest('hex').slice(0, 1)
}
