import { join } from 'node:path'
import { emfMetrics, METRICS_NAMESPACE } from '../../adapters/aws/emf-metrics.ts'
import { lossyLines } from '../../adapters/files/lossy-lines.ts'
import { rollingFile } from '../../adapters/files/rolling-file.ts'
import { prometheusMetrics } from '../../adapters/prometheus/metrics.ts'
import { functionInThread } from '../../adapters/thread.ts'
import type { Lateness } from '../../core/lateness.ts'
import type { Rule } from '../../core/unusual-image.ts'
import { openDecisions } from '../../decisions/stored-decisions.ts'
import { heartbeatEveryMs } from '../../ingest/heartbeat.ts'
import type { BatchResponse, LogEvent } from '../../lambda/decode-event.ts'
import type { EventLog } from '../../ports/event-log.ts'
import type { Measurement, Metrics } from '../../ports/metrics.ts'
import type { SpeedStore } from '../../ports/speed-store.ts'
import type { Activity } from '../../serving/activity.ts'
import { decisionsHandlerOf, ingestHandlerOf, servingHandlerOf, speedHandlerOf } from '../layers.ts'
import { logMetadataOf } from '../log-metadata.ts'
import type { ArchiveThreadData } from './archive-thread.ts'
import { healthGauges } from './probes.ts'
import type { LocalRuntime } from './runtime.ts'
import { objectsFolder } from './state.ts'

/** Maximum size of the metrics file and of its predecessor, bytes. Together they hold most of an hour of the demo. */
const METRICS_BYTES = 16 * 1024 * 1024

/** Functions of a running system, the same as on Lambda. The archive's function runs in a thread. */
export function localFunctions(
  { folder, slotMs, objects, logger, writeLog }: LocalRuntime,
  lateness: Lateness,
  { log, store }: { log: EventLog; store: SpeedStore },
  rules: readonly Rule[],
  activity: Pick<Activity, 'failing' | 'acknowledgedBehindMs'>,
) {
  const writeMetrics = lossyLines(rollingFile(join(folder, 'metrics.ndjson'), METRICS_BYTES), error =>
    logger.warn('metrics: a line is lost', { error: String(error) }),
  )
  const inFile = emfMetrics(writeMetrics)
  const forPrometheus = prometheusMetrics(
    METRICS_NAMESPACE,
    healthGauges(() => serving),
  )
  const metrics: Metrics = {
    record(measurement) {
      inFile.record(measurement)
      forPrometheus.record(measurement)
    },
  }
  const ports = {
    log,
    logMetadata: logMetadataOf(log),
    store,
    objects,
    logger,
    metrics,
  }
  const timing = { slotMs, lateness }
  const decisions = openDecisions(objects)
  const heartbeats = { everyMs: heartbeatEveryMs(slotMs), sinceMs: Date.now() }
  const serving = servingHandlerOf(ports, timing, {
    activity: { heartbeats, ...activity },
    decisions: decisions.all,
  })
  return {
    metrics,
    forPrometheus,
    speed: speedHandlerOf(ports, timing, rules),
    archive: functionInThread<LogEvent, BatchResponse>(
      new URL('archive-thread.ts', import.meta.url),
      { objects: objectsFolder(folder), streamIdentity: log.identity, ...timing } satisfies ArchiveThreadData,
      { log: writeLog, metrics: line => metrics.record(JSON.parse(line) as Measurement) },
    ),
    serving,
    decisions: decisionsHandlerOf(ports, decisions),
    ingest: ingestHandlerOf(ports, slotMs),
  }
}
