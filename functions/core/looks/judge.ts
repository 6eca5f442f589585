import { afterClassLook, type ClassWatch, NO_DAYS } from '../incidents/class-days.ts'
import {
  afterLook,
  type Direction,
  NO_LOOKS,
  openIncident,
  type SiteChange,
  type SiteState,
} from '../incidents/site-change.ts'
import { DAY_MS } from '../time.ts'
import { type ClassBaseline, classBaselineOf } from './class-baseline.ts'
import {
  type ClassTotals,
  countClassLight,
  countClassNdvi,
  countClassVerdict,
  emptyClassTotals,
} from './class-totals.ts'
import type { Detection } from './detection.ts'
import type { Look } from './look.ts'
import { classScoreOf, isLearning, type Score, scoreOf } from './score.ts'
import { seasonMeanAt } from './season-sums.ts'
import { type SiteBaseline, siteBaselineOf } from './site-baseline.ts'
import { bandChangeOf, countSiteLook, emptySiteTotals, type SiteTotals } from './site-totals.ts'
import { type Verdict, verdictOf } from './verdict.ts'

/** Look with its verdict and score from the time when it arrived. */
export interface JudgedLook {
  look: Look
  verdict: Verdict
  /** Null for looks that are not land, and while its class or site learns. */
  z: number | null
}

/** Site with its incidents of one direction. */
export interface SiteHistory {
  className: string
  siteId: string
  /** Time from which the site was judged; null when it still learns. */
  judgedFromMs: number | null
  incidents: readonly SiteChange[]
}

/** Baselines at the end of the looks, with which the next look is compared. */
export interface Normals {
  classes: { className: string; baseline: ClassBaseline }[]
  /** The baseline of a site is null while it has too few looks. */
  sites: { className: string; siteId: string; baseline: SiteBaseline | null }[]
}

/** Class with its incidents: those that are not told from its sites. */
export type ClassHistory = Pick<ClassWatch, 'noClearLooks' | 'changes'> & { className: string }

interface ClassState {
  className: string
  totals: ClassTotals
  /** Made when it is first needed after totals changed. */
  baseline: ClassBaseline | null
  /** Time of the first look at land. */
  firstMs: number
  watch: ClassWatch
}

interface Site {
  className: string
  siteId: string
  ofClass: ClassState
  totals: SiteTotals
  /** Undefined until it is made. */
  baseline: SiteBaseline | null | undefined
  changes: Record<Direction, SiteState>
  judgedFromMs: number | null
  /** Time of the last look of each verdict that counted. */
  lastMs: Record<Verdict, number>
  /** Looks since the first unusual one of the open incident, which are old enough to count, but do not yet. */
  held: Look[]
}

interface Waiting {
  look: Look
  verdict: Verdict
  residual: number | null
  ofClass: ClassState
  site: Site | null
}

const DIRECTIONS = ['drop', 'rise'] as const

/** Time within which looks of a site are of one pass: tiles that overlap, or an image in two records. */
const PASS_MS = DAY_MS / 2

/**
 * Judges looks as at the time when they arrived: with baselines from looks of `minAgeDays` and older only, made again
 * every `renewalDays` of event time. Looks of an open incident wait: after a recovery they are left out of what is
 * normal, after an acceptance the site's normal begins with them. Of the looks of one pass over a site the first of
 * each verdict counts.
 *
 * @param looks in the order of `compareLooks`
 */
export function judgeHistory(
  looks: readonly Look[],
  renewalDays: number,
  detection: Detection,
): {
  judged: JudgedLook[]
  histories(direction: Direction): SiteHistory[]
  classes: ClassHistory[]
  normals(): Normals
} {
  const classes = new Map<string, ClassState>()
  const sites = new Map<string, Site>()
  const waiting: Waiting[] = []
  let [lit, entered] = [0, 0]
  let renewedMs = looks[0]?.eventMs ?? 0

  function renew(atMs: number): void {
    // Light changes with sensors, not with what happens on the ground: it counts at once.
    for (; lit < waiting.length; lit++) countLight(waiting[lit] as Waiting)
    for (; entered < waiting.length; entered++) {
      const each = waiting[entered] as Waiting
      if (each.look.eventMs > atMs - detection.minAgeDays * DAY_MS) break
      enter(each)
    }
    for (const site of sites.values()) {
      site.baseline = undefined
      const isOpen = (look: Look) => isOfOpen(site, look)
      for (const look of site.held) if (!isOpen(look)) countSiteLook(site.totals, look)
      site.held = site.held.filter(isOpen)
    }
  }

  const judged = looks.map((look): JudgedLook => {
    const periods = Math.floor((look.eventMs - renewedMs) / (renewalDays * DAY_MS))
    if (periods > 0) {
      renewedMs += periods * renewalDays * DAY_MS
      renew(renewedMs)
    }
    const ofClass = stateOf(classes, look.className, () => newClass(look.className))
    const { siteId } = look
    const site =
      siteId === null
        ? null
        : stateOf(sites, JSON.stringify([look.className, siteId]), () => newSite(look.className, siteId, ofClass))
    ofClass.baseline ??= classBaselineOf(ofClass.totals, detection)
    const verdict = verdictOf(look, ofClass.baseline.typical, detection)
    const score = verdict === 'land' && site ? scoreAtSite(site, look, ofClass.baseline, detection) : null
    if (site && isOfSamePass(site, look, verdict))
      return { look, verdict, z: score && zAtSite(site, look, score, detection) }
    judgeAtClass(ofClass, look, verdict, ofClass.baseline, detection)
    const z = site && score && judgeAtSite(site, look, score, detection)
    const isKnown = site?.baseline && site.baseline.looks >= detection.minResidualLooks
    waiting.push({ look, verdict, residual: score && isKnown ? score.residual : null, ofClass, site })
    return { look, verdict, z }
  })
  return {
    judged,
    classes: Array.from(classes.values(), ({ className, watch: { noClearLooks, changes } }) => {
      return { className, noClearLooks, changes }
    }),
    normals: () => normalsOf(classes, sites, detection),
    histories: direction =>
      Array.from(sites.values(), ({ className, siteId, judgedFromMs, changes }) => ({
        className,
        siteId,
        judgedFromMs,
        incidents: changes[direction].incidents,
      })),
  }
}

function normalsOf(
  classes: ReadonlyMap<string, ClassState>,
  sites: ReadonlyMap<string, Site>,
  detection: Detection,
): Normals {
  for (const each of classes.values()) each.baseline ??= classBaselineOf(each.totals, detection)
  return {
    classes: Array.from(classes.values(), ({ className, baseline }) => ({
      className,
      baseline: baseline as ClassBaseline,
    })),
    sites: Array.from(sites.values(), ({ className, siteId, ofClass, totals, baseline }) => ({
      className,
      siteId,
      baseline:
        baseline === undefined ? siteBaselineOf(totals, ofClass.baseline as ClassBaseline, detection) : baseline,
    })),
  }
}

function stateOf<State>(states: Map<string, State>, key: string, create: () => State): State {
  const found = states.get(key)
  if (found !== undefined) return found
  const created = create()
  states.set(key, created)
  return created
}

function newClass(className: string): ClassState {
  return {
    className,
    totals: emptyClassTotals(),
    baseline: null,
    firstMs: Number.POSITIVE_INFINITY,
    watch: NO_DAYS,
  }
}

function newSite(className: string, siteId: string, ofClass: ClassState): Site {
  const changes = { drop: NO_LOOKS, rise: NO_LOOKS }
  return {
    className,
    siteId,
    ofClass,
    totals: emptySiteTotals(),
    baseline: undefined,
    changes,
    judgedFromMs: null,
    lastMs: { land: Number.NEGATIVE_INFINITY, 'not-land': Number.NEGATIVE_INFINITY },
    held: [],
  }
}

function scoreAtSite(site: Site, look: Look, normal: ClassBaseline, detection: Detection): Score | null {
  if (site.baseline === undefined) site.baseline = siteBaselineOf(site.totals, normal, detection)
  return scoreOf(look, normal, site.baseline, detection)
}

/** Takes a look into the incidents of its class. */
function judgeAtClass(
  ofClass: ClassState,
  look: Look,
  verdict: Verdict,
  normal: ClassBaseline,
  detection: Detection,
): void {
  const isLand = verdict === 'land'
  if (isLand) ofClass.firstMs = Math.min(ofClass.firstMs, look.eventMs)
  const seasonShare = seasonMeanAt(ofClass.totals.land, look.eventMs, detection.minSeasonLooks)
  const score = isLand && look.siteId === null ? classScoreOf(look, normal, ofClass.firstMs, detection) : null
  ofClass.watch = afterClassLook(ofClass.watch, { eventMs: look.eventMs, isLand, seasonShare, score }, detection)
}

/** Tells whether a look repeats one of the same pass and verdict, which counted. Its site then leaves it out. */
function isOfSamePass(site: Site, { eventMs }: Look, verdict: Verdict): boolean {
  if (eventMs - site.lastMs[verdict] < PASS_MS) return true
  site.lastMs[verdict] = eventMs
  return false
}

/** Distance of a look from normal, standard deviations. Null while the site learns. */
function zAtSite({ baseline }: Site, { eventMs }: Look, { residual, scale }: Score, detection: Detection) {
  return !baseline || scale === null || isLearning(baseline, eventMs, detection) ? null : residual / scale
}

/** Takes a scored look into the site's incidents. Returns its z, or null while the site learns. */
function judgeAtSite(site: Site, look: Look, score: Score, detection: Detection): number | null {
  const z = zAtSite(site, look, score, detection)
  const { residual, scale } = score
  if (!site.baseline || scale === null || z === null) return null
  site.judgedFromMs ??= look.eventMs
  const { imageId, eventMs } = look
  const bands = bandChangeOf(site.totals, look)
  const scored = { imageId, eventMs, residual, scale, baselineFromMs: site.baseline.firstMs, bands }
  for (const direction of DIRECTIONS) {
    const before = site.changes[direction]
    const after = afterLook(before, scored, direction, detection)
    site.changes[direction] = after
    const ended = openIncident(before) && after.incidents[before.incidents.length - 1]
    if (ended?.state === 'accepted') beginAgain(site)
  }
  return z
}

/** The accepted change is the new normal: the looks since its start are the first of the new totals. */
function beginAgain(site: Site): void {
  site.totals = emptySiteTotals()
  for (const look of site.held) countSiteLook(site.totals, look)
  site.held = []
  site.baseline = undefined
}

function countLight({ look, ofClass }: Waiting): void {
  countClassLight(ofClass.totals, look)
  ofClass.baseline = null
}

/** Counts a look that is old enough. */
function enter({ look, verdict, residual, ofClass, site }: Waiting): void {
  ofClass.baseline = null
  countClassVerdict(ofClass.totals, look, verdict)
  if (verdict !== 'land') return
  countClassNdvi(ofClass.totals, look, residual)
  if (site === null) return
  if (isOfOpen(site, look)) site.held.push(look)
  else countSiteLook(site.totals, look)
}

function isOfOpen({ changes }: Site, { eventMs }: Look): boolean {
  return DIRECTIONS.some(direction => {
    const open = openIncident(changes[direction])
    return open !== undefined && eventMs >= open.firstMs
  })
}
