import { setTimeout as sleep } from 'node:timers/promises'
import { expiredBefore } from '../../batch/expiry.ts'
import { GROUP_MS } from '../../core/incidents/delivery.ts'
import { START } from '../../core/lane.ts'
import type { Lateness } from '../../core/lateness.ts'
import { DAY_MS, HOUR_MS, MINUTE_MS, SECOND_MS } from '../../core/time.ts'
import type { Rule } from '../../core/unusual-image.ts'
import { heartbeatEveryMs, sendHeartbeats } from '../../ingest/heartbeat.ts'
import { systemTime } from '../../ingest/retry.ts'
import { ARCHIVE_CONSUMER, SPEED_CONSUMER } from '../../ports/checkpoints.ts'
import type { EventLog } from '../../ports/event-log.ts'
import type { Logger } from '../../ports/logger.ts'
import { archiveBatching, SPEED_BATCHING } from '../batching.ts'
import type { AlertsSettings } from '../config/alerts.ts'
import { compactUnwatched } from '../layers.ts'
import { notifierOf } from '../notifier.ts'
import { type FailureRegistry, failureRegistry } from './failure-registry.ts'
import { localFunctions } from './functions.ts'
import type { LocalServer } from './http-server.ts'
import { describeLostStore } from './lost-store.ts'
import { startPolling } from './poller.ts'
import { probesOf } from './probes.ts'
import { responseCache } from './response-cache.ts'
import type { LocalRuntime } from './runtime.ts'
import { watchedLog } from './watched-log.ts'

/** Options of a system on one machine. */
export interface SystemOptions {
  runtime: LocalRuntime
  lateness: Lateness
  rules: readonly Rule[]
  /** Web server, which answers with the system's functions from then on. */
  server: LocalServer
  /** Notifier of the receivers of incidents; null without receivers. */
  alerts: AlertsSettings | null
}

/**
 * Time for which an answer is given to all requests, ms. An answer costs a fifth of a millisecond or more. With the
 * cache, an address costs about 2% of a core for any number of requests, and nobody notices the delay.
 */
const SHARED_MS = 10

/** Names of the periodic tasks in health. */
const COMPONENTS = {
  heartbeat: 'Sending heartbeats',
  batch: 'The batch run',
  compaction: 'Compaction of the archive',
  alerts: 'Messages about incidents',
  'clean-up': 'Cleaning up',
}

/** Time until a periodic task that failed once runs again, ms. It doubles with each further failure. */
const FIRST_RETRY_MS = SECOND_MS
/** Longest time until a periodic task that failed runs again, ms: otherwise health would report it for an hour. */
const LONGEST_RETRY_MS = MINUTE_MS

/** Time for which the log keeps records that both consumers have read, ms; the default of a stream on AWS. */
const LOG_RETENTION_MS = DAY_MS

/** System that runs in this process. */
export interface RunningSystem {
  port: number
  /** Event log. Health reports failed appends. */
  log: EventLog
  stop(): Promise<void>
}

/** Starts what are services on AWS: the log's consumers, heartbeats, the batch schedule, and the web server. */
export async function startSystem(options: SystemOptions): Promise<RunningSystem> {
  const { runtime, server } = options
  const { slotMs, objects, views, logger } = runtime
  const opened = await runtime.openLogAndStore()
  const { store, checkpoints, toEvent, trim, expire } = opened
  const lost = await describeLostStore(store, views, slotMs)
  if (lost) logger.warn(lost)
  const { now: elapsedMs } = systemTime()
  const failures = failureRegistry(elapsedMs, logger)
  const { log, acknowledgedBehindMs } = watchedLog(opened.log, failures, elapsedMs)
  const { failing } = failures
  const functions = localFunctions(runtime, options.lateness, { log, store }, options.rules, {
    failing,
    acknowledgedBehindMs,
  })
  const { metrics } = functions
  server.serve({
    serving: responseCache(functions.serving, SHARED_MS, () => performance.now()),
    ingest: functions.ingest,
    probes: probesOf({ log, store, failing, metrics: functions.forPrometheus }),
    decisions: functions.decisions,
    logger,
  })
  const mapping = { log, checkpoints, logger, failures, toEvent }
  const speed = startPolling({ ...mapping, consumer: SPEED_CONSUMER, handler: functions.speed, ...SPEED_BATCHING })
  const archive = startPolling({
    ...mapping,
    consumer: ARCHIVE_CONSUMER,
    handler: functions.archive.call,
    ...archiveBatching(slotMs),
  })

  const stopping = new AbortController()
  const schedule = scheduler(failures, logger, stopping.signal)
  const notifier = options.alerts && notifierOf({ objects, logger, failures }, options.alerts)
  const schedules = [
    schedule('heartbeat', heartbeatEveryMs(slotMs), () => sendHeartbeats(log, Date.now())),
    schedule('batch', slotMs, async () => {
      const { view } = await runtime.runBatch()
      if (view) metrics.record({ consumer: 'batch', values: { cutAgeMs: Date.now() - view.cut } })
    }),
    ...(notifier
      ? [
          schedule('alerts', GROUP_MS, async () => {
            // It runs beside the batch runs: counting never waits for a receiver.
            await notifier.round(stopping.signal)
            metrics.record({ consumer: 'notifier', values: { untoldMs: notifier.untoldMs() } })
          }),
        ]
      : []),
    schedule('compaction', HOUR_MS, async () => {
      const { behindMs } = await compactUnwatched({ objects }, slotMs)
      metrics.record({ consumer: 'compaction', values: { compactionBehindMs: behindMs } })
    }),
    schedule('clean-up', HOUR_MS, async () => {
      await expire?.(await expiredBefore(Date.now(), views))
      if (!trim) return
      for (const { name } of await log.lanes()) {
        const reached = [SPEED_CONSUMER, ARCHIVE_CONSUMER].map(consumer => checkpoints.read(consumer, name))
        const upTo = (await Promise.all(reached)).sort()[0] ?? START
        await trim(name, upTo, LOG_RETENTION_MS)
      }
    }),
  ]

  return {
    port: server.port,
    log,
    async stop() {
      stopping.abort()
      await server.close()
      await Promise.all([speed.stop(), archive.stop(), ...schedules])
      await functions.archive.stop()
    },
  }
}

/**
 * Creates the function that runs a periodic task until stopped. A failure is reported, and the task runs again soon.
 */
function scheduler(failures: FailureRegistry, logger: Logger, stopping: AbortSignal) {
  return (name: keyof typeof COMPONENTS, everyMs: number, task: () => Promise<unknown>): Promise<void> => {
    let retryMs = FIRST_RETRY_MS
    return repeat(stopping, async () => {
      try {
        await task()
        failures.recovered(COMPONENTS[name])
        retryMs = FIRST_RETRY_MS
        return everyMs
      } catch (error) {
        failures.failed(COMPONENTS[name], error)
        logger.warn(`${name} failed`, { error: String(error) })
        const waitMs = Math.min(everyMs, retryMs)
        retryMs = Math.min(retryMs * 2, LONGEST_RETRY_MS)
        return waitMs
      }
    })
  }
}

/** Runs a task again and again, one at a time, until stopped. The task returns the time until its next run, ms. */
async function repeat(signal: AbortSignal, task: () => Promise<number>): Promise<void> {
  while (!signal.aborted) await sleep(await task(), undefined, { signal }).catch(() => {})
}
