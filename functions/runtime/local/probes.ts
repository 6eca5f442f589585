import type { APIGatewayProxyResult } from 'aws-lambda'
import type { Observed, PrometheusMetrics } from '../../adapters/prometheus/metrics.ts'
import { SECOND_MS } from '../../core/time.ts'
import type { ProxyHandler } from '../../http/edge.ts'
import { problem } from '../../http/problem.ts'
import type { EventLog } from '../../ports/event-log.ts'
import type { Failing } from '../../ports/failures.ts'
import type { SpeedStore } from '../../ports/speed-store.ts'
import type { Health } from '../../serving/schemas.ts'
import { APPEND_COMPONENT } from './watched-log.ts'

/** Answers of the paths that supervisors and Prometheus ask, by path. */
export type Probes = ReadonlyMap<string, Probe>
/** Function that answers one path. */
export type Probe = () => Promise<APIGatewayProxyResult>

/** Path that answers as long as the process can answer at all, also while it starts. */
export const LIVE_PATH = '/livez'
export const READY_PATH = '/readyz'
export const METRICS_PATH = '/metrics'

/** Maximum time for a look at the store or the log, ms. */
const LOOK_WITHIN_MS = 5 * SECOND_MS

/**
 * Creates the answers for supervisors and Prometheus. `/livez` says that the process answers. `/readyz` says whether
 * the system can take and answer requests, and if not, why. Faults that only delay answers or make them incomplete are
 * in health.
 */
export function probesOf({
  log,
  store,
  failing,
  metrics,
}: {
  log: Pick<EventLog, 'lanes' | 'end'>
  store: Pick<SpeedStore, 'readCursors' | 'unready'>
  failing: () => readonly Failing[]
  metrics: Pick<PrometheusMetrics, 'text'>
}): Probes {
  async function ready(): Promise<APIGatewayProxyResult> {
    const looks = [
      causesOf('The speed store cannot be read', async () => (await store.readCursors()) && store.unready()),
      causesOf('The event log cannot be read', async () => {
        const lanes = await log.lanes()
        await Promise.all(lanes.filter(({ closed }) => !closed).map(({ name }) => log.end(name)))
        return []
      }),
    ]
    const appending = failing().filter(({ component }) => component === APPEND_COMPONENT)
    const reasons = [
      ...(await Promise.all(looks)).flat(),
      ...appending.map(({ message }) => `${APPEND_COMPONENT} fails: ${message}`),
    ]
    if (reasons.length === 0) return answer('ready')
    return problem(503, 'The system is not ready', reasons.join(' '), { reasons })
  }

  async function scraped(): Promise<APIGatewayProxyResult> {
    const { contentType, body } = await metrics.text()
    return { statusCode: 200, headers: { 'Content-Type': contentType, 'Cache-Control': 'no-store' }, body }
  }

  return new Map([
    [LIVE_PATH, isLive],
    [READY_PATH, ready],
    [METRICS_PATH, scraped],
  ])
}

/** Answers that the process lives. */
export const isLive = async (): Promise<APIGatewayProxyResult> => answer('live')

function answer(status: string): APIGatewayProxyResult {
  const headers = { 'Content-Type': 'application/json', 'Cache-Control': 'no-store' }
  return { statusCode: 200, headers, body: JSON.stringify({ status }) }
}

/** Looks at a part. Returns the reasons why it cannot be used, also when there is no answer in time. */
async function causesOf(what: string, look: () => Promise<string[]>): Promise<string[]> {
  const { promise: late, reject } = Promise.withResolvers<never>()
  const timer = setTimeout(() => reject(new Error(`no answer within ${LOOK_WITHIN_MS / SECOND_MS} s`)), LOOK_WITHIN_MS)
  try {
    return await Promise.race([look(), late])
  } catch (error) {
    const [line = ''] = (error as Error).message.split('\n')
    return [`${what}: ${line}.`]
  } finally {
    clearTimeout(timer)
  }
}

/** Measures what only health knows: whether the system is degraded, and the lag of its slowest lane. */
export function healthGauges(serving: () => ProxyHandler): () => Promise<Observed[]> {
  return async () => {
    const health = await healthOf(serving()).catch(() => undefined)
    return [
      {
        name: 'degraded',
        help: '1 when /api/health names reasons or cannot be answered, 0 otherwise',
        value: health?.status === 'ok' ? 0 : 1,
      },
      {
        name: 'lagMs',
        help: 'Age of the oldest record that is not counted yet, ms; absent when it is not known',
        value: health?.speed.lag_ms ?? null,
      },
    ]
  }
}

async function healthOf(serving: ProxyHandler): Promise<Health | undefined> {
  const event = { httpMethod: 'GET', path: '/api/health', headers: {} } as Parameters<ProxyHandler>[0]
  const { statusCode, body } = await serving(event)
  return statusCode === 200 ? (JSON.parse(body) as Health) : undefined
}
