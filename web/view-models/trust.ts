import type { Health } from '../../functions/serving/schemas.ts'
import { type Clock, formatAge, formatCount, formatDuration, plural, UNKNOWN } from './format.ts'

export type TrustCard = {
  id: 'fresh' | 'lag' | 'batch' | 'quarantine'
  value: string
  detail: string
  title: string
  tone: 'calm' | 'attention'
}

export type TrustLane = { lane: string; lastEvent: string; lastArrival: string; lag: string }

export type TrustView = {
  cards: TrustCard[]
  /** Why the system does not keep up, in its own words; none when it does. */
  reasons: readonly string[]
  lanes: TrustLane[]
  lanesSummary: string
}

/** How fresh and how complete the numbers are. `nowMs` is the server's now, so that a wrong local clock does no harm. */
export function trustView(health: Health, clock: Clock, nowMs: number): TrustView {
  const { speed, batch, quarantine } = health
  const lastArrival = newest(speed.lanes.map(lane => lane.last_arrival_at))
  const lastEvent = newest(speed.lanes.map(lane => lane.last_event_at))
  const cut = parse(batch.cut)
  const published = parse(batch.published_at)
  const rejected = quarantine.count
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
        detail:
          speed.lag_ms === null
            ? 'Not measured yet.'
            : speed.lag_ms === 0
              ? 'Everything that has arrived is in these numbers.'
              : 'Age of the oldest record that is not in these numbers yet.',
        title: '',
        tone: 'calm',
      },
      {
        id: 'batch',
        value: published === null ? 'None yet' : formatAge(nowMs - published),
        detail: batchDetail(batch, clock, nowMs),
        title: [cut !== null && `cut ${iso(cut)}`, published !== null && `published ${iso(published)}`]
          .filter(Boolean)
          .join(', '),
        tone: 'calm',
      },
      {
        id: 'quarantine',
        value: formatCount(quarantine.count),
        detail:
          rejected > 0
            ? 'Not understood, so not counted above. Kept with the reason.'
            : 'Every record could be understood.',
        title: '',
        tone: rejected > 0 ? 'attention' : 'calm',
      },
    ],
    reasons: health.reasons,
    lanes: speed.lanes.map(lane => {
      const event = parse(lane.last_event_at)
      const arrival = parse(lane.last_arrival_at)
      return {
        lane: lane.lane,
        lastEvent: event === null ? UNKNOWN : clock.second(event, nowMs),
        lastArrival: arrival === null ? UNKNOWN : formatAge(nowMs - arrival),
        lag: formatDuration(lane.lag_ms),
      }
    }),
    lanesSummary: plural(speed.lanes.length, 'lane'),
  }
}

function batchDetail({ cut, published_at, images, revision }: Health['batch'], clock: Clock, nowMs: number): string {
  const counted = images === null ? 'All images' : `All ${plural(images, 'image')}`
  const numbered = revision === null ? '' : ` (revision ${revision})`
  const cutMs = parse(cut)
  if (cutMs !== null)
    return `${counted} that arrived before ${clock.moment(cutMs, nowMs)}, recounted exactly${numbered}.`
  return published_at === null
    ? 'Everything here comes from the speed layer until the first view is published.'
    : `${counted} of the imported history, counted exactly${numbered}. What arrived since is in the speed layer.`
}

const parse = (time: string | null) => (time === null ? null : Date.parse(time))
const iso = (ms: number | null) => (ms === null ? '' : new Date(ms).toISOString())

function newest(times: readonly (string | null)[]): number | null {
  const known = times.flatMap(time => (time === null ? [] : [Date.parse(time)]))
  return known.length === 0 ? null : Math.max(...known)
}
