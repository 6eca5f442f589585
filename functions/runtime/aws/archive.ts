import { openLogMetadata } from '#log'
import { archiveHandlerOf } from '../layers.ts'
import { consumerOnFirstCall } from './first-call.ts'
import { logger, openObjects, stageMetrics, timing } from './open.ts'

/** Lambda function of the archive, a consumer of the stream. */
export const handler = consumerOnFirstCall('archive', async () => {
  const { identity } = await openLogMetadata()
  return archiveHandlerOf({ objects: openObjects(), logger, metrics: stageMetrics() }, identity, timing())
})
