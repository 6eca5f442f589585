import type { z } from 'zod'
import { anomalies } from './anomalies.ts'
import { type AsOf, classStats, realtimeNdvi, type Serving, wholeWindows, windows } from './answers.ts'
import { BadParameterError } from './bad-parameter.ts'
import { batchClassStats, batchDays, batchSeparability, batchStatistics } from './batch-answers.ts'
import { classes } from './classes.ts'
import { DecisionRow, DecisionsQuery, MuteRow, MutesQuery } from './decision-schemas.ts'
import { incidentDecisions, mutes } from './decisions.ts'
import { health } from './health.ts'
import { IncidentRow, IncidentsQuery } from './incident-schemas.ts'
import { incidents } from './incidents.ts'
import { observations } from './observations.ts'
import { quarantine } from './quarantine.ts'
import {
  AnomaliesQuery,
  AnomalyRow,
  BatchDayRow,
  BatchDaysQuery,
  BatchStatisticsRow,
  ClassRow,
  ClassStatsRow,
  Health,
  NoQuery,
  QuarantineQuery,
  QuarantineRow,
  SeparabilityQuery,
  SeparabilityRow,
  WindowRow,
  WindowsQuery,
} from './schemas.ts'
import { siteNormal } from './site-normals.ts'
import {
  ObservationRow,
  ObservationsQuery,
  SiteCollection,
  SiteFeature,
  SiteNormalQuery,
  SiteNormalRow,
  SiteQuery,
  SiteStateRow,
  SiteStatesQuery,
  SitesQuery,
} from './site-schemas.ts'
import { siteStates } from './site-states.ts'
import { siteById, sites } from './sites.ts'

/** Result of an endpoint. */
export interface Found {
  /** Rows of a table, or the document. */
  body: unknown
  /** Parameters of the next page, if there is one. */
  next?: Record<string, string> | null
  /** State of the data, for endpoints that report it. */
  asOf?: AsOf
  /** Range of time that the answer covers, for endpoints whose request names one: see RANGE_HEADER. */
  range?: string
}

/** Endpoint for GET. The router, the check of parameters, the OpenAPI document and its page are all made from it. */
export interface Endpoint {
  /** Path; one part may be a parameter: `/api/sites/{id}`. */
  path: string
  summary: string
  /** Schema of the parameters, which are text. */
  query: z.ZodObject
  /** Schema of a table row, which can also be CSV, or of a document. */
  schema: z.ZodObject
  isTable: boolean
  /** True when the answer reports the state of its data. */
  tellsAsOf: boolean
  /** True when the answer reports the range that it covers, which may be shorter than the one that was requested. */
  tellsRange: boolean
  /** True when the last good answer, marked as old, may be given while there is no newer one. */
  mayBeOld: boolean
  /**
   * Parameters as they are answered. Requests with equal ones get equal answers, however they spell them.
   *
   * @param query parameters as text, with those that the path names
   * @throws BadParameterError
   */
  question(query: Record<string, string>): unknown
  /** @param question what `question` returned */
  answer(serving: Serving, question: unknown): Promise<Found>
}

function table<Query extends z.ZodObject>(endpoint: {
  path: string
  summary: string
  query: Query
  row: z.ZodObject
  tellsAsOf?: boolean
  tellsRange?: boolean
  /** Changes parameters to those that have the same answer, so that fewer of them differ. */
  rounded?(query: z.infer<Query>): z.infer<Query>
  rows(serving: Serving, query: z.infer<Query>): Promise<Found | unknown[]>
}): Endpoint {
  const { path, summary, query, row, tellsAsOf = false, tellsRange = false, rounded, rows } = endpoint
  return {
    ...{ path, summary, query, schema: row, isTable: true, tellsAsOf, tellsRange, mayBeOld: true },
    question(text) {
      const parsed = parse(query, text)
      return rounded ? rounded(parsed) : parsed
    },
    async answer(serving, question) {
      const found = await rows(serving, question as z.infer<Query>)
      return Array.isArray(found) ? { body: found } : found
    },
  }
}

function document<Query extends z.ZodObject>(endpoint: {
  path: string
  summary: string
  query: Query
  schema: z.ZodObject
  found(serving: Serving, query: z.infer<Query>): Promise<Found>
}): Endpoint {
  const { path, summary, query, schema, found } = endpoint
  const told = { isTable: false, tellsAsOf: false, tellsRange: false, mayBeOld: false }
  return {
    ...{ path, summary, query, schema, ...told },
    question: text => parse(query, text),
    answer: (serving, question) => found(serving, question as z.infer<Query>),
  }
}

function parse<Query extends z.ZodObject>(query: Query, text: Record<string, string>): z.infer<Query> {
  const { data, error } = query.safeParse(text)
  if (!error) return data
  const said = error.issues.flatMap(issue =>
    issue.code === 'unrecognized_keys'
      ? issue.keys.map(key => `${key}: there is no such parameter`)
      : [`${issue.path.join('.')}: ${issue.message}`],
  )
  throw new BadParameterError(said.join('; '))
}

export const ENDPOINTS: readonly Endpoint[] = [
  table({
    path: '/api/realtime/ndvi',
    summary:
      'The newest windows of ten minutes of every class, newest first: six of each, or fewer of more than 2,000 classes. Of images that come days late, those of the day before the newest image',
    query: NoQuery,
    row: WindowRow,
    rows: realtimeNdvi,
  }),
  table({
    path: '/api/windows',
    summary: 'A time series by windows of ten minutes, hours or days, oldest first; a week back or more, by days',
    query: WindowsQuery,
    row: WindowRow,
    tellsRange: true,
    rounded: wholeWindows,
    async rows(serving, query) {
      const { rows, range } = await windows(serving, query)
      return { body: rows, range }
    },
  }),
  table({
    path: '/api/anomalies',
    summary: 'Unusual images with their score, newest first; further pages by the Link header',
    query: AnomaliesQuery,
    row: AnomalyRow,
    tellsRange: true,
    async rows(serving, query) {
      const { rows, next, range } = await anomalies(serving, query)
      return { body: rows, next, range }
    },
  }),
  table({
    path: '/api/class-stats',
    summary: 'Every class over all time, up to the second: the batch view and newer arrivals',
    query: NoQuery,
    row: ClassStatsRow,
    tellsAsOf: true,
    async rows(serving) {
      const { rows, asOf } = await classStats(serving)
      return { body: rows, asOf }
    },
  }),
  table({
    path: '/api/batch/class-stats',
    summary: 'Every class over all time, as of the last batch view',
    query: NoQuery,
    row: ClassStatsRow,
    rows: batchClassStats,
  }),
  table({
    path: '/api/batch/statistics',
    summary: 'Quantiles, trend, and correlation of bands with NDVI, by class, as of the last batch view',
    query: NoQuery,
    row: BatchStatisticsRow,
    rows: batchStatistics,
  }),
  table({
    path: '/api/batch/separability',
    summary: 'Separability of each pair of classes, or of one class with all others, as of the last batch view',
    query: SeparabilityQuery,
    row: SeparabilityRow,
    rows: batchSeparability,
  }),
  table({
    path: '/api/batch/days',
    summary: 'Every class by the day of its images, as of the last batch view',
    query: BatchDaysQuery,
    row: BatchDayRow,
    tellsRange: true,
    async rows(serving, query) {
      const { rows, range } = await batchDays(serving, query)
      return { body: rows, range }
    },
  }),
  table({
    path: '/api/classes',
    summary: 'The classes: the time from which each is known, and its number of images over all time',
    query: NoQuery,
    row: ClassRow,
    rows: classes,
  }),
  table({
    path: '/api/incidents',
    summary: 'Changes at sites that lasted, newest first, as of the last batch view',
    query: IncidentsQuery,
    row: IncidentRow,
    rows: incidents,
  }),
  table({
    path: '/api/incidents/{id}/decisions',
    summary: 'Decisions of people about an incident, oldest first',
    query: DecisionsQuery,
    row: DecisionRow,
    rows: incidentDecisions,
  }),
  table({
    path: '/api/mutes',
    summary: 'Mutes, newest first. Nobody is told of incidents in their scope',
    query: MutesQuery,
    row: MuteRow,
    rows: mutes,
  }),
  document({
    path: '/api/sites',
    summary: 'The stored sites as GeoJSON, by place and class; further pages by the Link header',
    query: SitesQuery,
    schema: SiteCollection,
    found: sites,
  }),
  document({
    path: '/api/sites/{id}',
    summary: 'A stored site as a GeoJSON feature',
    query: SiteQuery,
    schema: SiteFeature,
    found: async (serving, query) => ({ body: await siteById(serving, query) }),
  }),
  table({
    path: '/api/sites/{id}/observations',
    summary: 'The observations of a site over time, as of the last batch view',
    query: ObservationsQuery,
    row: ObservationRow,
    rows: observations,
  }),
  table({
    path: '/api/sites/{id}/normal',
    summary: 'The NDVI that is normal at a site by the time of the year, as of the last batch view',
    query: SiteNormalQuery,
    row: SiteNormalRow,
    rows: siteNormal,
  }),
  table({
    path: '/api/site-states',
    summary: 'All sites with their place and state, for a map, in order of their ids; further pages by the Link header',
    query: SiteStatesQuery,
    row: SiteStateRow,
    async rows(serving, query) {
      const { rows, next } = await siteStates(serving, query)
      return { body: rows, next }
    },
  }),
  table({
    path: '/api/quarantine',
    summary: 'Records and lines of records that were refused, newest first; further pages by the Link header',
    query: QuarantineQuery,
    row: QuarantineRow,
    async rows(serving, query) {
      const { rows, next } = await quarantine(serving, query)
      return { body: rows, next }
    },
  }),
  document({
    path: '/api/health',
    summary: 'How fresh and how complete the answers are',
    query: NoQuery,
    schema: Health,
    found: async serving => ({ body: await health(serving) }),
  }),
]

const BY_PATH: ReadonlyMap<string, Endpoint> = new Map(ENDPOINTS.map(endpoint => [endpoint.path, endpoint]))
/** Endpoints with a parameter in their path, with what is before and behind it, the longest first. */
const WITH_NAME = ENDPOINTS.flatMap(endpoint => {
  const [, start, name, end] = /^(.*)\{(\w+)\}(.*)$/.exec(endpoint.path) ?? []
  return start === undefined || name === undefined || end === undefined ? [] : [{ endpoint, start, name, end }]
}).sort((a, b) => b.end.length - a.end.length)

/** Finds the endpoint of a path, with the parameters that the path has. */
export function endpointOf(path: string): { endpoint: Endpoint; named: Record<string, string> } | undefined {
  const found = WITH_NAME.find(
    ({ start, end }) => path.startsWith(start) && path.endsWith(end) && path.length > start.length + end.length,
  )
  if (found) {
    const { endpoint, name, start, end } = found
    return { endpoint, named: { [name]: path.slice(start.length, path.length - end.length) } }
  }
  const endpoint = BY_PATH.get(path)
  return endpoint && { endpoint, named: {} }
}
