import type { ClassHistory, SiteHistory } from '../looks/judge.ts'
import { compareText } from '../text-order.ts'
import type { Cause } from './cause.ts'
import { joinedOf, manySites } from './many-sites.ts'
import { type Direction, type SiteChange, severityOf } from './site-change.ts'

/** An incident that opened: a message that a person would get, or a site that joined the incident of its class. */
export interface AlertMessage {
  openedMs: number
  /** Null for an incident of a class. */
  siteId: string | null
  className: string
  /** Null for `no-clear-look`, which is neither a drop nor a rise. */
  direction: Direction | null
  kind: 'site-change' | 'many-sites' | 'no-clear-look'
  /** State at the end of the looks, and the time of its end; null while it is open. */
  state: SiteChange['state']
  closedMs: number | null
  /** The incident of a site; null for one of a class. */
  change: SiteChange | null
  /** Cause of a `many-sites` incident that was told from sites; otherwise null. */
  cause: Cause | null
  /** Sites of a `many-sites` incident; empty for a class whose looks have none. */
  sites: readonly string[]
  /** True if it joined an open incident of its class. That incident names it, so it has no message of its own. */
  isJoined: boolean
}

/** Fields that most messages leave empty. */
const BLANK = { siteId: null, change: null, cause: null, sites: [], isJoined: false } as const

/**
 * Lists the incidents of sites and of their classes, by time. Sites that join an incident whose cause is the producer
 * have none of their own: their ground has not changed.
 *
 * @param classes incidents of classes that are not told from sites
 */
export function alertMessages(
  histories: readonly SiteHistory[],
  direction: Direction,
  classes: readonly ClassHistory[] = [],
): AlertMessage[] {
  const messages = [...Map.groupBy(histories, each => each.className)].flatMap(([className, sites]) =>
    messagesOfSites(className, sites, direction),
  )
  for (const { className, noClearLooks, changes } of classes) {
    for (const each of noClearLooks)
      messages.push({ ...BLANK, ...periodOf(each), className, direction: null, kind: 'no-clear-look' })
    for (const each of changes[direction])
      messages.push({ ...BLANK, ...periodOf(each), className, direction, kind: 'many-sites' })
  }
  return messages.sort((a, b) => a.openedMs - b.openedMs || compareText(keyOf(a), keyOf(b)))
}

function messagesOfSites(className: string, sites: readonly SiteHistory[], direction: Direction): AlertMessage[] {
  const judgedFrom = sites.flatMap(({ judgedFromMs }) => judgedFromMs ?? [])
  const changes = sites.flatMap(({ siteId, incidents }) =>
    incidents.map(change => ({ siteId, change, openedMs: change.openedMs, bands: change.bands })),
  )
  const together = manySites(changes, atMs => judgedFrom.filter(fromMs => fromMs <= atMs).length)
  const ofClass = together.map((incident): AlertMessage => {
    const { openedMs, cause, sites: joined } = incident
    const parts = changes.flatMap(({ change }) => (joinedOf(change, [incident]) ? [change] : []))
    return { ...BLANK, ...lastEnd(parts), openedMs, className, direction, kind: 'many-sites', cause, sites: joined }
  })
  const ofSites = changes.flatMap(({ siteId, change }): AlertMessage[] => {
    const joined = joinedOf(change, together)
    if (joined?.cause === 'producer') return []
    const isJoined = joined !== undefined
    return [{ ...BLANK, ...periodOf(change), siteId, className, direction, kind: 'site-change', change, isJoined }]
  })
  return [...ofClass, ...ofSites]
}

type Period = Pick<AlertMessage, 'openedMs' | 'closedMs' | 'state'>

function periodOf({ openedMs, closedMs, state }: Period): Period {
  return { openedMs, closedMs, state }
}

/** End of an incident with many parts: it is open as long as one of them is. */
function lastEnd(parts: readonly Period[]): Pick<Period, 'closedMs' | 'state'> {
  const endOf = ({ closedMs }: Period) => closedMs ?? Number.POSITIVE_INFINITY
  const { closedMs, state } = parts.reduce((last, each) => (endOf(each) > endOf(last) ? each : last))
  return { closedMs, state }
}

function keyOf({ className, kind, siteId }: AlertMessage): string {
  return JSON.stringify([className, kind, siteId])
}

/** Severity for the column of that name: that of the site's change. */
export function severityColumn({ change }: AlertMessage): string {
  return change === null ? 'warning' : severityOf(change)
}
