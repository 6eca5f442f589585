import { compareText } from '../text-order.ts'
import { DAY_MS } from '../time.ts'
import { type BandChange, type Cause, causeOf } from './cause.ts'

/** Opening of a site change. */
export interface Opening {
  siteId: string
  openedMs: number
  bands: BandChange | null
}

/** Incident: many sites of a class changed at about the same time. */
export interface ManySites {
  openedMs: number
  /**
   * Time of the last opening that joined. Openings from `openedMs` to here are part of it, and get no message of their
   * own.
   */
  lastMs: number
  /** Sites in the order in which they joined. The first ones opened before it did. */
  sites: readonly string[]
  cause: Cause
}

/** Days within which openings belong together. Two looks of a satellite that comes every 16 days. */
export const TOGETHER_DAYS = 32
const LEAST_SITES = 5
const LEAST_SHARE = 0.1

/**
 * Finds openings that are one event of a class: a drought, or a change in how images are made. Further openings join it
 * until 32 days have passed without that many openings within 32 days. So single changes, which a large class always
 * has, do not keep it open.
 *
 * @param openings of one class and direction, in any order
 * @param sitesAt number of sites of the class that are judged at a time
 */
export function manySites(openings: Iterable<Opening>, sitesAt: (ms: number) => number): ManySites[] {
  const togetherMs = TOGETHER_DAYS * DAY_MS
  const sorted = [...openings].sort((a, b) => a.openedMs - b.openedMs || compareText(a.siteId, b.siteId))
  const found: ManySites[] = []
  let recent: Opening[] = []
  let manyMs = Number.NEGATIVE_INFINITY
  // Looks of one pass have the same time, and so have their openings. They become one message.
  for (const [openedMs, opened] of Map.groupBy(sorted, each => each.openedMs)) {
    recent = [...recent.filter(each => each.openedMs >= openedMs - togetherMs), ...opened]
    const bySite = new Map(recent.map(each => [each.siteId, each]))
    const current = found.at(-1)
    const isCurrent = current !== undefined && openedMs - manyMs <= togetherMs
    const areMany = bySite.size >= Math.max(LEAST_SITES, LEAST_SHARE * sitesAt(openedMs))
    if (areMany) manyMs = openedMs
    if (isCurrent) {
      const sites = [...new Set([...current.sites, ...opened.map(({ siteId }) => siteId)])]
      found[found.length - 1] = { ...current, lastMs: openedMs, sites }
    } else if (areMany) {
      const cause = causeOf(Array.from(bySite.values(), ({ bands }) => bands))
      found.push({ openedMs, lastMs: openedMs, sites: [...bySite.keys()], cause })
    }
  }
  return found
}

/** Incident that an opening joined, if it was open by then. */
export function joinedOf({ openedMs }: Pick<Opening, 'openedMs'>, incidents: readonly ManySites[]) {
  return incidents.find(each => openedMs >= each.openedMs && openedMs <= each.lastMs)
}
