import { z } from 'zod'
import type { Alert } from '../core/alert.ts'
import { fromMicro } from '../core/fixed-point.ts'
import { DAY_MS, dayOf, formatTimestamp } from '../core/time.ts'
import type { SpeedStore } from '../ports/speed-store.ts'
import type { AnomaliesQuery, AnomalyRow } from './schemas.ts'

export interface AnomaliesSource {
  store: Pick<SpeedStore, 'readCursors' | 'readAlerts'>
  classNames(): Promise<string[]>
}

/** Newest first; those of one time by image, then by class. What a page ends with says where the next begins. */
export interface AnomaliesPage {
  rows: AnomalyRow[]
  /** For the parameter `after` of the next page; null where this is the last. */
  next: string | null
}

/** How many days are searched, back from the end of the range. */
const SEARCHED_MS = 31 * DAY_MS
/** How many alerts of a class and day are read at a time. */
const READ_AT_ONCE = 100

const Place = z.tuple([z.int().min(0), z.string(), z.string()])
/** Time, image and class of an alert. */
type Place = z.infer<typeof Place>

/** @throws RangeError when `after` is not what a page ended with */
export async function anomalies(source: AnomaliesSource, query: AnomaliesQuery): Promise<AnomaliesPage> {
  const { store } = source
  const after = query.after === undefined ? undefined : placeOf(query.after)
  const newestMs = Math.max(...(await store.readCursors()).map(({ lastEventMs }) => lastEventMs ?? 0), 0)
  const untilMs = Math.min(query.to ?? Number.POSITIVE_INFINITY, newestMs + 1)
  const fromMs = Math.max(query.from ?? untilMs - SEARCHED_MS, untilMs - SEARCHED_MS, 0)
  const startMs = Math.min(untilMs - 1, after?.[0] ?? Number.POSITIVE_INFINITY)
  const known = await source.classNames()
  const classes = query.class === undefined ? known : known.filter(each => each === query.class)

  const found: Alert[] = []
  for (let dayMs = startOfDay(startMs); dayMs + DAY_MS > fromMs && dayMs >= 0; dayMs -= DAY_MS) {
    const upToMs = Math.min(startMs, dayMs + DAY_MS - 1)
    for await (const alert of newestFirst(classes.map(className => alertsOf(store, className, upToMs)))) {
      if (alert.eventMs < fromMs) break
      if (after && compare(placeOfAlert(alert), after) >= 0) continue
      if (query.rule !== undefined && alert.rule !== query.rule) continue
      if (query.min_score !== undefined && Math.abs(alert.score) < query.min_score) continue
      if (found.length === query.limit) return page(found, true)
      found.push(alert)
    }
  }
  return page(found, false)
}

function page(found: readonly Alert[], isMore: boolean): AnomaliesPage {
  const last = found.at(-1)
  return {
    rows: found.map(rowOf),
    next: isMore && last ? Buffer.from(JSON.stringify(placeOfAlert(last))).toString('base64url') : null,
  }
}

/** Alerts of a class on the day of a time, from that time back. */
async function* alertsOf(
  store: Pick<SpeedStore, 'readAlerts'>,
  className: string,
  upToMs: number,
): AsyncGenerator<Alert> {
  const day = dayOf(upToMs)
  let seen: Place | undefined
  for (let limit = READ_AT_ONCE; ; ) {
    const [nextMs] = seen ?? [upToMs]
    const read = await store.readAlerts({ className, day, upToMs: nextMs, limit })
    const fresh = read.filter(alert => !seen || compare(placeOfAlert(alert), seen) < 0)
    yield* fresh
    if (read.length < limit) return
    const last = fresh.at(-1)
    // All of one time, more than are read at once.
    if (last) seen = placeOfAlert(last)
    else limit *= 2
  }
}

/** Of several that are newest first, one that is. */
async function* newestFirst(streams: AsyncGenerator<Alert>[]): AsyncGenerator<Alert> {
  const heads = await Promise.all(streams.map(stream => stream.next()))
  for (;;) {
    let newest = -1
    for (const [index, head] of heads.entries()) {
      if (head.done) continue
      const best = heads[newest]
      if (!best || best.done || compare(placeOfAlert(head.value), placeOfAlert(best.value)) > 0) newest = index
    }
    const head = heads[newest]
    if (!head || head.done) return
    yield head.value
    heads[newest] = await (streams[newest] as AsyncGenerator<Alert>).next()
  }
}

function placeOfAlert({ eventMs, imageId, className }: Alert): Place {
  return [eventMs, imageId, className]
}

function compare(a: Place, b: Place): number {
  for (const [index, value] of a.entries()) {
    const other = b[index] as typeof value
    if (value !== other) return value < other ? -1 : 1
  }
  return 0
}

function placeOf(text: string): Place {
  try {
    return Place.parse(JSON.parse(Buffer.from(text, 'base64url').toString('utf8')))
  } catch {
    throw new RangeError('after: take it from the Link header of the page before')
  }
}

function startOfDay(ms: number): number {
  return Math.floor(ms / DAY_MS) * DAY_MS
}

function rowOf(alert: Alert): AnomalyRow {
  return {
    class_name: alert.className,
    image_id: alert.imageId,
    ndvi_mean: fromMicro(alert.ndviMean),
    ndvi_min: alert.ndviMin === null ? null : fromMicro(alert.ndviMin),
    ndvi_max: alert.ndviMax === null ? null : fromMicro(alert.ndviMax),
    timestamp: formatTimestamp(alert.eventMs),
    rule: alert.rule,
    score: alert.score,
    baseline_version: alert.baselineVersion,
  }
}
