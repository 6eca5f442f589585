import { deployedEnvironment, pauseConsumer } from '../../adapters/aws/deployed-function.ts'
import { runBatch } from '../../batch/run.ts'
import { recordRun } from '../../batch/run-status.ts'
import { viewReader } from '../../batch/view-reader.ts'
import { knownClasses } from '../class-list.ts'
import { batchLayerOf, speedLayerOf } from '../layers.ts'
import { lazy } from '../memo.ts'
import type { Runtime } from '../runtime.ts'
import { lateness, openObjects, openQuery, slotMs as slotLengthMs } from './open.ts'
import { openStore as openStageStore } from './store.ts'

/** A deployed stage. */
export interface StageRuntime extends Runtime {
  /** Stops the speed layer's deliveries. */
  pauseSpeed(): ReturnType<typeof pauseConsumer>
}

/**
 * Opens a deployed stage from outside, for people who may do what its batch function may. Its settings are taken.
 *
 * @throws Error in one line when the stage is not there
 */
export async function openStage(name: string): Promise<StageRuntime> {
  delete process.env.LANDCOVER_LOG
  Object.assign(process.env, await deployedEnvironment(`landcover-${name}-batch`))
  const slotMs = slotLengthMs()
  // Where the log is Kafka, the batch function knows no address of it.
  const kind = process.env.LANDCOVER_LOG === undefined ? import('./log-kafka.ts') : import('./log-kinesis.ts')
  const { openLog, openLogMetadata } = await kind
  const objects = openObjects()
  const log = lazy(async () => {
    // As the heartbeat function reaches it: the batch function may be outside of its network.
    Object.assign(process.env, await deployedEnvironment(`landcover-${name}-heartbeat`))
    return openLog()
  })
  const store = lazy(() => openStageStore(slotMs))
  const query = lazy(async () => openQuery())
  const openMetadataAndStore = async () => {
    const [logMetadata, openedStore] = await Promise.all([openLogMetadata(), store.open()])
    return { logMetadata, store: openedStore }
  }
  const openBatch = async () =>
    batchLayerOf({ ...(await openMetadataAndStore()), objects, query: await query.open() }, slotMs)
  return {
    slotMs,
    objects,
    views: viewReader(objects),
    classes: knownClasses(objects),
    openLog: log.open,
    openStore: store.open,
    async openSpeedLayer() {
      return speedLayerOf({ ...(await openMetadataAndStore()), objects }, { slotMs, lateness: lateness() }, [])
    },
    openBatch,
    async runBatch(options) {
      const batch = await openBatch()
      return recordRun(objects, Date.now, () => runBatch(batch, options))
    },
    pauseSpeed: () => pauseConsumer(`landcover-${name}-speed`),
    async close() {
      await Promise.all([log.close(), store.close(), query.close()])
    },
  }
}
