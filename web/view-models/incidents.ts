import type { Incident } from '../answers.ts'
import { handledText } from './decisions.ts'
import { type Clock, formatCount, formatDifference, formatScore, plural } from './format.ts'
import type { Phrase } from './headline.ts'
import { siteHref } from './route.ts'

/** Incident, as its row shows it. */
export type IncidentItem = {
  key: string
  state: string
  isOpen: boolean
  severity: Incident['severity']
  /** Severity in words. */
  size: string
  /** Site and class, or the number of sites of a class. */
  place: string
  /** Address of the site's page; null for an incident of a class. */
  siteHref: string | null
  className: string
  change: string
  score: string
  since: string
  /** Time as ISO 8601, UTC. */
  sinceTitle: string
  until: string
  /** Decisions of people; empty while there are none. */
  handled: string
  /** True when the reader can decide about it. */
  canDecide: boolean
}

/** View of the incidents. */
export type IncidentsView = { note: string; items: IncidentItem[] }

/** Number of incidents that the page shows. */
const SHOWN = 20

const STATES: Record<Incident['state'], string> = {
  confirmed: 'Open',
  recovered: 'Recovered',
  accepted: 'New normal',
}

const SIZES: Record<Incident['severity'], string> = {
  error: 'large change',
  warning: 'medium change',
  info: 'small change',
}

function sizeOf({ kind, cause, severity }: Incident): string {
  if (kind === 'no-clear-look') return 'no clear images'
  if (kind === 'many-sites') return cause === 'producer' ? 'made by the producer' : 'many sites'
  return SIZES[severity]
}

/** Site, number of sites, or the whole class: its images may have no sites. */
function placeOf({ site_id, sites }: Incident): string {
  return site_id ?? (sites > 0 ? plural(sites, 'site') : 'whole class')
}

/** Incidents that are told of: sites that are part of an incident of their class are told of with it. */
function told(incidents: readonly Incident[]): Incident[] {
  return incidents.filter(({ part_of }) => part_of === null)
}

/**
 * View of the incidents, open ones first; null when there is none.
 *
 * @param takesDecisions the system takes decisions of readers
 * @param showsParts shows sites that are part of an incident of their class, too
 */
export function incidentsView(
  incidents: readonly Incident[] | undefined,
  clock: Clock,
  nowMs: number,
  takesDecisions = false,
  showsParts = false,
): IncidentsView | null {
  const rows = showsParts ? (incidents ?? []) : told(incidents ?? [])
  if (rows.length === 0) return null
  const open = rows.filter(isOpen)
  const shown = [...open, ...rows.filter(row => !isOpen(row))].slice(0, SHOWN)
  const hidden = rows.length - shown.length
  return {
    note: `${open.length === 0 ? 'none open' : `${formatCount(open.length)} open`}${hidden > 0 ? `, ${plural(hidden, 'older one')} not shown` : ''}`,
    items: shown.map(row => ({
      key: row.id,
      state: STATES[row.state],
      isOpen: isOpen(row),
      severity: row.severity,
      size: sizeOf(row),
      place: placeOf(row),
      siteHref: row.site_id === null ? null : siteHref(row.site_id),
      className: row.class_name,
      change: row.ndvi_change === null ? '' : formatDifference(row.ndvi_change),
      score: row.score === null ? '' : formatScore(row.score),
      since: clock.utcDay(row.firstMs, nowMs),
      sinceTitle: new Date(row.firstMs).toISOString(),
      until: row.closedMs === null ? '' : clock.utcDay(row.closedMs, nowMs),
      handled: handledText(row, clock, nowMs),
      canDecide: takesDecisions && isOpen(row),
    })),
  }
}

/** Headline of the open incidents, in one sentence; null when none is open. */
export function incidentHeadline(
  incidents: readonly Incident[] | undefined,
  clock: Clock,
  nowMs: number,
): Phrase[] | null {
  const open = told(incidents ?? []).filter(isOpen)
  const [first] = open
  if (!first) return null
  const { kind, cause, site_id, sites, class_name, ndvi_change, firstMs } = first
  const where = site_id ?? (sites > 0 ? `${plural(sites, 'site')} of ${class_name}` : class_name)
  const change =
    kind === 'no-clear-look'
      ? ' has had hardly any clear image'
      : cause === 'producer'
        ? ' changed together, as if their images were made in another way,'
        : ndvi_change === null
          ? sites > 0
            ? ' changed together'
            : ' is far below normal'
          : ` is ${Math.abs(ndvi_change).toFixed(2)} NDVI ${ndvi_change < 0 ? 'below' : 'above'} normal`
  return [
    { text: plural(open.length, 'open incident'), strong: true },
    { text: open.length === 1 ? ': ' : '. The newest: ', strong: false },
    { text: where, strong: true },
    { text: `${change} since ${clock.utcDay(firstMs, nowMs)}.`, strong: false },
  ]
}

function isOpen({ closedMs }: Incident): boolean {
  return closedMs === null
}
