import type { SystemHealth } from '../answers.ts'
import type { Questions } from '../api.ts'
import { type Choice, RANGES } from './choice.ts'

/** The API gives no more alerts in one answer. */
export const MOST_ALERTS = 1_000
/** What is told by the hour or the day moves too little to be asked for in every round. */
const SLOW_MS = 30_000

/** What to ask the API for what was chosen. Pages that show the same ask the same, so that a cache can answer them all. */
export function questionsOf(
  choice: Choice,
  alertLimit: number,
  health: SystemHealth | undefined,
  nowMs: number,
): Questions {
  const view = String(health?.batch.publishedMs)
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

/** Where the data of each part of the page can be had as CSV. */
export function exportUrls(
  questions: Questions,
  { focus }: Choice,
): Record<'now' | 'trend' | 'alerts' | 'history', string> {
  const csv = ({ url }: { url: string }, more: Record<string, string> = {}) => {
    const [path, query] = url.split('?')
    const parameters = new URLSearchParams(query)
    for (const [name, value] of Object.entries({ ...more, format: 'csv' })) parameters.set(name, value)
    return `${path}?${parameters}`
  }
  return {
    now: csv(questions.windows),
    trend: csv(questions.series, focus ? { class: focus } : {}),
    alerts: csv(questions.alerts, { limit: String(MOST_ALERTS) }),
    history: csv(questions.joined),
  }
}
