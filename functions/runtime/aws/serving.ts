import type { APIGatewayProxyEvent, APIGatewayProxyResult } from 'aws-lambda'
import { openLogMetadata } from '#log'
import { refuseUnsupportedView, viewReader } from '../../batch/view-reader.ts'
import { SECOND_MS } from '../../core/time.ts'
import { servingHandlerOf } from '../layers.ts'
import { rememberedLogMetadata } from '../log-metadata.ts'
import { onFirstCall } from './first-call.ts'
import { logger, openObjects, slotMs, timing } from './open.ts'
import { openStore } from './store.ts'

/**
 * Time for which equal questions get the same answer, ms. CloudFront shares answers too, but only for requests with the
 * same address and headers, and in each of its places by itself.
 */
const SHARED_MS = SECOND_MS

/** Lambda function of the API. */
export const handler = onFirstCall<APIGatewayProxyEvent, APIGatewayProxyResult>(async () => {
  const [logMetadata, store] = await Promise.all([openLogMetadata(), openStore(slotMs())])
  const objects = openObjects()
  await refuseUnsupportedView(viewReader(objects))
  const ports = { logMetadata: rememberedLogMetadata(logMetadata), store, objects, logger }
  return servingHandlerOf(ports, timing(), { sharedMs: SHARED_MS })
})
