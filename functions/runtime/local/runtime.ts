import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { openFolderObjectStore } from '../../adapters/files/object-store.ts'
import { jsonLogger } from '../../adapters/json-logger.ts'
import { openDuckDbBatchQuery } from '../../adapters/sql/duckdb-batch-query.ts'
import { ARCHIVE_TABLE_COLUMNS } from '../../archive/table.ts'
import { runBatch } from '../../batch/run.ts'
import { recordRun } from '../../batch/run-status.ts'
import { refuseUnsupportedView, viewReader } from '../../batch/view-reader.ts'
import type { Logger } from '../../ports/logger.ts'
import { addClasses, knownClasses } from '../class-list.ts'
import type { Environment } from '../config/environment.ts'
import { batchLayerOf, speedLayerOf } from '../layers.ts'
import { logMetadataOf } from '../log-metadata.ts'
import { lazy } from '../memo.ts'
import type { Runtime } from '../runtime.ts'
import type { Endpoints } from './endpoints.ts'
import { type LogAndStore, openLogAndStore } from './log-and-store.ts'
import { latenessOf, type Settings } from './settings.ts'
import { objectsFolder } from './state.ts'

/** The system of a state folder. */
export interface LocalRuntime extends Runtime {
  /** The state folder. */
  folder: string
  logger: Logger
  /** Takes lines of JSON; never throws. */
  writeLog(line: string): void
  /** The log, the store and the checkpoints, which are opened and checked together. */
  openLogAndStore(): Promise<LogAndStore>
  /** Makes classes known: see addClasses. */
  addClasses(names: readonly string[]): Promise<void>
}

/**
 * Opens the system of a state folder. Its files are in the folder, but for the event log and the speed store, each of
 * which may be a server's instead. Any number of processes may open it; one of them runs the system.
 *
 * @param writeLog takes lines of JSON; never throws
 * @param options.acceptsLostRecords goes on with a log that has lost records which were read
 * @throws UnsupportedViewError when another version of landcover wrote its views
 */
export async function openLocalRuntime(
  folder: string,
  settings: Settings,
  servers: Endpoints,
  environment: Environment,
  writeLog: (line: string) => void,
  { acceptsLostRecords = false } = {},
): Promise<LocalRuntime> {
  const { slotMs } = settings
  const logger = jsonLogger(writeLog)
  mkdirSync(folder, { recursive: true })
  const objects = openFolderObjectStore(objectsFolder(folder))
  const views = viewReader(objects)
  await refuseUnsupportedView(views)
  const logAndStore = lazy(async () => {
    const opened = await openLogAndStore(folder, settings, servers, environment, acceptsLostRecords)
    for (const line of opened.lost) logger.warn(line)
    return opened
  })
  const query = lazy(() => openDuckDbBatchQuery(join(objectsFolder(folder), 'archive'), ARCHIVE_TABLE_COLUMNS))
  const openBatch = async () => {
    const { log, store } = await logAndStore.open()
    return batchLayerOf({ logMetadata: logMetadataOf(log), store, objects, query: await query.open() }, slotMs)
  }
  return {
    folder,
    slotMs,
    logger,
    writeLog,
    objects,
    views,
    classes: knownClasses(objects),
    openLogAndStore: logAndStore.open,
    openLog: async () => (await logAndStore.open()).log,
    openStore: async () => (await logAndStore.open()).store,
    async openSpeedLayer() {
      const { log, store } = await logAndStore.open()
      const ports = { logMetadata: logMetadataOf(log), store, objects }
      return speedLayerOf(ports, { slotMs, lateness: latenessOf(settings) }, [])
    },
    openBatch,
    async runBatch(options) {
      const batch = await openBatch()
      return recordRun(objects, Date.now, () => runBatch(batch, options))
    },
    addClasses: async names => addClasses(objects, (await logAndStore.open()).store, names, slotMs),
    async close() {
      await Promise.all([logAndStore.close(), query.close()])
    },
  }
}
