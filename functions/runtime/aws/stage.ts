import { deployedEnvironment, pauseConsumer } from '../../adapters/aws/deployed-function.ts'
import { runBatch } from '../../batch/run.ts'
import { recordRun } from '../../batch/run-status.ts'
import { viewReader } from '../../batch/view-reader.ts'
import type { EventLog } from '../../ports/event-log.ts'
import { batchLayerOf, speedLayerOf } from '../layers.ts'
import { knownClasses } from '../reference.ts'
import { openObjects, openQuery, slotMs } from './open.ts'
import { openStore } from './store.ts'

/**
 * A deployed stage, from outside: for who may do what its batch function may, whose settings are taken.
 *
 * @throws Error in one line when the stage is not there, or one of its services cannot be reached
 */
export async function openStage(name: string) {
  delete process.env.LANDCOVER_LOG
  Object.assign(process.env, await deployedEnvironment(`landcover-${name}-batch`))
  // Where the log is Kafka, the batch function knows no address of it.
  const kind = process.env.LANDCOVER_LOG === undefined ? import('./log-kafka.ts') : import('./log-kinesis.ts')
  const { openLog, openLogMetadata } = await kind
  const [logMetadata, store] = await Promise.all([openLogMetadata(), openStore(slotMs())])
  let log: EventLog | undefined
  const objects = openObjects()
  const query = openQuery()
  const batch = batchLayerOf({ logMetadata, store, objects, query }, slotMs())
  return {
    slotMs: slotMs(),
    /** The log as the heartbeat function reaches it: the batch function may be outside of its network. */
    async openLog() {
      Object.assign(process.env, await deployedEnvironment(`landcover-${name}-heartbeat`))
      log ??= await openLog()
      return log
    },
    store,
    /** Stops the speed layer's deliveries. */
    pauseSpeed: () => pauseConsumer(`landcover-${name}-speed`),
    /** The speed layer, without rules: it tells of no anomaly. */
    speedLayer: () => speedLayerOf({ logMetadata, store, objects, channel: { publish: async () => {} } }, slotMs(), []),
    objects,
    views: viewReader(objects),
    batch,
    /** A batch run, of which the API tells how it ended. */
    runBatch: (options?: { trustSpeed: boolean }) => recordRun(objects, Date.now, () => runBatch(batch, options)),
    classes: knownClasses(objects),
    async close() {
      await Promise.all([log?.close(), store.close(), query.close()])
    },
  }
}
