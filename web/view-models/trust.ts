import type { BatchHealth, SystemHealth } from '../answers.ts'
import { type Clock, formatAge, formatCount, formatDuration, plural, UNKNOWN } from './format.ts'

/** A number about the quality of the data, with an explanation. */
export type TrustCard = {
  id: 'fresh' | 'lag' | 'batch' | 'quarantine'
  value: string
  detail: string
  title: string
  tone: 'calm' | 'attention'
}

/** A row of the table of lanes. */
export type TrustLane = { lane: string; lastEvent: string; lastArrival: string; lag: string }

/** View of the health: how fresh and how complete the numbers are. */
export type TrustView = {
  cards: TrustCard[]
  /** The server's own reasons for a degraded health; empty when it is ok. */
  reasons: readonly string[]
  lanes: TrustLane[]
  lanesSummary: string
}

/**
 * View of how fresh and how complete the numbers are. `nowMs` is the server's time, so that a wrong local clock has no
 * effect.
 */
export function trustView(health: SystemHealth, clock: Clock, nowMs: number): TrustView {
  const { speed, batch, quarantine } = health
  const lastArrival = newest(speed.lanes.map(lane => lane.lastArrivalMs))
  const lastEvent = newest(speed.lanes.map(lane => lane.lastEventMs))
  const { cutMs, publishedMs } = batch
  const rejected = quarantine.count
  const lost = speed.lanes.reduce((sum, { lost_records }) => sum + lost_records, 0)
  return {
    cards: [
      {
        id: 'fresh',
        value: lastArrival === null ? UNKNOWN : formatAge(nowMs - lastArrival),
        detail:
          lastEvent === null
            ? 'No image has arrived yet.'
            : `The newest image was taken at ${clock.second(lastEvent, nowMs)}.`,
        title: iso(lastArrival),
        tone: 'calm',
      },
      {
        id: 'lag',
        value: formatDuration(speed.lag_ms),
        detail: lost > 0 ? lossDetail(lost) : lagDetail(speed.lag_ms, health.status),
        title: '',
        tone: lost > 0 ? 'attention' : 'calm',
      },
      {
        id: 'batch',
        value: publishedMs === null ? 'None yet' : formatAge(nowMs - publishedMs),
        detail: batchDetail(batch, clock, nowMs),
        title: [cutMs !== null && `cut ${iso(cutMs)}`, publishedMs !== null && `published ${iso(publishedMs)}`]
          .filter(Boolean)
          .join(', '),
        tone: 'calm',
      },
      {
        id: 'quarantine',
        value: formatCount(quarantine.count),
        detail:
          rejected > 0
            ? 'Records that could not be read. They are stored with the reason, and not counted on this page.'
            : 'All records could be read.',
        title: '',
        tone: rejected > 0 ? 'attention' : 'calm',
      },
    ],
    reasons: health.reasons,
    lanes: speed.lanes.map(({ lane, lastEventMs, lastArrivalMs, lag_ms }) => ({
      lane,
      lastEvent: lastEventMs === null ? UNKNOWN : clock.second(lastEventMs, nowMs),
      lastArrival: lastArrivalMs === null ? UNKNOWN : formatAge(nowMs - lastArrivalMs),
      lag: formatDuration(lag_ms),
    })),
    lanesSummary: plural(speed.lanes.length, 'lane'),
  }
}

function lagDetail(lagMs: number | null, status: SystemHealth['status']): string {
  if (lagMs === null) return 'Not measured yet.'
  if (lagMs > 0) return 'Age of the oldest record that is not counted yet.'
  return status === 'ok'
    ? 'All images that have arrived are counted on this page.'
    : 'No image is known to wait, but something is wrong: see the reasons.'
}

function lossDetail(lost: number): string {
  return `Up to ${plural(lost, 'record')} ${lost === 1 ? 'is' : 'are'} missing: the log removed them before they were counted.`
}

function batchDetail({ cutMs, publishedMs, images, revision }: BatchHealth, clock: Clock, nowMs: number): string {
  const counted = images === null ? 'All images' : `All ${plural(images, 'image')}`
  const numbered = revision === null ? '' : ` (revision ${revision})`
  if (cutMs !== null)
    return `${counted} that arrived before ${clock.moment(cutMs, nowMs)}, recounted exactly${numbered}.`
  return publishedMs === null
    ? 'Until the first view is published, all numbers come from the speed layer.'
    : `${counted} of the imported history, counted exactly${numbered}. Newer images are in the speed layer.`
}

const iso = (ms: number | null) => (ms === null ? '' : new Date(ms).toISOString())

function newest(times: readonly (number | null)[]): number | null {
  const known = times.filter(time => time !== null)
  return known.length === 0 ? null : Math.max(...known)
}
