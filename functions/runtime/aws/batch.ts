import { openLogMetadata } from '#log'
import { type BatchRun, runBackfill, runBatch } from '../../batch/run.ts'
import { recordRun } from '../../batch/run-status.ts'
import { refuseUnsupportedView, viewReader } from '../../batch/view-reader.ts'
import { batchLayerOf } from '../layers.ts'
import { onFirstCall } from './first-call.ts'
import { logger, openObjects, openQuery, slotMs, stageMetrics } from './open.ts'
import { openStore } from './store.ts'

/** Task of a call; by default a normal run. */
export interface BatchTask {
  /** Arrival days to count again, YYYY-MM-DD. */
  backfill?: { from: string; to: string }
  /** True: publish even if the speed layer counted otherwise. */
  ignoreSpeed?: boolean
}

/** Result of a call. */
export interface BatchOutcome {
  revision: number | null
  published: boolean
  /** Lanes that are archived less far than others. */
  behind: string[]
}

/** Lambda function that runs the batch layer once. It is a step of the state machine. */
export const handler = onFirstCall<BatchTask, BatchOutcome>(async () => {
  const [logMetadata, store] = await Promise.all([openLogMetadata(), openStore(slotMs())])
  const objects = openObjects()
  await refuseUnsupportedView(viewReader(objects))
  const batch = batchLayerOf({ logMetadata, store, objects, query: openQuery() }, slotMs())
  const metrics = stageMetrics()
  return async ({ backfill, ignoreSpeed = false }) => {
    const run = backfill
      ? () => runBackfill(batch, backfill.from, backfill.to)
      : () => runBatch(batch, { trustSpeed: !ignoreSpeed })
    const { view, published, behind }: BatchRun = await recordRun(objects, Date.now, run)
    if (view) metrics.record({ consumer: 'batch', values: { cutAgeMs: Date.now() - view.cut } })
    const outcome = { revision: view?.revision ?? null, published, behind: behind.map(({ lane }) => lane) }
    logger.info('batch: run ended', { ...outcome })
    return outcome
  }
})
