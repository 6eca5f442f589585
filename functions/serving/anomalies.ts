import { setImmediate } from 'node:timers/promises'
import * as z from 'zod'
import { fromMicro } from '../core/fixed-point.ts'
import { DAY_MS, dayOf, formatTimestamp, startOfDay } from '../core/time.ts'
import type { UnusualImage } from '../core/unusual-image.ts'
import type { SpeedStore } from '../ports/speed-store.ts'
import { rangeOf } from './answers.ts'
import { BadParameterError } from './bad-parameter.ts'
import { type ClassSource, refuseUnknownClass } from './class-names.ts'
import { mergeInOrder } from './merge-in-order.ts'
import { type AnomaliesQuery, type AnomalyRow, MOST_SEARCHED_DAYS, SEARCHED_DAYS } from './schemas.ts'

/** Ports from which the search for unusual images reads. */
export interface AnomaliesSource extends ClassSource {
  store: Pick<SpeedStore, 'readCursors' | 'readUnusualImages'>
}

/**
 * Page of unusual images, newest first; those of one time by image, then by class. The end of a page is the start of
 * the next one.
 */
export interface AnomaliesPage {
  rows: AnomalyRow[]
  /** Parameters of the next page; null on the last page. */
  next: { after: string; to: string } | null
  /** Range that is searched: the newest part of a longer one. */
  range: string
}

/** Number of unusual images of a class and day that one read fetches. */
const READ_AT_ONCE = 100
/** Number of reads after which other work gets a turn: a local store answers at once, without a pause. */
const READS_IN_A_ROW = 50
/** Number of reads after which the answer contains what was found so far, with a link to continue. */
const MOST_READS = 200

const Place = z.tuple([z.int().min(0), z.string(), z.string()])
/** Place of an unusual image in the order: time, image and class. */
type Place = z.infer<typeof Place>

/** Number of unusual images after which the answer contains what was found so far, with a link to continue. */
const MOST_SEARCHED = 5_000

/** Number of reads that one request may still use. */
interface Budget {
  reads: number
  /** The reads of all classes begin together; each waits until it is its turn. */
  turn: Promise<void>
}

/**
 * Finds unusual images and returns one page of them.
 *
 * @throws BadParameterError when `after` is not the end of a page, the range is invalid, or the class unknown
 */
export async function anomalies(source: AnomaliesSource, query: AnomaliesQuery): Promise<AnomaliesPage> {
  const { store } = source
  const after = query.after === undefined ? undefined : placeOf(query.after)
  const newestMs = Math.max(...(await store.readCursors()).map(({ lastEventMs }) => lastEventMs ?? 0), 0)
  const untilMs = query.to ?? Math.max(newestMs + 1, query.from ?? 0)
  if (query.from !== undefined && untilMs < query.from) throw new BadParameterError('to: must not be before from')
  const earliestMs = Math.max(untilMs - MOST_SEARCHED_DAYS * DAY_MS, 0)
  const fromMs = Math.max(query.from ?? untilMs - SEARCHED_DAYS * DAY_MS, earliestMs)
  await refuseUnknownClass(source, query.class)
  const startMs = Math.min(untilMs - 1, newestMs, after?.[0] ?? Number.POSITIVE_INFINITY)
  const classes = query.class === undefined ? [...(await source.classes()).keys()] : [query.class]

  const budget: Budget = { reads: Math.max(MOST_READS, 2 * classes.length), turn: Promise.resolve() }
  const found: UnusualImage[] = []
  const pageTo = (next: Place | null): AnomaliesPage => ({
    rows: found.map(rowOf),
    next: next && { after: Buffer.from(JSON.stringify(next)).toString('base64url'), to: formatTimestamp(untilMs) },
    range: rangeOf(fromMs, untilMs),
  })
  let last = after
  let searched = 0
  for (let dayMs = startOfDay(startMs); dayMs + DAY_MS > fromMs && dayMs >= 0; dayMs -= DAY_MS) {
    // The remaining budget must be enough for the day: at least one read for each class.
    if (budget.reads < classes.length) return pageTo(last ?? [dayMs + DAY_MS, '', ''])
    const upToMs = Math.min(startMs, dayMs + DAY_MS - 1)
    const streams = classes.map(className => alertsOf(store, className, upToMs, budget))
    try {
      for await (const image of mergeInOrder(streams, newestFirst)) {
        const place = placeOfImage(image)
        if (image.eventMs < fromMs) break
        if (after && compare(place, after) >= 0) continue
        if (found.length === query.limit || searched++ === MOST_SEARCHED) return pageTo(last as Place)
        if (isWanted(image, query)) found.push(image)
        last = place
      }
    } catch (error) {
      if (error !== OUT_OF_BUDGET) throw error
      return pageTo(last ?? [dayMs + DAY_MS, '', ''])
    }
    last = [dayMs, '', '']
  }
  return pageTo(null)
}

function isWanted({ rule, score }: UnusualImage, query: AnomaliesQuery): boolean {
  return (query.rule === undefined || rule === query.rule) && Math.abs(score) >= (query.min_score ?? 0)
}

const OUT_OF_BUDGET = new Error('the limit of reads for one answer is reached')

/** Yields the unusual images of a class on the day of a time, from that time backwards. */
async function* alertsOf(
  store: Pick<SpeedStore, 'readUnusualImages'>,
  className: string,
  upToMs: number,
  budget: Budget,
): AsyncGenerator<UnusualImage> {
  const day = dayOf(upToMs)
  let seen: Place | undefined
  for (let limit = READ_AT_ONCE; ; ) {
    const [nextMs] = seen ?? [upToMs]
    if (budget.reads-- <= 0) throw OUT_OF_BUDGET
    if (budget.reads % READS_IN_A_ROW === 0) budget.turn = budget.turn.then(() => setImmediate())
    await budget.turn
    const read = await store.readUnusualImages({ className, day, upToMs: nextMs, limit })
    const fresh = read.filter(image => !seen || compare(placeOfImage(image), seen) < 0)
    yield* fresh
    if (read.length < limit) return
    const last = fresh.at(-1)
    // All unusual images that were read have the same time, so a larger read is needed.
    if (last) seen = placeOfImage(last)
    else limit *= 2
  }
}

function newestFirst(a: UnusualImage, b: UnusualImage): number {
  return compare(placeOfImage(b), placeOfImage(a))
}

function placeOfImage({ eventMs, imageId, className }: UnusualImage): Place {
  return [eventMs, imageId, className]
}

function compare(a: Place, b: Place): number {
  // Stores order texts by their bytes.
  return a[0] - b[0] || compareBytes(a[1], b[1]) || compareBytes(a[2], b[2])
}

function compareBytes(a: string, b: string): number {
  return Buffer.compare(Buffer.from(a), Buffer.from(b))
}

function placeOf(text: string): Place {
  try {
    return Place.parse(JSON.parse(Buffer.from(text, 'base64url').toString('utf8')))
  } catch {
    throw new BadParameterError('after: there is no such page; take it from the Link header of the previous page', 404)
  }
}

function rowOf(image: UnusualImage): AnomalyRow {
  return {
    class_name: image.className,
    image_id: image.imageId,
    ndvi_mean: fromMicro(image.ndviMean),
    ndvi_min: image.ndviMin === null ? null : fromMicro(image.ndviMin),
    ndvi_max: image.ndviMax === null ? null : fromMicro(image.ndviMax),
    timestamp: formatTimestamp(image.eventMs),
    rule: image.rule,
    score: image.score,
    baseline_version: image.baselineVersion,
  }
}
