import { openLogMetadata } from '#log'
import { rulesNamed } from '../../core/rules/index.ts'
import { speedHandlerOf } from '../layers.ts'
import { consumerOnFirstCall } from './first-call.ts'
import { logger, openObjects, slotMs, stageMetrics, timing } from './open.ts'
import { openStore } from './store.ts'
import { variable } from './variables.ts'

/** Lambda function of the speed layer, a consumer of the stream. */
export const handler = consumerOnFirstCall('speed', async () => {
  const rules = rulesNamed(variable('LANDCOVER_RULES'))
  const [logMetadata, store] = await Promise.all([openLogMetadata(), openStore(slotMs())])
  const ports = { logMetadata, store, objects: openObjects(), logger, metrics: stageMetrics() }
  return speedHandlerOf(ports, timing(), rules)
})
