import type { ObservationRow, SiteNormalRow } from '../../functions/serving/site-schemas.ts'
import type { Incident } from '../answers.ts'
import { type Limits, roundLimits, type Scale } from './axis.ts'
import { classLabel } from './classes.ts'
import { type Clock, formatCount, formatDifference, formatFixed, formatNdvi, plural, UNKNOWN } from './format.ts'
import { DAY_MS } from './time.ts'

/** Answers about one site. */
export type SiteAnswers = {
  observations: readonly ObservationRow[]
  normal: readonly SiteNormalRow[]
  incidents: readonly Incident[]
}

/** Period of the chart, years; null for all. */
export type SiteYears = 1 | 3 | null

/** Observation as the charts and the table show it. */
export type SitePoint = {
  ms: number
  ndvi: number
  /** False for clouds, snow or too little; null while that is not known. */
  isClear: boolean | null
  /** Clear, and two standard deviations or more from normal. */
  isUnusual: boolean
  difference: number | null
  row: ObservationRow
}

/** Band of what is normal at a time: within it 19 of 20 clear images are. */
export type BandPoint = { x: number; normal: number; low: number; high: number }

/** Span of an incident in the chart. */
export type IncidentSpan = { fromMs: number; toMs: number; isOpen: boolean }

/** Line of one year, by the day of the year. */
export type YearLine = { year: number; points: { x: number; y: number; ms: number }[] }

/** View of a site. */
export type SiteView = {
  className: string
  /** All classes of which the site has images. */
  classes: string[]
  state: 'open' | 'learning' | 'normal' | 'empty'
  /** State in one sentence. */
  sentence: string
  x: Limits
  y: Scale
  points: SitePoint[]
  band: BandPoint[]
  spans: IncidentSpan[]
  years: YearLine[]
  yearBand: BandPoint[]
  yearY: Scale
  /** Charts in words. */
  description: string
  yearDescription: string
  note: string
}

const UNUSUAL_SD = 2
const BIN_MS = 5 * DAY_MS
/** Mean year of the API's days of the year. */
const YEAR_MS = 365.2425 * DAY_MS

/** View of a site's observations of one class; of the class with the newest one when none is chosen. */
export function siteView(
  { observations, normal, incidents }: SiteAnswers,
  chosenClass: string | null,
  years: SiteYears,
  clock: Clock,
  nowMs: number,
): SiteView {
  const classes = [...new Set(observations.map(row => row.class_name))].sort()
  const className =
    chosenClass !== null && classes.includes(chosenClass)
      ? chosenClass
      : (observations.at(-1)?.class_name ?? normal[0]?.class_name ?? '')
  const all = observations.filter(row => row.class_name === className).map(pointOf)
  const rows = normal.filter(row => row.class_name === className)
  const ofClass = incidents.filter(each => each.class_name === className)
  const lastMs = all.at(-1)?.ms ?? nowMs
  const firstMs = years === null ? (all[0]?.ms ?? lastMs - YEAR_MS) : lastMs - years * YEAR_MS
  const points = all.filter(point => point.ms >= firstMs)
  const band = bandOf(rows, Math.max(firstMs, Date.parse(rows[0]?.since ?? '') || 0), lastMs)
  const year = new Date(lastMs).getUTCFullYear()
  const yearBand = bandOf(rows, 0, YEAR_MS - 1)
  const lines = yearLines(all)
  return {
    ...{ className, classes, points, band, yearBand, years: lines },
    ...stateOf(all, rows, ofClass, clock, nowMs),
    x: { min: firstMs, max: lastMs },
    y: limitsOf(
      points.map(point => point.ndvi),
      band,
    ),
    spans: ofClass.flatMap(({ firstMs: fromMs, closedMs }) =>
      (closedMs ?? lastMs) < firstMs ? [] : [{ fromMs, toMs: closedMs ?? lastMs, isOpen: closedMs === null }],
    ),
    yearY: limitsOf(
      lines.flatMap(line => line.points.map(point => point.y)),
      yearBand,
    ),
    note: noteOf(points, clock, nowMs),
    description: describe(points),
    yearDescription: `Line chart of the NDVI of clear images by day of the year: ${year} over ${plural(Math.max(0, lines.length - 1), 'former year')}, with the band of what is normal.`,
  }
}

function pointOf(row: ObservationRow): SitePoint {
  const { ndvi_mean: ndvi, ndvi_normal: normal, ndvi_normal_stddev: sd } = row
  const difference = normal === null ? null : ndvi - normal
  const isUnusual =
    row.is_clear === true && difference !== null && sd !== null && Math.abs(difference) >= UNUSUAL_SD * sd
  return { ms: Date.parse(row.timestamp), ndvi, isClear: row.is_clear, isUnusual, difference, row }
}

/** Band over a period, in steps of five days; empty while the site learns. */
function bandOf(rows: readonly SiteNormalRow[], fromMs: number, toMs: number): BandPoint[] {
  const bins = new Map(rows.map(row => [Math.floor((row.day_of_year - 1) / 5), row]))
  const band: BandPoint[] = []
  for (let ms = Math.floor(fromMs / BIN_MS) * BIN_MS; bins.size > 0 && ms <= toMs + BIN_MS; ms += BIN_MS) {
    const inYear = ((ms % YEAR_MS) + YEAR_MS) % YEAR_MS
    const row = bins.get(Math.min(72, Math.floor(inYear / BIN_MS)))
    if (!row) continue
    const half = UNUSUAL_SD * (row.ndvi_normal_stddev ?? 0)
    band.push({ x: ms, normal: row.ndvi_normal, low: row.ndvi_normal - half, high: row.ndvi_normal + half })
  }
  return band
}

function limitsOf(values: readonly number[], band: readonly BandPoint[]): Scale {
  return roundLimits([...values, ...band.flatMap(({ low, high }) => [low, high])], [], 0.2)
}

/** Lines of the years, the newest last. Images that are not clear are left out. */
function yearLines(points: readonly SitePoint[]): YearLine[] {
  const byYear = Map.groupBy(
    points.filter(point => point.isClear !== false),
    point => new Date(point.ms).getUTCFullYear(),
  )
  return [...byYear]
    .map(([year, ofYear]) => ({
      year,
      points: ofYear.map(({ ms, ndvi }) => ({ x: ms - Date.UTC(year, 0, 1), y: ndvi, ms })),
    }))
    .sort((a, b) => a.year - b.year)
}

function stateOf(
  points: readonly SitePoint[],
  rows: readonly SiteNormalRow[],
  incidents: readonly Incident[],
  clock: Clock,
  nowMs: number,
): Pick<SiteView, 'state' | 'sentence'> {
  if (points.length === 0) {
    return { state: 'empty', sentence: 'The site is known, but the last batch run has counted no image of it.' }
  }
  const open = incidents.find(each => each.closedMs === null)
  if (open) {
    const change = open.ndvi_change === null ? 'changed' : `${formatDifference(open.ndvi_change, 2)} NDVI from normal`
    return { state: 'open', sentence: `Open incident: ${change} since ${clock.utcDay(open.firstMs, nowMs)}.` }
  }
  if (rows.length === 0 || rows[0]?.is_learning) {
    return {
      state: 'learning',
      sentence: 'Still learning what is normal: this takes 12 clear images over 11 months.',
    }
  }
  const last = points.findLast(point => point.isClear && point.difference !== null)
  const where = last ? ` The last clear image is ${formatDifference(last.difference, 2)} from normal.` : ''
  return { state: 'normal', sentence: `No open incident.${where}` }
}

function noteOf(points: readonly SitePoint[], clock: Clock, nowMs: number): string {
  const [first, last] = [points[0], points.at(-1)]
  if (!first || !last) return ''
  const cloudy = points.filter(point => point.isClear === false).length
  const clouds = cloudy > 0 ? `, ${formatCount(cloudy)} not clear` : ''
  return `${plural(points.length, 'image')}${clouds}, ${clock.utcDay(first.ms, nowMs)} to ${clock.utcDay(last.ms, nowMs)}`
}

function describe(points: readonly SitePoint[]): string {
  const clear = points.filter(point => point.isClear !== false)
  const [first, last] = [clear[0], clear.at(-1)]
  const values = first && last ? `: from ${formatNdvi(first.ndvi)} to ${formatNdvi(last.ndvi)}` : ''
  const unusual = points.filter(point => point.isUnusual).length
  return `Chart of the NDVI of ${plural(points.length, 'image')} over time${values}. ${plural(unusual, 'clear image')} outside of the band of what is normal. The table below has all values.`
}

/** Row of the table of observations. */
export type ObservationItem = {
  key: string
  time: string
  timeTitle: string
  ndvi: string
  normal: string
  difference: string
  sky: string
  isUnusual: boolean
  isClear: boolean
  imageId: string
  sceneId: string
  texture: string
}

/** Rows of the table, the newest first. */
export function observationItems(points: readonly SitePoint[], clock: Clock, nowMs: number): ObservationItem[] {
  return points.toReversed().map(({ ms, ndvi, isClear, isUnusual, difference, row }) => ({
    key: `${row.image_id} ${ms}`,
    time: clock.utcDay(ms, nowMs),
    timeTitle: row.timestamp,
    ndvi: formatNdvi(ndvi),
    normal: formatNdvi(row.ndvi_normal),
    difference: formatDifference(difference),
    sky: skyOf(row),
    ...{ isUnusual, isClear: isClear !== false },
    imageId: row.image_id,
    sceneId: row.scene_id ?? UNKNOWN,
    texture: textureOf(row),
  }))
}

function skyOf({ is_clear, cloud_fraction }: ObservationRow): string {
  const clouds = cloud_fraction === null ? '' : `, ${Math.round(cloud_fraction * 100)}% clouds`
  return is_clear === null ? `not known${clouds}` : `${is_clear ? 'clear' : 'not clear'}${clouds}`
}

function textureOf({ texture_contrast: contrast, texture_entropy: entropy }: ObservationRow): string {
  if (contrast === null && entropy === null) return UNKNOWN
  return `${formatFixed(contrast, 1)} / ${formatFixed(entropy, 2)}`
}

/** Heading of a site's page. */
export const siteTitle = (siteId: string, className: string): string =>
  className === '' ? siteId : `${siteId}, ${classLabel(className)}`
