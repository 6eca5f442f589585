import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { emfMetrics } from '../../adapters/aws/emf-metrics.ts'
import { openFileAlertChannel } from '../../adapters/files/alert-channel.ts'
import { lossyLines } from '../../adapters/files/lossy-lines.ts'
import { openFolderObjectStore } from '../../adapters/files/object-store.ts'
import { rollingFile } from '../../adapters/files/rolling-file.ts'
import { jsonLogger } from '../../adapters/json-logger.ts'
import { openDuckDbBatchQuery } from '../../adapters/sql/duckdb-batch-query.ts'
import { ARCHIVE_TABLE_COLUMNS } from '../../archive/table.ts'
import { runBatch } from '../../batch/run.ts'
import { recordRun } from '../../batch/run-status.ts'
import { UnsupportedViewError } from '../../batch/view.ts'
import { type ViewReader, viewReader } from '../../batch/view-reader.ts'
import type { Rule } from '../../core/alert.ts'
import { heartbeatEveryMs } from '../../ingest/heartbeat.ts'
import { systemTime } from '../../ingest/retry.ts'
import type { BatchResponse, LogEvent } from '../../lambda/decode-event.ts'
import type { Endpoints } from '../config/endpoints.ts'
import type { Environment } from '../config/environment.ts'
import {
  batchLayerOf,
  compactSettled,
  ingestHandlerOf,
  servingHandlerOf,
  speedHandlerOf,
  speedLayerOf,
} from '../layers.ts'
import { logMetadataOf } from '../log-metadata.ts'
import { addClasses, knownClasses } from '../reference.ts'
import type { ArchiveThreadData } from './archive-thread.ts'
import { failureRegistry } from './failure-registry.ts'
import { openLogAndStore } from './log-and-store.ts'
import type { Settings } from './settings.ts'
import { objectsFolder } from './state.ts'
import { functionInThread } from './thread.ts'
import { watchedLog } from './watched-log.ts'

/** Size of the file of metrics, and of the one before it: together they hold most of an hour of the demo. */
const METRICS_BYTES = 16 * 1024 * 1024

/**
 * The home of one machine: its files are in one folder, but for the event log and the speed store, each of which may
 * be a server's instead. Any number of processes may open it; one of them runs the system.
 *
 * @param writeLog takes lines of JSON; never throws
 * @param options.acceptsLostRecords goes on with a log that has lost records which were read
 * @throws Error in one line when a server cannot be reached or used
 */
export async function openLocalRuntime(
  folder: string,
  settings: Settings,
  servers: Endpoints,
  environment: Environment,
  writeLog: (line: string) => void,
  { acceptsLostRecords = false } = {},
) {
  const { slotMs } = settings
  const logger = jsonLogger(writeLog)
  mkdirSync(folder, { recursive: true })
  const opened = await openLogAndStore(folder, settings, servers, environment, acceptsLostRecords)
  const { toEvent, trim, store, expire, checkpoints } = opened
  const { now: elapsedMs } = systemTime()
  const failures = failureRegistry(elapsedMs)
  const { log, acknowledgedBehindMs } = watchedLog(opened.log, failures, elapsedMs)
  for (const line of opened.lost) logger.warn(line)
  const objectsOf = objectsFolder(folder)
  const objects = openFolderObjectStore(objectsOf)
  const query = await openDuckDbBatchQuery(join(objectsOf, 'archive'), ARCHIVE_TABLE_COLUMNS)
  const views = viewReader(objects)
  await refuseUnsupportedView(views).catch(async error => {
    await Promise.all([opened.close(), query.close()])
    throw error
  })
  const channel = openFileAlertChannel(join(folder, 'alerts.ndjson'))
  const writeMetrics = lossyLines(rollingFile(join(folder, 'metrics.ndjson'), METRICS_BYTES), error =>
    logger.warn('metrics: a line is lost', { error: String(error) }),
  )
  const metrics = emfMetrics(writeMetrics)
  const ports = { log, logMetadata: logMetadataOf(log), store, objects, query, channel, logger, metrics }
  const batch = batchLayerOf(ports, slotMs)
  return {
    logger,
    failures,
    log,
    openLog: async () => log,
    store,
    checkpoints,
    objects,
    toEvent,
    trim,
    expire,
    views,
    batch,
    /** A batch run, of which the API tells how it ended. */
    runBatch: (options?: { trustSpeed: boolean }) => recordRun(objects, Date.now, () => runBatch(batch, options)),
    classes: knownClasses(objects),
    addClasses: (names: readonly string[]) => addClasses(objects, store, names, slotMs),
    compact: () => compactSettled(ports, slotMs),
    speedLayer: (rules: readonly Rule[]) => speedLayerOf(ports, slotMs, rules),
    speedHandler: (rules: readonly Rule[]) => speedHandlerOf(ports, slotMs, rules),
    archiveFunction: () =>
      functionInThread<LogEvent, BatchResponse>(
        new URL('archive-thread.ts', import.meta.url),
        { objects: objectsOf, streamIdentity: log.identity, slotMs } satisfies ArchiveThreadData,
        { log: writeLog, metrics: writeMetrics },
      ),
    /** Of a process that sends heartbeats from now on. */
    servingHandler() {
      const heartbeats = { everyMs: heartbeatEveryMs(slotMs), sinceMs: Date.now() }
      return servingHandlerOf(ports, slotMs, { heartbeats, failing: failures.failing, acknowledgedBehindMs })
    },
    ingestHandler: () => ingestHandlerOf(ports, slotMs),
    async close() {
      await Promise.all([opened.close(), query.close()])
    },
  }
}

/** Damaged views are no reason: the layers fall back to others, and say so. */
async function refuseUnsupportedView(views: ViewReader): Promise<void> {
  try {
    await views.current()
  } catch (error) {
    if (error instanceof UnsupportedViewError) throw error
  }
}

export type LocalRuntime = Awaited<ReturnType<typeof openLocalRuntime>>
