import { randomNumbers } from '../../data/random.ts'
import type { AlertMessage } from '../core/incidents/messages.ts'
import type { Direction } from '../core/incidents/site-change.ts'
import type { JudgedLook } from '../core/looks/judge.ts'
import { DAY_MS } from '../core/time.ts'
import type { Labels } from './read-labels.ts'
import { isBad, type LookRead } from './read-looks.ts'

const YEAR_DAYS = 365.25
const DRAWS = 1_000

/** A share or rate with its 95% interval; null where nothing is counted, or sites are too few to draw from. */
export interface Measure {
  value: number | null
  interval: [number, number] | null
}

/** Result of comparing alerts with labels. */
export interface Measures {
  events: number
  found: number
  recall: Measure
  /** Share of windows as long as an event, at quiet sites, that hold an alert. */
  chance: number | null
  falseAlerts: number
  falsePer100Clear: Measure
  falsePerSiteYear: number | null
  /** False alerts that opened at a look at clouds, shadow or snow, per 100 such looks. */
  openedPer100Cloudy: number | null
  /** Days from when the event was known to others to its alert, median. */
  delayDays: number | null
  cloudRecognised: number | null
  clearLost: number | null
  clearLostInEvents: number | null
}

/** Period of a site in which nothing happened. */
interface Quiet {
  clear: number
  bad: number
  years: number
  firstMs: number
  lastMs: number
  alerts: number[]
  onBad: number
}

/** Options of the comparison, ms: alerts outside of the period are not judged. */
export interface Period {
  fromMs: number
  untilMs: number
  direction: Direction
  /** The time of a site before its first event counts as quiet, too. */
  isQuietBefore: boolean
}

/** Compares messages about sites with what happened there. */
export function measure(
  looks: readonly LookRead[],
  judged: readonly JudgedLook[],
  messages: readonly AlertMessage[],
  labels: Labels,
  period: Period,
): Measures {
  const alerts = Map.groupBy(
    messages.filter(({ siteId }) => siteId !== null),
    ({ siteId }) => siteId as string,
  )
  const events = labels.events.filter(({ direction }) => direction === period.direction)
  const foundAt = events.map(({ siteId, fromMs, untilMs }) => {
    const times = (alerts.get(siteId) ?? []).map(({ openedMs }) => openedMs)
    return times.find(ms => ms >= fromMs && ms < untilMs) ?? null
  })
  const quiet = quietPeriods(looks, alerts, labels, period)
  const sum = (of: (each: Quiet) => number) => quiet.reduce((total, each) => total + of(each), 0)
  const falseAlerts = sum(each => each.alerts.length)
  const found = foundAt.filter(ms => ms !== null).length
  const delays = foundAt.flatMap((ms, at) => (ms === null ? [] : [(ms - (events[at]?.knownMs as number)) / DAY_MS]))
  return {
    events: events.length,
    found,
    recall: {
      value: ratio(found, events.length),
      interval: drawn(events.length, at => at.filter(index => foundAt[index] !== null).length / at.length),
    },
    chance: chanceOf(quiet, events),
    falseAlerts,
    falsePer100Clear: {
      value: ratio(
        100 * falseAlerts,
        sum(each => each.clear),
      ),
      interval: drawn(quiet.length, at => {
        const of = at.map(index => quiet[index] as Quiet)
        return (
          (100 * of.reduce((total, each) => total + each.alerts.length, 0)) /
          Math.max(
            1,
            of.reduce((total, each) => total + each.clear, 0),
          )
        )
      }),
    },
    falsePerSiteYear: ratio(
      falseAlerts,
      sum(each => each.years),
    ),
    openedPer100Cloudy: ratio(
      100 * sum(each => each.onBad),
      sum(each => each.bad),
    ),
    delayDays: delays.toSorted((a, b) => a - b)[delays.length >> 1] ?? null,
    ...screening(looks, judged, labels),
  }
}

function ratio(part: number, whole: number): number | null {
  return whole === 0 ? null : part / whole
}

/**
 * 95% interval of a statistic of `count` sites or events, which are drawn with replacement. The draws are always the
 * same.
 */
function drawn(count: number, statistic: (drawn: number[]) => number): [number, number] | null {
  if (count < 2) return null
  const values = Array.from({ length: DRAWS }, (_, draw) => {
    const random = randomNumbers(1, 0, draw)
    return statistic(Array.from({ length: count }, () => Math.floor(random() * count)))
  }).sort((a, b) => a - b)
  return [values[Math.floor(0.025 * DRAWS)] as number, values[Math.ceil(0.975 * DRAWS) - 1] as number]
}

function quietPeriods(
  looks: readonly LookRead[],
  alerts: ReadonlyMap<string, readonly AlertMessage[]>,
  { events, stable }: Labels,
  { fromMs, untilMs, isQuietBefore }: Period,
): Quiet[] {
  const periods: Quiet[] = []
  for (const [siteId, ofSite] of Map.groupBy(looks, ({ look }) => look.siteId)) {
    if (siteId === null || !(stable.has(siteId) || isQuietBefore)) continue
    const firstEventMs = Math.min(...events.filter(event => event.siteId === siteId).map(event => event.fromMs))
    const endMs = Math.min(untilMs, firstEventMs)
    const within = ofSite.filter(({ look }) => look.eventMs >= fromMs && look.eventMs < endMs)
    if (within.length === 0) continue
    const firstMs = (within[0] as LookRead).look.eventMs
    const lastMs = Math.min(endMs, (ofSite.at(-1) as LookRead).look.eventMs)
    const bad = new Set(within.filter(({ quality }) => isBad(quality)).map(({ look }) => look.eventMs))
    const opened = (alerts.get(siteId) ?? []).map(({ openedMs }) => openedMs).filter(ms => ms >= fromMs && ms < endMs)
    periods.push({
      clear: within.filter(({ quality }) => quality === 'clear' || quality === 'unknown').length,
      bad: within.filter(({ quality }) => isBad(quality)).length,
      years: (lastMs - Math.max(fromMs, (ofSite[0] as LookRead).look.eventMs)) / DAY_MS / YEAR_DAYS,
      firstMs,
      lastMs,
      alerts: opened,
      onBad: opened.filter(ms => bad.has(ms)).length,
    })
  }
  return periods
}

function chanceOf(quiet: readonly Quiet[], events: Labels['events']): number | null {
  const lengths = events.map(({ fromMs, untilMs }) => untilMs - fromMs)
  const length = lengths.length === 0 ? 365 * DAY_MS : lengths.reduce((sum, each) => sum + each, 0) / lengths.length
  let windows = 0
  let struck = 0
  for (const { firstMs, lastMs, alerts } of quiet) {
    for (let ms = firstMs; ms + length <= lastMs; ms += length) {
      windows += 1
      if (alerts.some(each => each >= ms && each < ms + length)) struck += 1
    }
  }
  return ratio(struck, windows)
}

function screening(looks: readonly LookRead[], judged: readonly JudgedLook[], { events }: Labels) {
  const share = (isMeant: (read: LookRead) => boolean) => {
    const at = looks.flatMap((read, index) => (isMeant(read) ? [index] : []))
    return ratio(at.filter(index => judged[index]?.verdict === 'not-land').length, at.length)
  }
  const isIn = ({ siteId, eventMs }: { siteId: string | null; eventMs: number }) =>
    events.some(event => event.siteId === siteId && eventMs > event.knownMs && eventMs < event.untilMs)
  return {
    cloudRecognised: share(({ quality }) => quality === 'cloud'),
    clearLost: share(({ quality }) => quality === 'clear'),
    clearLostInEvents: share(({ quality, look }) => quality === 'clear' && isIn(look)),
  }
}
