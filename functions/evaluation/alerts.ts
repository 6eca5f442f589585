import type { Cause } from '../core/incidents/cause.ts'
import { joinedOf, manySites } from '../core/incidents/many-sites.ts'
import { type Direction, type SiteChange, severityOf } from '../core/incidents/site-change.ts'
import type { SiteHistory } from '../core/looks/judge.ts'
import { compareText } from '../core/text-order.ts'

/** An incident that opened: a message that a person would get, or a site that joined the incident of its class. */
export interface AlertMessage {
  openedMs: number
  /** Null for an incident of a class. */
  siteId: string | null
  className: string
  direction: Direction
  kind: 'site-change' | 'many-sites'
  /** The incident as it was at the end of the looks; null for one of a class. */
  change: SiteChange | null
  /** Cause of a `many-sites` incident; null where it is not told. */
  cause: Cause | null
  /** Sites of a `many-sites` incident. */
  sites: readonly string[]
  /** It joined an incident of its class that was open: that one names it, no message of its own is sent. */
  isJoined: boolean
}

/**
 * Lists the incidents of sites and of their classes, by time. Sites that join an incident whose cause is the producer
 * have none of their own: their ground has not changed.
 */
export function alertMessages(histories: readonly SiteHistory[], direction: Direction): AlertMessage[] {
  const messages: AlertMessage[] = []
  for (const [className, sites] of Map.groupBy(histories, each => each.className)) {
    const judgedFrom = sites.flatMap(({ judgedFromMs }) => judgedFromMs ?? [])
    const changes = sites.flatMap(({ siteId, incidents }) =>
      incidents.map(change => ({ siteId, change, openedMs: change.openedMs, bands: change.bands })),
    )
    const together = manySites(changes, atMs => judgedFrom.filter(fromMs => fromMs <= atMs).length)
    for (const { openedMs, cause, sites: joined } of together) {
      messages.push({
        openedMs,
        siteId: null,
        className,
        direction,
        kind: 'many-sites',
        change: null,
        cause,
        sites: joined,
        isJoined: false,
      })
    }
    for (const { siteId, change, openedMs } of changes) {
      const joined = joinedOf({ openedMs }, together)
      if (joined?.cause === 'producer') continue
      const isJoined = joined !== undefined
      messages.push({
        openedMs,
        siteId,
        className,
        direction,
        kind: 'site-change',
        change,
        cause: null,
        sites: [],
        isJoined,
      })
    }
  }
  return messages.sort((a, b) => a.openedMs - b.openedMs || compareText(keyOf(a), keyOf(b)))
}

function keyOf({ className, kind, siteId }: AlertMessage): string {
  return JSON.stringify([className, kind, siteId])
}

/** Severity for the column of that name: that of the site's change. */
export function severityColumn({ change }: AlertMessage): string {
  return change === null ? 'warning' : severityOf(change)
}
