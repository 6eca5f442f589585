import type { APIGatewayProxyEvent } from 'aws-lambda'
import { type Lane, toPosition } from '../../functions/core/lane.ts'
import { HOUR_MS, SECOND_MS } from '../../functions/core/time.ts'
import { kinesisEvent } from '../../functions/lambda/encode-event.ts'
import type { SpeedStore } from '../../functions/ports/speed-store.ts'
import { responseCache } from '../../functions/runtime/local/response-cache.ts'
import { servingHandler } from '../../functions/serving/handler.ts'
import { createApi } from '../../web/api.ts'
import { currentQueries, newPage, receive } from '../../web/page.ts'
import { choiceOf } from '../../web/view-models/choice.ts'
import { NOON_MS, wireEvent } from './factories.ts'
import { openLanes, openPipeline } from './pipeline.ts'

/** Number and timing of open dashboards. */
export interface Dashboards {
  count: number
  everyMs: number
  /** Time of a dashboard's first request, ms. */
  startsAt(dashboard: number): number
}

const STREAM = 'stream'
const PATIENCE_MS = 60_000

/**
 * Number of reads of the speed store for dashboards that ask like real ones, while an image arrives every second.
 *
 * @param forMs simulated time
 * @param sharedMs time for which an answer is shared; 0: only concurrent requests share it
 */
export async function readsFor(dashboards: Dashboards, forMs: number, sharedMs: number): Promise<number> {
  let nowMs = NOON_MS
  let reads = 0
  const lanes = openLanes(STREAM, 1)
  const now = () => nowMs
  const pipeline = await openPipeline({ streamIdentity: STREAM, slotMs: HOUR_MS, lanes: async () => lanes, now })
  try {
    const speed = pipeline.speedProcess()
    const store = counted(pipeline.store, () => reads++)
    const answer = responseCache(servingHandler({ ...pipeline.serving, store, logger: pipeline.logger }), sharedMs, now)
    const pages = Array.from({ length: dashboards.count }, () => page(fetchFrom(answer), now))
    for (let atMs = 0, nextImageMs = 0; atMs < forMs; atMs++) {
      nowMs = NOON_MS + atMs
      if (atMs === nextImageMs) {
        await speed(image(lanes[0] as Lane, nowMs))
        nextImageMs += SECOND_MS
      }
      const asking = pages.filter((_, at) => (atMs - dashboards.startsAt(at)) % dashboards.everyMs === 0)
      await Promise.all(asking.map(ask => ask()))
    }
    return reads
  } finally {
    await pipeline.close()
  }
}

/** Page with its initial settings. Each call sends its requests, and throws if one fails. */
function page(fetch: typeof globalThis.fetch, now: () => number): () => Promise<void> {
  const api = createApi({ fetch, timeoutMs: PATIENCE_MS, now })
  const page = newPage(choiceOf(new URLSearchParams()), { local: now, elapsed: now })
  return async () => {
    const asked = currentQueries(page)
    const round = await api.round(asked, new AbortController().signal)
    receive(page, asked, round)
    const [failure] = round.failed
    if (failure) throw new Error(`${failure.name}: ${failure.reason}`)
  }
}

function fetchFrom(answer: ReturnType<typeof responseCache>): typeof globalThis.fetch {
  return async (address, init) => {
    const { pathname: path, searchParams } = new URL(String(address), 'http://localhost')
    const { statusCode, headers, body } = await answer({
      ...{ httpMethod: 'GET', path, headers: init?.headers },
      queryStringParameters: Object.fromEntries(searchParams),
      multiValueQueryStringParameters: Object.fromEntries([...searchParams].map(([name, value]) => [name, [value]])),
    } as unknown as APIGatewayProxyEvent)
    return new Response(statusCode === 304 ? null : body, {
      status: statusCode,
      headers: headers as Record<string, string>,
    })
  }
}

function image({ name: lane }: Lane, arrivalMs: number) {
  const data = Buffer.from(JSON.stringify(wireEvent({ timestamp: new Date(arrivalMs).toISOString() })))
  return kinesisEvent(STREAM, [{ lane, position: toPosition(arrivalMs), arrivalMs, data }])
}

function counted(store: SpeedStore, onCall: () => void): SpeedStore {
  return new Proxy(store, {
    get(methods, name: keyof SpeedStore) {
      onCall()
      return methods[name]
    },
  })
}
