import { compareText } from '../text-order.ts'
import { DAY_MS } from '../time.ts'

/** Opening of a site change. */
export interface Opening {
  siteId: string
  openedMs: number
}

/** Incident: many sites of a class changed at about the same time. */
export interface ManySites {
  openedMs: number
  /** Sites in the order in which they joined. Those after `first` joined when it was open: of them nobody is told. */
  sites: readonly string[]
  first: number
}

/** Days within which openings belong together. Two looks of a satellite that comes every 16 days. */
export const TOGETHER_DAYS = 32
const LEAST_SITES = 5
const LEAST_SHARE = 0.1

/**
 * Finds openings that are one event of a class: a drought, or a change in how images are made.
 *
 * @param openings of one class and direction, in any order
 * @param sitesAt number of sites of the class that are judged at a time
 */
export function manySites(openings: Iterable<Opening>, sitesAt: (ms: number) => number): ManySites[] {
  const sorted = [...openings].sort((a, b) => a.openedMs - b.openedMs || compareText(a.siteId, b.siteId))
  const found: ManySites[] = []
  let recent: Opening[] = []
  let lastMs = Number.NEGATIVE_INFINITY
  for (const opening of sorted) {
    const fromMs = opening.openedMs - TOGETHER_DAYS * DAY_MS
    const current = found.at(-1)
    if (current && lastMs >= fromMs) {
      lastMs = opening.openedMs
      if (!current.sites.includes(opening.siteId)) {
        found[found.length - 1] = { ...current, sites: [...current.sites, opening.siteId] }
      }
      continue
    }
    recent = [...recent.filter(({ openedMs }) => openedMs >= fromMs), opening]
    const sites = [...new Set(recent.map(({ siteId }) => siteId))]
    if (sites.length < Math.max(LEAST_SITES, LEAST_SHARE * sitesAt(opening.openedMs))) continue
    found.push({ openedMs: opening.openedMs, sites, first: sites.length })
    lastMs = opening.openedMs
    recent = []
  }
  return found
}

/** Tells whether an opening joined an incident that was open by then. */
export function joinsSilently({ siteId, openedMs }: Opening, incidents: readonly ManySites[]): boolean {
  return incidents.some(each => openedMs >= each.openedMs && each.sites.indexOf(siteId) >= each.first)
}
