import { type CompactionWorker, ONLY_WORKER } from '../../archive/compaction-progress.ts'
import { MINUTE_MS } from '../../core/time.ts'
import { compactUnwatched } from '../layers.ts'
import { onFirstCall } from './first-call.ts'
import { logger, openObjects, slotMs, stageMetrics } from './open.ts'

/** Time that is left for a piece when it is started, ms. */
const PIECE_MS = 5 * MINUTE_MS

/**
 * Lambda function that merges small files of the archive, on a schedule. Its event is the share of the work; without one,
 * as when it is called by hand, it does all. Work that does not fit a call is left to the next.
 */
export const handler = onFirstCall<Partial<CompactionWorker>, unknown>(async () => {
  const objects = openObjects()
  const metrics = stageMetrics()
  return async (event, context) => {
    const worker = event.of === undefined ? ONLY_WORKER : { index: event.index ?? 0, of: event.of }
    const hasTime = () => context.getRemainingTimeInMillis() > PIECE_MS
    const compacted = await compactUnwatched({ objects }, slotMs(), { worker, hasTime })
    metrics.record({ consumer: 'compaction', values: { compactionBehindMs: compacted.behindMs } })
    logger.info('archive: compacted', { ...worker, ...compacted })
    return compacted
  }
})
