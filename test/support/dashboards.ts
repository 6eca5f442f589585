import type { APIGatewayProxyEvent } from 'aws-lambda'
import { type Lane, toPosition } from '../../functions/core/lane.ts'
import { HOUR_MS, SECOND_MS } from '../../functions/core/time.ts'
import { kinesisEvent } from '../../functions/local/lambda-events.ts'
import { sharedAnswers } from '../../functions/local/shared-answers.ts'
import type { SpeedStore } from '../../functions/ports/speed-store.ts'
import { servingHandler } from '../../functions/serving/handler.ts'
import { NOON_MS, wireEvent } from './factories.ts'
import { openLanes, openPipeline } from './pipeline.ts'

/** Dashboards that are open at the same time. */
export interface Dashboards {
  count: number
  everyMs: number
  /** When a dashboard asks first, ms. */
  startsAt(dashboard: number): number
}

/** What a dashboard asks each time. */
const QUESTIONS = [
  '/api/realtime/ndvi',
  '/api/anomalies?limit=50',
  '/api/class-stats',
  '/api/batch/class-stats',
  '/api/health',
]
const STREAM = 'stream'

/**
 * How often the speed store is read for dashboards, while an image comes every second.
 *
 * @param forMs simulated
 * @param sharedMs how long an answer is shared; 0: only by those who ask at the same time
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
    const answer = sharedAnswers(servingHandler({ ...pipeline.serving, store, logger: pipeline.logger }), sharedMs, now)
    const pages = Array.from({ length: dashboards.count }, () => page(answer))
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

/** Asks everything, with the tags that it has; fails where an answer does. */
function page(answer: ReturnType<typeof sharedAnswers>): () => Promise<void> {
  const tags = new Map<string, string>()
  return async () => {
    await Promise.all(
      QUESTIONS.map(async address => {
        const { pathname: path, searchParams } = new URL(address, 'http://localhost')
        const { statusCode, headers } = await answer({
          ...{ httpMethod: 'GET', path, headers: { Accept: 'application/json', 'If-None-Match': tags.get(address) } },
          queryStringParameters: Object.fromEntries(searchParams),
          multiValueQueryStringParameters: Object.fromEntries(
            [...searchParams].map(([name, value]) => [name, [value]]),
          ),
        } as unknown as APIGatewayProxyEvent)
        if (statusCode !== 200 && statusCode !== 304) throw new Error(`${address} answered ${statusCode}`)
        tags.set(address, String(headers?.ETag))
      }),
    )
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
