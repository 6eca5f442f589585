import type { SystemHealth } from '../answers.ts'
import type { Queries } from '../api.ts'
import { type Choice, RANGES } from './choice.ts'

/** Max number of alerts in one answer of the API. */
export const MAX_ALERTS = 1_000
/** Number of refused records that the page shows. */
const SHOWN_REFUSED = 20
/** Number of incidents that the page asks for. Sites that are part of an incident of their class count, too. */
const ASKED_INCIDENTS = 500
/** Min time between two requests for hours or days, ms. They change too little for a request in every round. */
const SLOW_MS = 30_000

/** Queries for a choice. Pages with the same choice send the same URLs, so that one cached response serves all. */
export function queriesOf(
  choice: Choice,
  alertLimit: number,
  health: SystemHealth | undefined,
  nowMs: number,
): Queries {
  const view = String(health?.batch.publishedMs)
  const refusedCount = health?.quarantine.count ?? 0
  return {
    windows: { url: '/api/realtime/ndvi' },
    series: {
      url: seriesUrl(choice, nowMs),
      ...(RANGES[choice.range].every !== '10m' && { state: String(Math.floor(nowMs / SLOW_MS)) }),
    },
    alerts: { url: alertsUrl(choice, alertLimit) },
    joined: { url: '/api/class-stats' },
    batch: { url: '/api/batch/class-stats', state: view },
    statistics: { url: '/api/batch/statistics', state: view },
    incidents: { url: `/api/incidents?limit=${ASKED_INCIDENTS}`, state: view },
    refused: {
      url: `/api/quarantine?limit=${SHOWN_REFUSED}`,
      state: String(refusedCount),
      skip: refusedCount === 0,
    },
    health: { url: '/api/health' },
  }
}

function seriesUrl({ range }: Choice, nowMs: number): string {
  const { spanMs, stepMs, every } = RANGES[range]
  const fromMs = Math.floor(nowMs / stepMs) * stepMs + stepMs - spanMs
  return `/api/windows?${new URLSearchParams({ every, from: new Date(fromMs).toISOString() })}`
}

function alertsUrl({ focus, rule, minScore }: Choice, limit: number): string {
  const parameters = new URLSearchParams({ limit: String(limit) })
  if (focus) parameters.set('class', focus)
  if (rule) parameters.set('rule', rule)
  if (minScore) parameters.set('min_score', String(minScore))
  return `/api/anomalies?${parameters}`
}

/** URLs of the data of each card as CSV. */
export function exportUrls(
  queries: Queries,
  { focus }: Choice,
): Record<'now' | 'trend' | 'incidents' | 'alerts' | 'history' | 'refused', string> {
  const csv = ({ url }: { url: string }, more: Record<string, string> = {}) => {
    const [path, query] = url.split('?')
    const parameters = new URLSearchParams(query)
    for (const [name, value] of Object.entries({ ...more, format: 'csv' })) parameters.set(name, value)
    return `${path}?${parameters}`
  }
  return {
    now: csv(queries.windows),
    trend: csv(queries.series, focus ? { class: focus } : {}),
    incidents: csv(queries.incidents, { limit: '1000' }),
    alerts: csv(queries.alerts, { limit: String(MAX_ALERTS) }),
    history: csv(queries.joined),
    refused: csv(queries.refused, { limit: '100' }),
  }
}
