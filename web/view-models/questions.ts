import type { SystemHealth } from '../answers.ts'
import type { Queries } from '../api.ts'
import { type Choice, RANGES } from './choice.ts'

/** Max number of unusual images in one answer of the API. */
export const MAX_UNUSUAL_IMAGES = 1_000
/** Number of refused records that the page shows. */
const SHOWN_REFUSED = 20
/** Number of incidents that the page asks for. Sites that are part of an incident of their class count, too. */
const ASKED_INCIDENTS = 500
/** Min time between two requests for hours or days, ms. They change too little for a request in every round. */
const SLOW_MS = 30_000

/** Queries for a choice. Pages with the same choice send the same URLs, so that one cached response serves all. */
export function queriesOf(
  choice: Choice,
  unusualImageLimit: number,
  health: SystemHealth | undefined,
  nowMs: number,
): Queries {
  const view = String(health?.batch.publishedMs)
  const refusedCount = health?.quarantine.count ?? 0
  return {
    windows: { url: '/api/realtime/ndvi' },
    series: {
      url: seriesUrl(choice, nowMs, health?.latestImageMs ?? null),
      ...(RANGES[choice.range].every !== '10m' && { state: String(Math.floor(nowMs / SLOW_MS)) }),
    },
    unusualImages: { url: unusualImagesUrl(choice, unusualImageLimit) },
    joined: { url: '/api/class-stats' },
    batch: { url: '/api/batch/class-stats', state: view },
    statistics: { url: '/api/batch/statistics', state: view },
    incidents: {
      url: `/api/incidents?limit=${ASKED_INCIDENTS}`,
      state: `${judgedState(health, nowMs)} ${health?.decisions?.count}`,
    },
    refused: {
      url: `/api/quarantine?limit=${SHOWN_REFUSED}`,
      state: String(refusedCount),
      skip: refusedCount === 0,
    },
    health: { url: '/api/health' },
  }
}

/** Time after a batch view within which its incidents, and what is normal, come, ms. Many looks take minutes to judge. */
const JUDGED_WITHIN_MS = 600_000

/** Version of the incidents and of what is normal. They come after their batch view, so it changes for some minutes. */
export function judgedState(health: SystemHealth | undefined, nowMs: number): string {
  const publishedMs = health?.batch.publishedMs ?? null
  const sinceMs = publishedMs === null ? JUDGED_WITHIN_MS : Math.min(nowMs - publishedMs, JUDGED_WITHIN_MS)
  return `${publishedMs} ${Math.floor(sinceMs / SLOW_MS)}`
}

/** URL of a series that ends now or, where images come hours or days after they were taken, with the newest image. */
function seriesUrl({ range }: Choice, nowMs: number, latestImageMs: number | null): string {
  const { spanMs, stepMs, every } = RANGES[range]
  const endMs = Math.floor((latestImageMs ?? nowMs) / stepMs) * stepMs + stepMs
  const parameters = new URLSearchParams({ every, from: new Date(endMs - spanMs).toISOString() })
  if (latestImageMs !== null) parameters.set('to', new Date(endMs).toISOString())
  return `/api/windows?${parameters}`
}

function unusualImagesUrl({ focus, rule, minScore }: Choice, limit: number): string {
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
): Record<'now' | 'trend' | 'incidents' | 'unusualImages' | 'history' | 'refused', string> {
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
    unusualImages: csv(queries.unusualImages, { limit: String(MAX_UNUSUAL_IMAGES) }),
    history: csv(queries.joined),
    refused: csv(queries.refused, { limit: '100' }),
  }
}
