import { archiveHandlerOf } from '../layers.ts'
import { consumerOnFirstCall } from './first-call.ts'
import { logger, openLog, openObjects, slotMs, stageMetrics } from './ports.ts'

/** The archive: consumes the stream. */
export const handler = consumerOnFirstCall('archive', async () => {
  const { identity } = await openLog()
  return archiveHandlerOf({ objects: openObjects(), logger, metrics: stageMetrics() }, identity, slotMs())
})
