import type { ViewChain } from '../batch/view-reader.ts'
import type { Cursor } from '../core/cursor.ts'
import { mostLatenessFrom } from '../core/lateness.ts'
import { formatTimestamp } from '../core/time.ts'
import { watermarkOf } from '../core/watermark.ts'
import { activityReasons } from './activity.ts'
import { countedUpTo, latestArrival, latestImage, type Serving } from './answers.ts'
import { healthReasons } from './health-reasons.ts'
import type { Health } from './schemas.ts'

const NO_VIEWS: Pick<ViewChain, 'view' | 'damages'> = { view: undefined, damages: [] }

/**
 * Answers how fresh and how complete the answers are.
 *
 * @throws Error when the speed store cannot be read
 */
export async function health(serving: Serving): Promise<Health> {
  const { store, views, slotMs, lateness, now, activity } = serving
  const cursors = await store.readCursors()
  const unreadable: string[] = []
  /** Returns the value of a component. When it cannot be read, returns another value and adds a reason. */
  const orElse = async <T>(part: string, read: Promise<T>, otherwise: T): Promise<T> => {
    try {
      return await read
    } catch (error) {
      unreadable.push(`${part} cannot be read: ${(error as Error).message}`)
      return otherwise
    }
  }
  const openLanes = await orElse('The list of lanes of the event log', serving.lanes(), undefined)
  const watermarkMs = openLanes ? watermarkOf(openLanes, cursors, now(), lateness) : null
  const positions = new Map(cursors.map(({ lane, lastPosition }) => [lane, lastPosition]))
  // The log may not return yet what it has acknowledged, for example records behind an open transaction.
  const acknowledgedLagMs = Math.max(
    0,
    ...(openLanes ?? []).map(({ name }) => activity.acknowledgedBehindMs(name, positions.get(name)) ?? 0),
  )
  const waiting = await orElse('The event log', Promise.all(cursors.map(serving.waiting)), [])
  const lanes = waiting.map(({ oldestMs }, index) => laneHealth(cursors[index] as Cursor, oldestMs, now()))
  const chain = await orElse<typeof NO_VIEWS>('The chain of batch views', views.chain(), NO_VIEWS)
  const lastRun = await orElse('The note on the last batch run', serving.lastRun(), undefined)
  const compaction = await orElse('The progress of compaction', serving.compaction(), undefined)
  await orElse('The class list', serving.readClasses(), undefined)
  await orElse('The list of sites', serving.sites(), undefined)
  const asked = serving.decidedElsewhere ? undefined : serving.decisions?.()
  const decided = await orElse('The list of decisions', asked ?? Promise.resolve(null), null)
  const unready = await store.unready()
  const { view } = chain
  const cut = countedUpTo(serving, view)
  const lagMs = lanes.length === 0 ? null : Math.max(...lanes.map(lane => lane.lag_ms), acknowledgedLagMs)
  const missed = view?.audit.missed ?? 0
  const withheld = waiting.flatMap(({ reason, oldestMs }) =>
    reason === null ? [] : [{ reason, waitsMs: oldestMs === null ? null : now() - oldestMs }],
  )
  const signs = {
    lagMs,
    withheld,
    cursors,
    nowMs: now(),
    cut,
    arrivedMs: latestArrival(cursors),
    slotMs,
    lastRun,
    compaction,
    missed,
    chain,
  }
  const active = activityReasons(activity, openLanes ?? [], cursors, now())
  // A failed batch run is also recorded in its status.
  const news = active.filter(reason => !lastRun?.error || !reason.endsWith(lastRun.error))
  const reasons = [...unready, ...unreadable, ...news, ...healthReasons(signs)]
  return {
    status: reasons.length > 0 ? 'degraded' : 'ok',
    reasons,
    checked_at: formatTimestamp(now()),
    watermark: timestampOrNull(watermarkMs),
    allowed_lateness_ms: mostLatenessFrom(lateness, now()),
    latest_image_at: timestampOrNull(latestImage(serving, cursors)),
    speed: { lag_ms: lagMs, lanes },
    batch: {
      cut: timestampOrNull(cut),
      revision: view?.revision ?? null,
      published_at: view?.publishedAt ?? null,
      images: view?.audit.images ?? null,
      missed,
      last_run_at: lastRun?.endedAt ?? null,
      last_run_error: lastRun?.error ?? null,
      lanes_behind: lastRun?.behind ?? [],
    },
    quarantine: { count: cursors.reduce((sum, { quarantined }) => sum + quarantined, 0) },
    decisions: decided && { count: decided.length },
  }
}

function laneHealth(cursor: Cursor, oldestMs: number | null, nowMs: number): Health['speed']['lanes'][number] {
  return {
    lane: cursor.lane,
    last_event_at: timestampOrNull(cursor.lastEventMs),
    last_arrival_at: timestampOrNull(cursor.lastArrivalMs),
    lag_ms: oldestMs === null ? 0 : Math.max(nowMs - oldestMs, 0),
    end_to_end_delay_ms: cursor.lastHeartbeatDelayMs,
    lost_records: cursor.lostRecords,
  }
}

function timestampOrNull(ms: number | null): string | null {
  return ms === null ? null : formatTimestamp(ms)
}
