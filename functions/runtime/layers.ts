import { type Compacted, type CompactionOptions, compactArchive } from '../archive/compaction.ts'
import { slowestProgress } from '../archive/compaction-progress.ts'
import { archiveHandler } from '../archive/handler.ts'
import { readIncidents } from '../batch/incidents-file.ts'
import { normalsReader } from '../batch/normals-file.ts'
import type { BatchLayer } from '../batch/run.ts'
import { readRunStatus } from '../batch/run-status.ts'
import { batchSql } from '../batch/sql.ts'
import { viewReader } from '../batch/view-reader.ts'
import { watchedFrom } from '../batch/watch.ts'
import type { Lateness } from '../core/lateness.ts'
import type { Rule } from '../core/unusual-image.ts'
import { decisionsHandler } from '../decisions/handler.ts'
import type { Decisions } from '../decisions/stored-decisions.ts'
import { sitesReader } from '../images/sites/stored-sites.ts'
import { ingestHandler } from '../ingest/handler.ts'
import { heartbeatEveryMs } from '../ingest/heartbeat.ts'
import { keyRoute } from '../ingest/key-route.ts'
import { systemTime } from '../ingest/retry.ts'
import type { BatchQuery } from '../ports/batch-query.ts'
import type { EventLog, LogMetadata } from '../ports/event-log.ts'
import type { Logger } from '../ports/logger.ts'
import type { Metrics } from '../ports/metrics.ts'
import type { ObjectStore } from '../ports/object-store.ts'
import type { SpeedStore } from '../ports/speed-store.ts'
import { type Activity, activityElsewhere } from '../serving/activity.ts'
import { servingHandler } from '../serving/handler.ts'
import type { IncidentsSource } from '../serving/incidents.ts'
import type { SpeedLayer } from '../speed/apply.ts'
import { speedHandler } from '../speed/handler.ts'
import { currentBaseline } from './baseline.ts'
import { knownClasses, readClasses } from './class-list.ts'
import { readData } from './data.ts'

/**
 * Resources of the layers. Each function below requires only what its layer needs, because a runtime may not have the
 * others.
 */
export interface Ports {
  log: EventLog
  logMetadata: LogMetadata
  store: SpeedStore
  objects: ObjectStore
  query: BatchQuery
  logger: Logger
  metrics: Metrics
}

/** Settings of counting that all layers of a system share. */
export interface Timing {
  slotMs: number
  lateness: Lateness
}

type Needs<Names extends keyof Ports> = Pick<Ports, Names>

/** Speed layer on the ports of a runtime. */
export function speedLayerOf(
  { logMetadata, store, objects }: Needs<'logMetadata' | 'store' | 'objects'>,
  { slotMs, lateness }: Timing,
  rules: readonly Rule[],
): SpeedLayer {
  return {
    store,
    lanes: () => logMetadata.lanes(),
    firstKept: lane => logMetadata.firstKept(lane),
    slotMs,
    lateness,
    classes: knownClasses(objects),
    rules,
    baseline: currentBaseline(viewReader(objects)),
    now: Date.now,
  }
}

/** Handler of the speed layer's deliveries. */
export function speedHandlerOf(
  ports: Needs<'logMetadata' | 'store' | 'objects' | 'logger' | 'metrics'>,
  timing: Timing,
  rules: readonly Rule[],
) {
  const { logMetadata, logger, metrics } = ports
  return speedHandler({ ...speedLayerOf(ports, timing, rules), streamIdentity: logMetadata.identity, logger, metrics })
}

/**
 * Builds the handler of the archive.
 *
 * @param streamIdentity identity of the log; the archive needs nothing else of it
 */
export function archiveHandlerOf(
  { objects, logger, metrics }: Needs<'objects' | 'logger' | 'metrics'>,
  streamIdentity: string,
  { slotMs, lateness }: Timing,
) {
  return archiveHandler({
    objects,
    slotMs,
    lateness,
    classes: knownClasses(objects),
    streamIdentity,
    logger,
    metrics,
    now: Date.now,
  })
}

/** Batch layer on the ports of a runtime. */
export function batchLayerOf(
  { logMetadata, store, objects, query }: Needs<'logMetadata' | 'store' | 'objects' | 'query'>,
  slotMs: number,
): BatchLayer {
  return {
    objects,
    query,
    store,
    lanes: () => logMetadata.lanes(),
    slotMs,
    ...(logMetadata.arrivalNeverGoesBack && { arrivalNeverGoesBack: true }),
    sql: batchSql(name => readData(`sql/${name}.sql`)),
    now: Date.now,
  }
}

/** Merges the small files of slots that the batch layer no longer watches. */
export async function compactUnwatched(
  { objects }: Needs<'objects'>,
  slotMs: number,
  options: Pick<CompactionOptions, 'worker' | 'hasTime'> = {},
): Promise<Compacted> {
  const view = await viewReader(objects).current()
  const before = view ? watchedFrom(view.cut, slotMs) : 0
  return compactArchive({ objects, slotMs, before, now: Date.now, ...options })
}

/** Differences between the APIs of runtimes. */
interface ServingOptions {
  activity?: Partial<Activity>
  /** Decisions of people about incidents; by default nobody can decide. */
  decisions?: IncidentsSource['decisions']
  /** True where decisions are not posted to this API. */
  decidedElsewhere?: boolean
  /** Time for which equal questions get the same answer, ms; by default each one is answered by itself. */
  sharedMs?: number
}

/** Handler of requests to the API. */
export function servingHandlerOf(
  { logMetadata, store, objects, logger }: Needs<'logMetadata' | 'store' | 'objects' | 'logger'>,
  { slotMs, lateness }: Timing,
  { activity, decisions = null, decidedElsewhere = false, sharedMs = 0 }: ServingOptions = {},
) {
  const classes = knownClasses(objects)
  const elapsedMs = systemTime().now
  return servingHandler({
    store,
    views: viewReader(objects),
    lastRun: () => readRunStatus(objects),
    compaction: () => slowestProgress(objects),
    incidents: () => readIncidents(objects),
    normals: normalsReader(objects),
    decisions,
    decidedElsewhere,
    slotMs,
    lateness,
    classes,
    lanes: () => logMetadata.lanes(),
    waiting: cursor => logMetadata.waiting(cursor),
    now: Date.now,
    elapsedMs,
    readClasses: () => readClasses(objects),
    sites: sitesReader(objects),
    activity: { ...activityElsewhere(heartbeatEveryMs(slotMs), elapsedMs), ...activity },
    sharedMs,
    logger,
  })
}

/** Handler of requests that send events. */
export function ingestHandlerOf({ log, objects, logger }: Needs<'log' | 'objects' | 'logger'>, slotMs: number) {
  return ingestHandler({
    log,
    routeOf: keyRoute(log, objects),
    classes: knownClasses(objects),
    slotMs,
    time: systemTime(),
    now: Date.now,
    logger,
  })
}

/** Handler of requests that decide something about incidents. */
export function decisionsHandlerOf({ objects, logger }: Needs<'objects' | 'logger'>, decisions: Decisions) {
  return decisionsHandler({
    decisions,
    incidents: async () => (await readIncidents(objects))?.incidents ?? [],
    now: Date.now,
    logger,
  })
}
