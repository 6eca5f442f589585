import { setTimeout as sleep } from 'node:timers/promises'
import { expiredBefore } from '../../batch/expiry.ts'
import type { Rule } from '../../core/alert.ts'
import { START } from '../../core/lane.ts'
import { DAY_MS, HOUR_MS } from '../../core/time.ts'
import { heartbeatEveryMs, sendHeartbeats } from '../../ingest/heartbeat.ts'
import { systemTime } from '../../ingest/retry.ts'
import { ARCHIVE_CONSUMER, SPEED_CONSUMER } from '../../ports/checkpoints.ts'
import type { EventLog } from '../../ports/event-log.ts'
import { archiveBatching, SPEED_BATCHING } from '../batching.ts'
import { compactSettled } from '../layers.ts'
import { failureRegistry } from './failure-registry.ts'
import { localFunctions } from './functions.ts'
import { type LocalServer, startHttpServer } from './http-server.ts'
import { startPolling } from './poller.ts'
import { responseCache } from './response-cache.ts'
import type { LocalRuntime } from './runtime.ts'
import { watchedLog } from './watched-log.ts'

export interface SystemOptions {
  runtime: LocalRuntime
  rules: readonly Rule[]
  /** Folder of the built dashboard. */
  site: string
  port: number
  /** Of pages that may read the API beside its own; `*` is every one. */
  allowedOrigins: readonly string[]
  /** Names under which the server answers, beside those of the loopback interface. */
  allowedHosts: readonly string[]
}

/**
 * So long an answer is given to all who ask. One costs a fifth of a millisecond and more: each address then takes 2% of a
 * core or so however many ask, and nobody sees the difference.
 */
const SHARED_MS = 10

/** What is done now and then, as health calls it. */
const COMPONENTS = {
  heartbeat: 'Sending heartbeats',
  batch: 'The batch run',
  compaction: 'Compaction of the archive',
  'clean-up': 'Cleaning up',
}

/** How long the log keeps what both its consumers have had, as the stream on AWS does by default. */
const LOG_RETENTION_MS = DAY_MS

export interface RunningSystem {
  port: number
  /** The event log. Appends that fail are told by health. */
  log: EventLog
  stop(): Promise<void>
}

/** Starts what on AWS are services: the log's consumers, heartbeats, the batch schedule, the web server. */
export async function startSystem(options: SystemOptions): Promise<RunningSystem> {
  const { runtime } = options
  const { slotMs, objects, views, logger } = runtime
  const opened = await runtime.openLogAndStore()
  const { store, checkpoints, toEvent, trim, expire } = opened
  const { now: elapsedMs } = systemTime()
  const failures = failureRegistry(elapsedMs)
  const { log, acknowledgedBehindMs } = watchedLog(opened.log, failures, elapsedMs)
  const { failing } = failures
  const functions = localFunctions(runtime, { log, store }, options.rules, { failing, acknowledgedBehindMs })
  const server: LocalServer = await startHttpServer({
    serving: responseCache(functions.serving, SHARED_MS, () => performance.now()),
    ingest: functions.ingest,
    site: options.site,
    port: options.port,
    allowedOrigins: options.allowedOrigins,
    allowedHosts: options.allowedHosts,
    logger,
  })
  const mapping = { log, checkpoints, logger, failures, toEvent }
  const speed = startPolling({
    ...mapping,
    consumer: SPEED_CONSUMER,
    handler: functions.speed,
    ...SPEED_BATCHING,
  })
  const archive = startPolling({
    ...mapping,
    consumer: ARCHIVE_CONSUMER,
    handler: functions.archive.call,
    ...archiveBatching(slotMs),
  })

  const stopping = new AbortController()
  const schedule = (name: keyof typeof COMPONENTS, everyMs: number, task: () => Promise<unknown>) =>
    repeat(everyMs, stopping.signal, async () => {
      try {
        await task()
        failures.recovered(COMPONENTS[name])
      } catch (error) {
        failures.failed(COMPONENTS[name], error)
        logger.warn(`${name} failed`, { error: String(error) })
      }
    })
  const schedules = [
    schedule('heartbeat', heartbeatEveryMs(slotMs), () => sendHeartbeats(log, Date.now())),
    schedule('batch', slotMs, () => runtime.runBatch()),
    schedule('compaction', HOUR_MS, () => compactSettled({ objects }, slotMs)),
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

/** Does a task now and then at intervals, one at a time, until told to stop. */
async function repeat(everyMs: number, signal: AbortSignal, task: () => Promise<void>): Promise<void> {
  while (!signal.aborted) {
    await task()
    await sleep(everyMs, undefined, { signal }).catch(() => {})
  }
}
