import type { Detection } from '../looks/detection.ts'
import { compareLooks } from '../looks/look.ts'
import { DAY_MS } from '../time.ts'
import { type BandChange, medianChange } from './cause.ts'
import { medianOf } from './median.ts'

/** Look at land with its score, as it is stored once: NDVI in millionths. */
export interface ScoredLook {
  imageId: string
  eventMs: number
  /** Distance from what was normal, and the standard deviation that it is compared with. */
  residual: number
  scale: number
  /** Time of the first look in the baseline that it was scored with. */
  baselineFromMs: number
  /** Change of its bands, by which a cause is told; null where it is not known. */
  bands: BandChange | null
}

/** Direction of a change of NDVI. */
export type Direction = 'drop' | 'rise'
/** Severity of an incident, by the size of its change. */
export type Severity = 'info' | 'warning' | 'error'

/** Incident: NDVI of a site has changed. Confirmed while it is open; then recovered, or accepted as the new normal. */
export interface SiteChange {
  direction: Direction
  state: 'confirmed' | 'recovered' | 'accepted'
  /** Time of the first unusual look, of the look that opened it, and of its end; null while it is open. */
  firstMs: number
  openedMs: number
  closedMs: number | null
  /** Median distance of its unusual looks from normal, NDVI in millionths above 0. */
  size: number
  /** Score of its furthest look, standard deviations: below 0 for a drop. */
  furthestZ: number
  /** Median change of the bands of the looks that opened it; null where it is not known. */
  bands: BandChange | null
}

/** Unusual looks at a site that are too few to be an incident. Shown, never sent. */
export interface Suspicion {
  firstMs: number
  looks: number
}

/** Drops from which a site change is a warning, and an error. NDVI in millionths. */
const WARNING_SIZE = 100_000
const ERROR_SIZE = 200_000

/** Computes the severity from the size of a change, in millionths of NDVI. */
export function severityOf({ size }: Pick<SiteChange, 'size'>): Severity {
  return size >= ERROR_SIZE ? 'error' : size >= WARNING_SIZE ? 'warning' : 'info'
}

/** State of a site and direction after some of its looks, in the order of event time. */
export interface SiteState {
  incidents: readonly SiteChange[]
  /** Looks that may open an incident: the last ones since the last incident ended. */
  recent: readonly ScoredLook[]
  /** Distances of the unusual looks of the open incident, and the normal looks in a row at its end. */
  distances: readonly number[]
  normalLooks: number
  /** Start of the last accepted change: looks that were scored with an older baseline do not count. */
  normalFromMs: number
}

export const NO_LOOKS: SiteState = {
  incidents: [],
  recent: [],
  distances: [],
  normalLooks: 0,
  normalFromMs: Number.NEGATIVE_INFINITY,
}

/** Computes the incidents of a site from its looks, which may come in any order. */
export function siteChanges(looks: Iterable<ScoredLook>, direction: Direction, detection: Detection): SiteState {
  return [...looks].sort(compareLooks).reduce((state, look) => afterLook(state, look, direction, detection), NO_LOOKS)
}

/** The incident that is open, if one is. */
export function openIncident({ incidents }: SiteState): SiteChange | undefined {
  const last = incidents.at(-1)
  return last?.closedMs === null ? last : undefined
}

/** Suspicion that may become an incident. Null while one is open, or when the last looks are normal. */
export function suspicionOf(state: SiteState, direction: Direction, detection: Detection): Suspicion | null {
  const unusual = state.recent.filter(look => isUnusual(look, direction, detection))
  return unusual[0] && !openIncident(state) ? { firstMs: unusual[0].eventMs, looks: unusual.length } : null
}

/** State after the next look. Looks must come in the order of `compareLooks`. */
export function afterLook(state: SiteState, look: ScoredLook, direction: Direction, detection: Detection): SiteState {
  const open = openIncident(state)
  if (open && look.eventMs - open.openedMs >= detection.acceptDays * DAY_MS) {
    const closedMs = open.openedMs + detection.acceptDays * DAY_MS
    const accepted = { ...NO_LOOKS, incidents: ended(state, 'accepted', closedMs), normalFromMs: open.firstMs }
    return afterLook(accepted, look, direction, detection)
  }
  if (look.baselineFromMs < state.normalFromMs) return state
  return open ? afterLookAt(open, state, look, direction, detection) : afterQuietLook(state, look, direction, detection)
}

function afterLookAt(
  open: SiteChange,
  state: SiteState,
  look: ScoredLook,
  direction: Direction,
  detection: Detection,
): SiteState {
  if (!isUnusual(look, direction, detection)) {
    const normalLooks = state.normalLooks + 1
    if (normalLooks < detection.closeLooks) return { ...state, normalLooks }
    return { ...NO_LOOKS, incidents: ended(state, 'recovered', look.eventMs), normalFromMs: state.normalFromMs }
  }
  const distances = [...state.distances, Math.abs(look.residual)]
  const changed = { ...open, size: medianOf(distances), furthestZ: furthest(open.furthestZ, zOf(look)) }
  return { ...state, incidents: [...state.incidents.slice(0, -1), changed], distances, normalLooks: 0 }
}

function afterQuietLook(state: SiteState, look: ScoredLook, direction: Direction, detection: Detection): SiteState {
  // After a gap of a year the season and the ground of older looks say nothing of this one.
  const fromMs = look.eventMs - detection.acceptDays * DAY_MS
  const recent = [...state.recent.filter(({ eventMs }) => eventMs > fromMs), look].slice(-detection.windowLooks)
  const unusual = recent.filter(each => isUnusual(each, direction, detection))
  const first = unusual[0]
  const isOpening =
    first !== undefined &&
    unusual.at(-1) === look &&
    unusual.length >= detection.openLooks &&
    look.eventMs - first.eventMs >= detection.openDays * DAY_MS
  if (!isOpening) return { ...state, recent }
  const distances = unusual.map(({ residual }) => Math.abs(residual))
  const opened: SiteChange = {
    direction,
    state: 'confirmed',
    firstMs: first.eventMs,
    openedMs: look.eventMs,
    closedMs: null,
    size: medianOf(distances),
    furthestZ: unusual.map(zOf).reduce(furthest),
    bands: medianChange(unusual.map(({ bands }) => bands)),
  }
  return { ...state, incidents: [...state.incidents, opened], recent: [], distances, normalLooks: 0 }
}

function ended(state: SiteState, as: 'recovered' | 'accepted', closedMs: number): SiteChange[] {
  return [...state.incidents.slice(0, -1), { ...(state.incidents.at(-1) as SiteChange), state: as, closedMs }]
}

/** Compares whole numbers: no rounding decides. */
function isUnusual({ residual, scale }: ScoredLook, direction: Direction, { unusualZ }: Detection): boolean {
  return (direction === 'drop' ? -residual : residual) >= unusualZ * scale
}

function zOf({ residual, scale }: ScoredLook): number {
  return residual / scale
}

function furthest(a: number, b: number): number {
  return Math.abs(b) > Math.abs(a) ? b : a
}
